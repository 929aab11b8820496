using System.Diagnostics;
using Naru.MySql;

namespace Naru.Tests.Platform;

/// <summary>
/// A MariaDB of the tests' own: Debian's server program in a folder of its own, without a port. The shared one is there
/// from the first test that asks until the process ends, however it ends, and each test has a database of its own;
/// a test that kills its server starts another one.
/// </summary>
internal sealed class MariaDbServer : IDisposable
{
    /// <summary>Ends the server and removes its folder when its standard input ends, as it does with us.</summary>
    private const string Watcher =
        """
        folder=$1; shift
        "$@" </dev/null >"$folder/log" 2>&1 &
        server=$!
        echo $server >"$folder/pid.new" && mv "$folder/pid.new" "$folder/pid"
        read -r _
        kill -KILL $server 2>/dev/null; { wait $server; } 2>/dev/null
        rm -rf "$folder"
        """;

    private static readonly Lazy<Task<MariaDbServer>> Shared = new(StartAsync);
    private static int _databases;

    private readonly string _folder;
    private Process? _watcher;

    private MariaDbServer(string folder) => _folder = folder;

    public string Socket => $"{_folder}/socket";

    /// <summary>The PEM file that signs the server's certificate, which is issued to `localhost`.</summary>
    public string Authorities => $"{_folder}/ca.pem";

    /// <summary>As the user who may do everything.</summary>
    public MySqlAddress Address => new()
    {
        Socket = Socket, User = "root", ConnectTimeout = TimeSpan.FromMinutes(1),
    };

    /// <summary>An empty database of the shared server.</summary>
    public static async Task<MySqlAddress> DatabaseAsync() => (await SharedAsync()).NewDatabase();

    public static Task<MariaDbServer> SharedAsync()
    {
        Need();
        return Shared.Value;
    }

    /// <summary>A server for one test, that it may kill.</summary>
    public static async Task<MariaDbServer> StartAsync()
    {
        Need();
        MariaDbServer server = new(Directory.CreateTempSubdirectory("naru-my-").FullName);
        await server.BeginAsync();
        return server;
    }

    public static void Need() => Prerequisite.Need(
        FindProgram("mariadbd") is not null && FindProgram("mariadb-install-db") is not null,
        "needs MariaDB's server: apt-get install mariadb-server");

    /// <summary>One of Debian's programs for it, such as `mariadb-dump`.</summary>
    public static string Program(string name)
    {
        string? found = FindProgram(name);
        Prerequisite.Need(found is not null, $"needs {name}: apt-get install mariadb-server");
        return found!;
    }

    public static void Execute(MySqlAddress address, params string[] statements)
    {
        using MySqlConnection connection = MySqlConnection.Open(address);
        foreach (string statement in statements)
        {
            connection.Execute(statement);
        }
    }

    public MySqlAddress NewDatabase()
    {
        string name = $"test_{Interlocked.Increment(ref _databases)}";
        Execute(Address, $"CREATE DATABASE {name} CHARACTER SET utf8mb4");
        return Address with { Database = name };
    }

    /// <summary>Runs a file of statements with the server's own client, as a person would.</summary>
    /// <param name="folder">Where the file and those that it names lie.</param>
    /// <param name="file">Its name.</param>
    /// <param name="before">A statement of the same session.</param>
    public async Task LoadAsync(string folder, string file, string before = "SELECT 1")
    {
        ProcessStartInfo start = new(Program("mariadb"))
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList = { "--no-defaults", $"--socket={Socket}", "--user=root", "--default-character-set=utf8mb4" },
        };
        using Process client = Process.Start(start)!;
        Task<string> told = client.StandardOutput.ReadToEndAsync();
        Task<string> wrong = client.StandardError.ReadToEndAsync();
        await client.StandardInput.WriteLineAsync($"{before};\nsource {file}");
        client.StandardInput.Close();
        await client.WaitForExitAsync();
        Assert.True(client.ExitCode == 0, $"{file}: {await wrong}{await told}");
    }

    /// <summary>As a machine that loses its power would end it.</summary>
    public void Kill()
    {
        using Process kill = Process.Start("/bin/kill", ["-KILL", File.ReadAllText($"{_folder}/pid").Trim()]);
        kill.WaitForExit();
    }

    /// <summary>Starts it again on the same data, after <see cref="Kill"/>.</summary>
    public Task RestartAsync()
    {
        // The shell that watches it would remove the folder.
        _watcher!.Kill();
        _watcher.WaitForExit();
        _watcher.Dispose();
        return ServeAsync();
    }

    public void Dispose()
    {
        _watcher?.StandardInput.Close();
        _watcher?.WaitForExit();
        _watcher?.Dispose();
        _watcher = null;
    }

    /// <summary>The server refuses to run as root.</summary>
    private static string[] AsUser => Environment.IsPrivilegedProcess
        ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"] : [];

    private string[] Small =>
    [
        $"--datadir={_folder}/data", "--innodb-log-file-size=16M", "--innodb-flush-method=nosync",
        "--innodb-buffer-pool-size=64M", "--skip-log-bin",
    ];

    private static string? FindProgram(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Concat(["/usr/sbin", "/usr/local/sbin"])
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(File.Exists);

    private async Task BeginAsync()
    {
        TestAuthority.Write(_folder);
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", ["-R", "nobody", _folder]);
            await RunAsync("chmod", ["755", _folder]);
        }

        string[] initialise =
        [
            .. AsUser, FindProgram("mariadb-install-db")!, "--no-defaults", .. Small, "--skip-test-db",
            "--skip-name-resolve", "--auth-root-authentication-method=normal",
        ];
        await RunAsync(initialise[0], initialise[1..]);
        await ServeAsync();
    }

    private async Task ServeAsync()
    {
        string[] serve =
        [
            "-c", Watcher, "mariadb", _folder, .. AsUser, FindProgram("mariadbd")!, "--no-defaults", .. Small,
            $"--socket={Socket}", "--skip-networking", "--innodb-flush-log-at-trx-commit=2", "--max-connections=100",
            $"--pid-file={_folder}/data/pid", $"--ssl-ca={Authorities}", $"--ssl-cert={_folder}/server.pem",
            $"--ssl-key={_folder}/server-key.pem", "--character-set-server=utf8mb4",
        ];
        _watcher = Process.Start(new ProcessStartInfo("/bin/sh", serve) { RedirectStandardInput = true });
        await WaitAsync();
    }

    private async Task WaitAsync()
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                Execute(Address, "SELECT 1");
                return;
            }
            catch (MySqlException) when (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(2))
            {
                await Task.Delay(20);
            }
        }
    }

    private static async Task RunAsync(string program, string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> told = process.StandardOutput.ReadToEndAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program}: {error}{await told}");
    }
}
