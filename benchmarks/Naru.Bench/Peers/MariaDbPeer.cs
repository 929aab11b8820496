using System.Diagnostics;
using Naru.MySql;

namespace Naru.Bench.Peers;

/// <summary>A MariaDB in a folder of its own, reached by its socket.</summary>
internal sealed class MariaDbPeer : IDisposable
{
    private readonly Process _process;
    private readonly string _folder;

    private MariaDbPeer(Process process, string folder, string version)
    {
        _process = process;
        _folder = folder;
        Version = version;
    }

    public MySqlAddress Address => new() { Socket = $"{_folder}/socket", User = "root" };

    public string Version { get; }

    /// <summary>Null where MariaDB's server is not installed.</summary>
    public static MariaDbPeer? TryStart()
    {
        string[] places = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin"];
        string? server = places.Select(static place => $"{place}/mariadbd").FirstOrDefault(File.Exists);
        if (server is null)
        {
            return null;
        }

        // A socket's path has 107 bytes at most, and the server refuses to run as root.
        string folder = Directory.CreateTempSubdirectory("naru-bench-my-").FullName;
        string[] asUser = [];
        if (Environment.IsPrivilegedProcess)
        {
            asUser = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"];
            Run(["chown", "nobody", folder]);
        }

        string[] data =
        [
            "--no-defaults", $"--datadir={folder}/data", "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=512M", "--innodb-log-file-size=256M", "--skip-log-bin",
        ];
        Run([.. asUser, "mariadb-install-db", .. data, "--skip-test-db", "--auth-root-authentication-method=normal"]);
        string[] serve =
        [
            .. asUser, server, .. data, $"--socket={folder}/socket", "--skip-networking",
            "--innodb-flush-log-at-trx-commit=0", $"--pid-file={folder}/data/pid",
        ];
        Process process = Start(serve);
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                using MySqlConnection connection = MySqlConnection.Open(
                    new MySqlAddress { Socket = $"{folder}/socket", User = "root" });
                return new MariaDbPeer(process, folder, connection.ServerVersion.Split('-')[0]);
            }
            catch (MySqlException) when (attempt < 600)
            {
                Thread.Sleep(50);
            }
        }
    }

    /// <summary>Dumps a table as its own tool does, to a file.</summary>
    public double Dump(string database, string table, string path)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Run(
        [
            "mariadb-dump", "--no-defaults", $"--socket={_folder}/socket", "--user=root", "--single-transaction",
            "--quick", "--default-character-set=utf8mb4", $"--result-file={path}", database, table,
        ]);
        return watch.Elapsed.TotalSeconds;
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static void Run(string[] command)
    {
        using Process process = Start(command);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{command[0]} ended with {process.ExitCode}");
        }
    }

    private static Process Start(string[] command)
    {
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        Process process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
