using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Naru.Configuration;
using Naru.Core.Files;
using Npgsql;

namespace Naru.Demo;

/// <summary>
/// The shop's own database, in which its advertisers and their campaigns stand and into which reports are exported: a
/// PostgreSQL of this machine's, run for the demo alone in a folder of the demo's, on a port of its own.
/// </summary>
internal sealed class ShopDatabase : IAsyncDisposable
{
    /// <summary>What the sample's files say, and the demo replaces: by a port that is free, and by yesterday.</summary>
    private const string PortInFiles = "port: 5432";
    private const string StartInFiles = "start: 2026-11-01";

    private const string FolderName = "shop-database";
    private const string User = "shop";
    private const string DebianPrograms = "/usr/lib/postgresql";
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(50);

    /// <summary>Files of the sample that are about it.</summary>
    private static readonly string[] Parts =
    [
        "sources/shop_db.yaml", "exports/campaign_spend.yaml", "models/t2_campaign_snapshot_daily.sql",
        "models/t3_campaign_spend_aggr_daily.sql",
    ];

    /// <summary>
    /// Ends the server when its standard input ends, as it does with the demo, however that ends: $1 its log, the rest
    /// its command line.
    /// </summary>
    private const string Watcher =
        """
        log=$1; shift
        "$@" </dev/null >"$log" 2>&1 &
        server=$!
        read -r _
        kill -INT $server; wait $server
        """;

    private readonly Process _watcher;
    private readonly TimeProvider _time;

    private ShopDatabase(Process watcher, TimeProvider time) => (_watcher, _time) = (watcher, time);

    /// <summary>Takes what needs the database out of a copy of the sample.</summary>
    public static void LeaveOut(IFileSystem files, string root)
    {
        foreach (string part in Parts.Where(part => files.FileExists($"{root}/{part}")))
        {
            files.Delete($"{root}/{part}");
        }
    }

    /// <summary>Whether the project has it.</summary>
    public static bool IsWanted(IFileSystem files, ProjectPaths paths) =>
        files.FileExists($"{paths.Root}/{Parts[0]}");

    /// <summary>Where PostgreSQL's server programs are; null where there are none.</summary>
    public static string? FindPrograms(IFileSystem files)
    {
        IEnumerable<string> debian = files.DirectoryExists(DebianPrograms)
            ? files.List(DebianPrograms)
                .OrderByDescending(static name =>
                    int.TryParse(name, CultureInfo.InvariantCulture, out int version) ? version : 0)
                .Select(static name => $"{DebianPrograms}/{name}/bin")
            : [];
        return debian.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
            .FirstOrDefault(folder => files.FileExists($"{folder}/postgres") && files.FileExists($"{folder}/initdb"));
    }

    /// <summary>
    /// Makes the database when it is not there yet, and starts it. Throws <see cref="DemoException"/>.
    /// </summary>
    public static async Task<ShopDatabase> StartAsync(
        IFileSystem files, ProjectPaths paths, string programs, TimeProvider time, CancellationToken cancellationToken)
    {
        string folder = $"{paths.Root}/{FolderName}";
        if (!files.FileExists($"{folder}/port"))
        {
            files.CreateDirectory(folder);
            Prepare(files, paths, folder, time);
        }

        string home = HomeOf(paths, folder);
        string[] asUser = [];
        bool isNew = !files.FileExists($"{home}/data/PG_VERSION");
        string password = Text(files, $"{folder}/password");
        if (isNew)
        {
            files.CreateDirectory(home);
            WholeFile.Replace(files, $"{home}/password", Encoding.UTF8.GetBytes(password), FileReaders.Owner);
        }

        // It refuses to run as root.
        if (Environment.IsPrivilegedProcess)
        {
            asUser = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"];
            await RunAsync("chown", ["-R", "nobody", home], cancellationToken).ConfigureAwait(false);
        }

        if (isNew)
        {
            string[] make =
            [
                .. asUser, $"{programs}/initdb", "-D", $"{home}/data", "-U", User, "--auth=scram-sha-256",
                $"--pwfile={home}/password", "-E", "UTF8", "--locale=C",
            ];
            await RunAsync(make[0], make[1..], cancellationToken).ConfigureAwait(false);
        }

        int port = int.Parse(Text(files, $"{folder}/port"), CultureInfo.InvariantCulture);
        string[] serve =
        [
            "-c", Watcher, "postgres", $"{home}/log", .. asUser, $"{programs}/postgres", "-D", $"{home}/data",
            "-p", $"{port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
        ];
        ProcessStartInfo start = new("/bin/sh", serve) { RedirectStandardInput = true };
        ShopDatabase database = new(Process.Start(start)!, time);
        try
        {
            string connection = new NpgsqlConnectionStringBuilder
            {
                Host = "127.0.0.1", Port = port, Username = User, Database = "postgres",
                Password = password, Pooling = false,
            }.ConnectionString;
            await database.FillAsync(connection, $"{home}/log", files, cancellationToken).ConfigureAwait(false);
            return database;
        }
        catch
        {
            await database.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _watcher.StandardInput.Close();
        await _watcher.WaitForExitAsync().ConfigureAwait(false);
        _watcher.Dispose();
    }

    private async Task FillAsync(
        string connection, string log, IFileSystem files, CancellationToken cancellationToken)
    {
        long begun = _time.GetTimestamp();
        while (true)
        {
            try
            {
                await ExecuteAsync(connection, ShopTables.Sql, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (NpgsqlException exception) when (exception is not PostgresException { SqlState: not "57P03" }
                && _time.GetElapsedTime(begun) < StartMax && !_watcher.HasExited)
            {
                await Task.Delay(LookPause, _time, cancellationToken).ConfigureAwait(false);
            }
            catch (NpgsqlException exception)
            {
                string told = Encoding.UTF8.GetString(WholeFile.Read(files, log) ?? []).Trim();
                throw new DemoException(
                    $"the shop's database does not start: {exception.Message}\n{told}",
                    "start the demo without it: --no-database");
            }
        }
    }

    private static async Task ExecuteAsync(string connection, string sql, CancellationToken cancellationToken)
    {
        NpgsqlConnection open = new(connection);
        await using (open.ConfigureAwait(false))
        {
            await open.OpenAsync(cancellationToken).ConfigureAwait(false);
            NpgsqlCommand command = new(sql, open);
            await using (command.ConfigureAwait(false))
            {
                await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Where the server's files are. Whom root lets it run as may not look into the project, so root's stand elsewhere.
    /// </summary>
    private static string HomeOf(ProjectPaths paths, string folder)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(paths.Root)))[..16];
        return Environment.IsPrivilegedProcess
            ? Path.Combine(Path.GetTempPath(), $"naru-demo-database-{hash}") : folder;
    }

    /// <summary>Chooses a password, a port and the first day, and writes them where the project's files look.</summary>
    private static void Prepare(IFileSystem files, ProjectPaths paths, string folder, TimeProvider time)
    {
        WholeFile.Replace(
            files,
            $"{folder}/password",
            Encoding.UTF8.GetBytes(RandomNumberGenerator.GetHexString(32)),
            FileReaders.Owner);
        int free = FreePort();
        DateTime yesterday = TimeZoneInfo.ConvertTime(time.GetUtcNow(), ShopOptions.Zone).Date.AddDays(-1);
        Replace(files, paths, (PortInFiles, $"port: {free}"), (StartInFiles, $"start: {yesterday:yyyy-MM-dd}"));
        WholeFile.Replace(files, $"{folder}/port", Encoding.UTF8.GetBytes($"{free}\n"));
    }

    private static void Replace(
        IFileSystem files, ProjectPaths paths, params ReadOnlySpan<(string From, string To)> replacements)
    {
        foreach (string path in Parts.Select(part => $"{paths.Root}/{part}"))
        {
            string text = Text(files, path);
            foreach ((string from, string to) in replacements)
            {
                text = text.Replace(from, to, StringComparison.Ordinal);
            }

            WholeFile.Replace(files, path, Encoding.UTF8.GetBytes($"{text}\n"));
        }
    }

    private static string Text(IFileSystem files, string path) =>
        Encoding.UTF8.GetString(WholeFile.Read(files, path) ?? []).Trim();

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> told = process.StandardOutput.ReadToEndAsync(cancellationToken);
        string error = await process.StandardError.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            string said = $"{error}{await told.ConfigureAwait(false)}".Trim();
            throw new DemoException(
                $"the shop's database cannot be made: {program} says {said}",
                "start the demo without it: --no-database");
        }
    }
}
