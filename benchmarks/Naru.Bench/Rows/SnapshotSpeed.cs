using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Naru.Bench.Peers;
using Naru.Connections;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;
using Naru.MySql;
using Naru.Sources;
using Naru.Sources.MySql;
using Naru.Sources.PostgreSql;

namespace Naru.Bench.Rows;

/// <summary>
/// P15: a table of a MariaDB, and the same of a PostgreSQL, into Parquet files, by two sessions at one point in time.
/// Peers: mariadb-dump and pg_dump of the same table to a file. Medians of three rounds in turn.
/// </summary>
internal static class SnapshotSpeed
{
    private const double Target = 0.8;
    private const int TableRows = 2_000_000;
    private const int Rounds = 3;
    private const string Database = "shop";

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup) =>
        [await MariaDbAsync(setup), await PostgreSqlAsync(setup)];

    private static async Task<RowResult> MariaDbAsync(BenchSetup setup)
    {
        using MariaDbPeer? peer = MariaDbPeer.TryStart();
        if (peer is null)
        {
            return Missing("MariaDB");
        }

        BenchSetup.Say("filling a table of MariaDB …");
        Fill(peer.Address);
        SourceEndpoint endpoint = Endpoint(peer.Address.Socket!, Database, peer.Address.User);
        return await MeasureAsync(
            setup,
            ("MariaDB", $"mariadb-dump {peer.Version}"),
            path => peer.Dump(Database, "orders", path),
            folder => ReadAsync(new MySqlSource(endpoint), new MySqlKind(), folder));
    }

    private static async Task<RowResult> PostgreSqlAsync(BenchSetup setup)
    {
        using PostgresPeer? peer = PostgresPeer.TryStart();
        if (peer is null)
        {
            return Missing("PostgreSQL");
        }

        BenchSetup.Say("filling a table of PostgreSQL …");
        await peer.ExecuteAsync(
            "CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, status text NOT NULL, "
            + "amount numeric(12,2) NOT NULL, at timestamp NOT NULL, note varchar(80)); "
            + "INSERT INTO orders SELECT seq, seq * 7919 % 1000003, (ARRAY['new', 'paid', 'sent'])[1 + seq % 3], "
            + "(seq % 1000000) / 100.0, '2026-01-01'::timestamp + seq * interval '13 seconds', "
            + "CASE WHEN seq % 3 = 0 THEN NULL ELSE 'order ' || md5(seq::text) END "
            + string.Create(
                CultureInfo.InvariantCulture, $"FROM generate_series(1::bigint, {TableRows}) seq; ANALYZE"));
        SourceEndpoint endpoint = Endpoint(peer.Folder, "postgres", PostgresPeer.User);
        return await MeasureAsync(
            setup,
            ("PostgreSQL", $"pg_dump {peer.Version}"),
            path => peer.Dump("orders", path),
            folder => ReadAsync(new PostgresSource(endpoint), new PostgresKind(), folder));
    }

    private static RowResult Missing(string server) => new("P15", $"snapshot of a table of {server}")
    {
        Naru = "-", Target = "", Met = null, Note = $"{server} is not installed: ./bench --with-peers",
    };

    private static async Task<RowResult> MeasureAsync(
        BenchSetup setup, (string Server, string Tool) names, Func<string, double> dumpTo, Func<string, Task> read)
    {
        List<double> naru = [], dump = [];
        string folder = setup.NewFolder($"snapshot-{names.Server}");
        for (int round = 0; round < Rounds; round++)
        {
            dump.Add(dumpTo($"{folder}/dump.sql"));
            Stopwatch watch = Stopwatch.StartNew();
            await read(folder);
            naru.Add(watch.Elapsed.TotalSeconds);
        }

        double ours = Median(naru), theirs = Median(dump);
        CultureInfo culture = CultureInfo.InvariantCulture;
        return new RowResult(
            "P15", string.Create(culture, $"{TableRows / 1e6:N0} M rows of {names.Server} into Parquet"))
        {
            Naru = string.Create(culture, $"{TableRows / ours / 1e6:F2} M rows/s"),
            Peer = string.Create(culture, $"{TableRows / theirs / 1e6:F2} M rows/s {names.Tool}"),
            Ratio = string.Create(culture, $"{theirs / ours:F2}"),
            Target = string.Create(culture, $">= {Target:F1}"),
            Met = theirs / ours >= Target,
        };
    }

    private static SourceEndpoint Endpoint(string host, string database, string user) => new()
    {
        Host = host,
        Port = 5432,
        Database = database,
        User = user,
        Tls = ConnectionTls.Off,
        Zone = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul")),
    };

    private static void Fill(MySqlAddress address)
    {
        using MySqlConnection connection = MySqlConnection.Open(address);
        connection.Execute($"CREATE DATABASE {Database}");
        connection.Execute($"USE {Database}");
        connection.Execute(
            $"CREATE TABLE {Database}.orders (id BIGINT UNSIGNED PRIMARY KEY, customer INT NOT NULL, "
            + "status ENUM('new', 'paid', 'sent') NOT NULL, amount DECIMAL(12,2) NOT NULL, at DATETIME(6) NOT NULL, "
            + "note VARCHAR(80))");
        connection.Execute(string.Create(
            CultureInfo.InvariantCulture,
            $"INSERT INTO {Database}.orders SELECT seq, seq * 7919 % 1000003, 1 + seq % 3, seq % 1000000 / 100, "
            + $"'2026-01-01' + INTERVAL seq * 13 SECOND + INTERVAL seq MICROSECOND, "
            + $"IF(seq % 3 = 0, NULL, concat('order ', md5(seq))) FROM seq_1_to_{TableRows}"));
        connection.Execute($"ANALYZE TABLE {Database}.orders");
    }

    private static async Task ReadAsync(ISourceServer server, ISourceKind kind, string folder)
    {
        const int Sessions = 2;
        const int ChunkRows = 500_000;
        await using ISourceServer opened = server;
        await using ISourceSnapshot snapshot = await server.BeginAsync(Sessions, CancellationToken.None);
        SourceTableName name = new(kind.DefaultSchema, "orders");
        SourceTable table = (await snapshot.DescribeAsync(name, null, CancellationToken.None))!;
        IReadOnlyList<SourceChunk> chunks = await snapshot.SplitAsync(table, ChunkRows, CancellationToken.None);
        using ParquetTableWriter writer = new(new ParquetOptions());
        ConcurrentBag<long> rows = [];
        await Parallel.ForEachAsync(
            chunks.Select(static (chunk, i) => (chunk, i)),
            new ParallelOptions { MaxDegreeOfParallelism = Sessions },
            async (part, stop) =>
            {
                Sink sink = new(table, writer, $"{folder}/{part.i}-");
                await snapshot.ReadAsync(
                    new SourceRead { Table = table, Columns = table.Columns, Chunk = part.chunk }, sink, stop);
                rows.Add(sink.Rows);
            });
        if (rows.Sum() != TableRows)
        {
            throw new InvalidOperationException($"{rows.Sum()} rows came, not {TableRows}");
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private sealed class Sink(SourceTable table, ParquetTableWriter writer, string path) : IRowSink
    {
        private static readonly int[] All = [.. Enumerable.Range(0, 491_520)];
        private Task _writing = Task.CompletedTask;
        private int _files;

        public long Rows { get; private set; }

        public ColumnBatch Begin() => new(new TableSchema(
            [.. table.Columns.Select(static (column, i) => new Column(column.Name, column.Type, true, i + 1))]));

        public void Tell(SourceColumn column, string what, long values)
        {
        }

        public bool IsFull(int rows, long bytes) => rows >= All.Length;

        public async ValueTask<ColumnBatch> TakeAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken)
        {
            await EndAsync(batch, rows, cancellationToken);
            return Begin();
        }

        public async ValueTask EndAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken)
        {
            await _writing;
            Rows += rows;
            batch.EndRows(rows);
            string to = $"{path}{_files++}.parquet";
            _writing = Task.Run(() =>
            {
                using (batch)
                {
                    File.Delete(to);
                    writer.Write(batch, All.AsMemory(0, rows), 0, to);
                }
            }, cancellationToken);
            await _writing;
        }
    }
}
