using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Naru.Tests.Platform;

/// <summary>
/// A PostgreSQL of the tests' own: Debian's server programs in a folder of their own, without a port. The shared one is
/// there from the first test that asks until the process ends, however it ends, and each test has a schema of its own;
/// a test that kills its server starts another one.
/// </summary>
internal sealed class PostgresServer : IDisposable
{
    /// <summary>Ends the server and removes its folder when its standard input ends, as it does with us.</summary>
    private const string Watcher =
        """
        folder=$1; shift
        "$@" </dev/null >"$folder/log" 2>&1 &
        server=$!
        echo $server >"$folder/pid.new" && mv "$folder/pid.new" "$folder/pid"
        read -r _
        kill -QUIT $server 2>/dev/null; { wait $server; } 2>/dev/null
        rm -rf "$folder"
        """;

    private static readonly Lazy<Task<PostgresServer>> Shared = new(StartAsync);
    private static int _schemas;

    private readonly string _folder;

    /// <summary>Held, because its standard input ends with it.</summary>
    private Process? _watcher;

    private PostgresServer(string folder) => _folder = folder;

    private string Connection => $"Host={_folder};Username=naru;Database=postgres";

    /// <summary>The server refuses to run as root.</summary>
    private static string[] AsUser => Environment.IsPrivilegedProcess
        ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"] : [];

    /// <summary>A connection string to an empty schema of the shared server.</summary>
    public static async Task<string> SchemaAsync()
    {
        Need();
        return await (await Shared.Value).NewSchemaAsync();
    }

    /// <summary>A server for one test, that it may kill.</summary>
    public static async Task<PostgresServer> StartAsync()
    {
        Need();
        PostgresServer server = new(Directory.CreateTempSubdirectory("naru-pg-").FullName);
        await server.BeginAsync();
        return server;
    }

    public static async Task<long> ExecuteAsync(string connection, string sql)
    {
        await using NpgsqlConnection open = new(connection);
        await open.OpenAsync();
        await using NpgsqlCommand command = new(sql, open);
        return await command.ExecuteScalarAsync() is long number ? number : 0;
    }

    /// <summary>The file through which a connection reaches the server.</summary>
    public static string SocketOf(string connection) =>
        $"{new NpgsqlConnectionStringBuilder(connection).Host}/.s.PGSQL.5432";

    /// <summary>The same server behind something that listens on loopback.</summary>
    public static string Through(string connection, int port) =>
        new NpgsqlConnectionStringBuilder(connection) { Host = "127.0.0.1", Port = port }.ConnectionString;

    /// <summary>A connection string to an empty schema.</summary>
    public async Task<string> NewSchemaAsync()
    {
        string schema = $"test_{Interlocked.Increment(ref _schemas)}";
        await ExecuteAsync(Connection, $"CREATE SCHEMA {schema}");
        return $"{Connection};Search Path={schema}";
    }

    /// <summary>All of its processes at once, as a machine that loses its power would end them.</summary>
    public void Kill()
    {
        string server = File.ReadAllText($"{_folder}/pid").Trim();
        string[] all = [server, .. Processes().Where(each => each.Parent == server).Select(static each => each.Id)];
        using Process kill = Process.Start("/bin/kill", ["-KILL", .. all]);
        kill.WaitForExit();
    }

    /// <summary>Starts it again on the same data, after <see cref="Kill"/>.</summary>
    public Task RestartAsync()
    {
        // The shell that watches it would remove the folder.
        _watcher!.Kill();
        _watcher.WaitForExit();
        _watcher.Dispose();

        // A process that nobody has buried yet would be taken for a server that lives.
        File.Delete($"{_folder}/data/postmaster.pid");
        File.Delete($"{_folder}/.s.PGSQL.5432.lock");
        return ServeAsync();
    }

    public void Dispose()
    {
        _watcher?.StandardInput.Close();
        _watcher?.WaitForExit();
        _watcher?.Dispose();
        _watcher = null;
    }

    private static void Need() =>
        Prerequisite.Need(FindPrograms() is not null, "needs PostgreSQL's server: apt-get install postgresql");

    private static IEnumerable<(string Id, string Parent)> Processes()
    {
        foreach (string folder in Directory.GetDirectories("/proc"))
        {
            string stat = "";
            try
            {
                stat = File.ReadAllText($"{folder}/stat");
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // No process, or one that has ended.
            }

            // `12 (its name) S 7 …`: a name may have anything in it.
            if (stat.LastIndexOf(')') is > 0 and int end)
            {
                yield return (Path.GetFileName(folder), stat[(end + 2)..].Split(' ')[1]);
            }
        }
    }

    private static string? FindPrograms()
    {
        const string Debian = "/usr/lib/postgresql";
        IEnumerable<string> versions = Directory.Exists(Debian)
            ? Directory.GetDirectories(Debian)
                .OrderByDescending(static path =>
                    int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out int version) ? version : 0)
                .Select(static path => $"{path}/bin")
            : [];
        return versions.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
            .FirstOrDefault(static folder => File.Exists($"{folder}/postgres") && File.Exists($"{folder}/initdb"));
    }

    private async Task BeginAsync()
    {
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", ["nobody", _folder]);
        }

        string[] initialise =
        [
            .. AsUser, $"{FindPrograms()}/initdb", "-D", $"{_folder}/data", "-U", "naru", "--auth=trust", "--no-sync",
            "-E", "UTF8", "--locale=C",
        ];
        await RunAsync(initialise[0], initialise[1..]);
        await ServeAsync();
    }

    private async Task ServeAsync()
    {
        string[] serve =
        [
            "-c", Watcher, "postgres", _folder, .. AsUser, $"{FindPrograms()}/postgres", "-D", $"{_folder}/data",
            "-k", _folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60",
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
                await ExecuteAsync(Connection, "SELECT 1");
                return;
            }
            catch (NpgsqlException) when (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(2))
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
