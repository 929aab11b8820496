using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Naru.Tests.Platform;

/// <summary>
/// A PostgreSQL of the tests' own: Debian's server programs in a folder of their own, without a port. It is there from
/// the first test that asks until the process ends, however it ends. Each test has a schema of its own.
/// </summary>
internal static class PostgresServer
{
    /// <summary>Ends the server and removes its folder when its standard input ends, as it does with us.</summary>
    private const string Watcher =
        """
        folder=$1; shift
        "$@" </dev/null >"$folder/log" 2>&1 &
        server=$!
        read -r _
        kill -QUIT $server; wait $server
        rm -rf "$folder"
        """;

    private static readonly Lazy<Task<string>> Started = new(StartAsync);
    private static int _schemas;

    /// <summary>Held, because its standard input ends with it.</summary>
    private static Process? _server;

    /// <summary>A connection string to an empty schema.</summary>
    public static async Task<string> SchemaAsync()
    {
        Prerequisite.Need(FindPrograms() is not null, "needs PostgreSQL's server: apt-get install postgresql");
        string schema = $"test_{Interlocked.Increment(ref _schemas)}";
        string server = await Started.Value;
        await ExecuteAsync(server, $"CREATE SCHEMA {schema}");
        return $"{server};Search Path={schema}";
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

    private static async Task<string> StartAsync()
    {
        string folder = Directory.CreateTempSubdirectory("naru-pg-").FullName;
        string programs = FindPrograms()!;

        // The server refuses to run as root.
        string[] asUser = [];
        if (Environment.IsPrivilegedProcess)
        {
            asUser = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"];
            await RunAsync("chown", ["nobody", folder]);
        }

        string[] initialise =
        [
            .. asUser, $"{programs}/initdb", "-D", $"{folder}/data", "-U", "naru", "--auth=trust", "--no-sync",
            "-E", "UTF8", "--locale=C",
        ];
        await RunAsync(initialise[0], initialise[1..]);
        string[] serve =
        [
            "-c", Watcher, "postgres", folder, .. asUser, $"{programs}/postgres", "-D", $"{folder}/data", "-k", folder,
            "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60",
        ];
        _server = Process.Start(new ProcessStartInfo("/bin/sh", serve) { RedirectStandardInput = true });
        string connection = $"Host={folder};Username=naru;Database=postgres";
        await WaitAsync(connection);
        return connection;
    }

    private static async Task WaitAsync(string connection)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await ExecuteAsync(connection, "SELECT 1");
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
