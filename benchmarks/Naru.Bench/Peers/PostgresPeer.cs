using System.Diagnostics;
using Npgsql;

namespace Naru.Bench.Peers;

/// <summary>A PostgreSQL in a folder of its own, reached by its socket.</summary>
internal sealed class PostgresPeer : IDisposable
{
    public const string User = "naru";

    private readonly Process _process;
    private readonly string _programs;

    private PostgresPeer(Process process, string folder, string programs, string version)
    {
        _process = process;
        Folder = folder;
        _programs = programs;
        Version = version;
    }

    /// <summary>Where its socket is.</summary>
    public string Folder { get; }

    public string Version { get; }

    /// <summary>Null where PostgreSQL's server is not installed.</summary>
    public static PostgresPeer? TryStart()
    {
        const string Debian = "/usr/lib/postgresql";
        string? programs = Directory.Exists(Debian)
            ? Directory.GetDirectories(Debian).Order(StringComparer.Ordinal).Select(static path => $"{path}/bin")
                .LastOrDefault(static path => File.Exists($"{path}/postgres"))
            : null;
        if (programs is null)
        {
            return null;
        }

        // The server refuses to run as root.
        string folder = Directory.CreateTempSubdirectory("naru-bench-pg-").FullName;
        string[] asUser = [];
        if (Environment.IsPrivilegedProcess)
        {
            asUser = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"];
            Run(["chown", "nobody", folder]);
        }

        Run(
        [
            .. asUser, $"{programs}/initdb", "-D", $"{folder}/data", "-U", User, "--auth=trust", "--no-sync", "-E",
            "UTF8", "--locale=C",
        ]);
        Process process = Start(
        [
            .. asUser, $"{programs}/postgres", "-D", $"{folder}/data", "-k", folder, "-c", "listen_addresses=", "-c",
            "fsync=off", "-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB",
        ]);
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                using NpgsqlConnection connection = new(Connection(folder));
                connection.Open();
                return new PostgresPeer(process, folder, programs, connection.PostgreSqlVersion.ToString());
            }
            catch (NpgsqlException) when (attempt < 600)
            {
                Thread.Sleep(50);
            }
        }
    }

    public async Task ExecuteAsync(string sql)
    {
        await using NpgsqlConnection connection = new(Connection(Folder));
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql, connection) { CommandTimeout = 600 };
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Dumps a table as its own tool does, to a file.</summary>
    public double Dump(string table, string path)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Run([$"{_programs}/pg_dump", "-h", Folder, "-U", User, "-d", "postgres", "-t", table, "-f", path]);
        return watch.Elapsed.TotalSeconds;
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static string Connection(string folder) => new NpgsqlConnectionStringBuilder
    {
        Host = folder, Username = User, Database = "postgres", Pooling = false,
    }.ConnectionString;

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
