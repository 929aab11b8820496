using System.Globalization;
using System.IO.Compression;
using System.Text;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Models;
using Naru.Sources;
using Naru.Sources.Files;
using Naru.Tests.External;

namespace Naru.Tests.Sources;

/// <summary>Files that others put into a folder, snapshotted by the frame of all sources.</summary>
[Trait("Size", "Slow")]
public sealed class FilesSnapshotTests : IAsyncLifetime
{
    private const string Orders = "t1_db_incoming_orders_snapshot_daily";
    private const string Visits = "t1_db_incoming_visits_snapshot_daily";
    private const string Items = "t1_db_incoming_items_snapshot_daily";

    private readonly ExternalRig _files = new();
    private readonly SnapshotRig _rig;

    public FilesSnapshotTests() => _rig = new SnapshotRig(
        $$"""
        source: incoming
        kind: files
        path: {{_files.Share}}
        start: 2026-11-01
        retries: 0
        tables:
          - table: orders
            location: orders-{ymd}.csv*
            format: csv
            fields: {id: int64, amount: "decimal(18,2)", at: timestamp}
          - table: visits
            location: visits/p_ymd={ymd}/shop=*/*.ndjson
            ready: visits/p_ymd={ymd}/_SUCCESS
          - table: items
            location: items*.parquet
        """,
        tools: _files.ToolsOfSources());

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _rig.Dispose();
        await _files.DisposeAsync();
    }

    [Fact]
    public async Task Csv_of_a_day_becomes_its_snapshot_with_texts_as_they_are_and_types_as_they_are_said()
    {
        _files.Put("orders-2026-11-01.csv", "id,sku,amount,at\n1,007,10.50,2026-11-01T09:00:00+09:00\n2,,,\n");
        using MemoryStream packed = new();
        await using (GZipStream zip = new(packed, CompressionMode.Compress, leaveOpen: true))
        {
            zip.Write("amount,id,at\n3.25,3,\n"u8);
        }

        _files.Put("orders-2026-11-02.csv.gz", packed.ToArray());
        Assert.Equal(2, await _rig.FillAsync(Orders, SnapshotRig.Day(1)));
        Assert.Equal(1, await _rig.FillAsync(Orders, SnapshotRig.Day(2)));
        Assert.Equal(
            [
                "1|007|10.50|2026-11-01 00:00:00+00|2026-11-01", "2||||2026-11-01", "3||3.25||2026-11-02",
            ],
            _rig.Ask($"SELECT id, sku, amount, \"at\", p_ymd FROM {{{Orders}}} ORDER BY id")
                .Select(static row => row.Replace("NULL", "", StringComparison.Ordinal)));

        // What changed between the two is told once.
        Assert.Contains("column sku (text) is gone", _rig.Told);
    }

    [Fact]
    public async Task A_bad_line_an_empty_file_and_a_missing_one_change_nothing_and_say_why()
    {
        _files.Put("orders-2026-11-01.csv", "id,amount,at\n1,1.00,\n");
        Assert.Equal(1, await _rig.FillAsync(Orders, SnapshotRig.Day(1)));
        string[] before = _rig.Ask($"SELECT * FROM {{{Orders}}}");
        _files.Put("orders-2026-11-02.csv", "id,amount,at\n1,1.00,\n2,two,\n");
        RunOutcome bad = await _rig.RunAsync(Orders, SnapshotRig.Day(2));
        Assert.False(bad.Done);
        Assert.Contains(
            "orders: orders-2026-11-02.csv, line 3: column \"amount\" holds \"two\", which is no DECIMAL(18,2)",
            bad.Why,
            StringComparison.Ordinal);
        _files.Put("orders-2026-11-02.csv", "id,amount,at\n");
        Assert.Contains(
            "orders has no rows", (await _rig.RunAsync(Orders, SnapshotRig.Day(2))).Why, StringComparison.Ordinal);
        _files.Put("orders-2026-11-02.csv", "id,at\n1,\n");
        Assert.Contains(
            "has the column amount, which `fields` names",
            (await _rig.RunAsync(Orders, SnapshotRig.Day(2))).Why,
            StringComparison.Ordinal);
        Assert.Contains(
            "no file matches orders-2026-11-03.csv*",
            (await _rig.RunAsync(Orders, SnapshotRig.Day(3))).Why,
            StringComparison.Ordinal);
        Assert.Equal(before, _rig.Ask($"SELECT * FROM {{{Orders}}}"));
    }

    [Fact]
    public async Task Files_are_taken_when_their_mark_is_there_and_folders_give_columns()
    {
        _files.Put("visits/p_ymd=2026-11-01/shop=s1/a.ndjson", "{\"n\":1}\n");
        _files.Put("visits/p_ymd=2026-11-01/shop=s2/a.ndjson", "{\"n\":2,\"late\":{\"x\":0.1}}\n");
        Assert.Contains(
            "visits is not ready: visits/p_ymd=2026-11-01/_SUCCESS is not there",
            (await _rig.RunAsync(Visits, SnapshotRig.Day(1))).Why,
            StringComparison.Ordinal);
        _files.Put("visits/p_ymd=2026-11-01/_SUCCESS", "");
        Assert.Equal(2, await _rig.FillAsync(Visits, SnapshotRig.Day(1)));
        Assert.Equal(
            ["1|NULL|s1|2026-11-01", "2|{\"x\":0.1}|s2|2026-11-01"],
            _rig.Ask($"SELECT n, coalesce(late, 'NULL'), shop, p_ymd FROM {{{Visits}}} ORDER BY n"));
    }

    [Fact]
    [Trait("Size", "Long")]
    public async Task Parquet_keeps_every_value_of_more_rows_than_a_batch_has()
    {
        const int Count = SnapshotSink.BatchRowsMax + 5_000;
        using (DuckDbDatabase database = DuckDbDatabase.OpenMemory())
        using (DuckDbConnection connection = database.Connect())
        {
            connection.Execute(string.Create(
                CultureInfo.InvariantCulture,
                $"""
                COPY (SELECT i AS id, i::DECIMAL(38,0) AS big, CASE WHEN i % 3 = 0 THEN NULL ELSE 'x' || i END AS name
                      FROM range({Count}) t(i)) TO '{_files.Share}/items.parquet' (ROW_GROUP_SIZE 30000)
                """));
        }

        Assert.Equal(Count, await _rig.FillAsync(Items, SnapshotRig.Day(1)));
        long sum = (long)Count * (Count - 1) / 2;
        Assert.Equal(
            string.Create(CultureInfo.InvariantCulture, $"{Count}|{Count}|{sum}|{sum}|{Count - ((Count + 2) / 3)}"),
            Assert.Single(_rig.Ask(
                $"SELECT count(*), count(DISTINCT id), sum(id), sum(big), count(name) FROM {{{Items}}}")));
    }

    [Fact]
    public async Task A_file_that_changes_between_the_first_look_and_the_last_row_fails_the_run()
    {
        string path = _files.Put("orders-2026-11-01.csv", "id,amount,at\n1,1.00,\n");
        _files.Put("orders-2026-11-01.csv2", "id,amount,at\n2,1.00,\n");
        SnapshotDefinition table = _rig.Table(Orders);
        SourceDefinition source = _rig.Current.Sources[0];
        await using ISourceServer server = source.Kind.Open(new SourceOpening(
            source.Name, source.Shards[0].Place, new PosixFileSystem(), "/", SnapshotRig.Calendar.Zone)
        {
            Interval = SnapshotRig.Day(1), Tools = _files.ToolsOfSources(),
        });
        CancellationToken stop = TestContext.Current.CancellationToken;
        ISourceSnapshot snapshot = await server.BeginAsync(1, stop);
        SourceTable found = (await snapshot.DescribeAsync(table.ServerTable, table.Options, stop))!;
        SourceChunk chunk = Assert.Single(await snapshot.SplitAsync(found, 1, stop));
        SourceRead read = new() { Table = found, Columns = found.Columns, Chunk = chunk };
        using CountingSink sink = new(found);
        await snapshot.ReadAsync(read, sink, stop);
        Assert.Equal(2, sink.Rows);

        // Of the same length; the other file of the table is not the one that is read last.
        await File.WriteAllTextAsync(path, "id,amount,at\n3,1.00,\n", stop);
        SourceException torn = await Assert.ThrowsAsync<SourceException>(() => snapshot.ReadAsync(read, sink, stop));
        Assert.Contains(
            "orders-2026-11-01.csv was changed while it was read", torn.Message, StringComparison.Ordinal);
        Assert.False(torn.Passes);
    }

    [Theory]
    [InlineData("path: files/*\ntables: [a.csv]", "which is no folder")]
    [InlineData("path: files\ntables: [/etc/passwd.csv]", "begins with '/'")]
    [InlineData("path: files\ntables: [../a.csv]", "has an empty part, a '.' or a '..'")]
    [InlineData("path: files\ntables: [a.txt]", "has no 'format'")]
    [InlineData("path: files\ntables: [{table: a, location: a.csv, csv: {header: false}}]", "needs 'fields'")]
    [InlineData("path: files\ntables: [{table: a, location: a.csv, fields: {id: int}}]", "there is no type 'int'")]
    [InlineData("path: files\ntables: [{table: a.csv, cursor: id}]", "unknown key 'cursor'")]
    [InlineData("path: files\nhost: db\ntables: [a.csv]", "unknown key 'host'")]
    public void Mistakes_of_the_source_are_named(string yaml, string told)
    {
        Naru.Yaml.MistakeList mistakes = new();
        SourceFolder.Compile(
            [new Naru.Definitions.DefinitionFile(
                "sources/f.yaml", "f", Encoding.UTF8.GetBytes($"source: f\nkind: files\n{yaml}\n"))],
            SourceKinds.All,
            ProjectZone.Utc,
            mistakes);
        Assert.Contains(mistakes.Sorted(), mistake => mistake.Message.Contains(told, StringComparison.Ordinal));
    }

    private sealed class CountingSink(SourceTable table) : IRowSink, IDisposable
    {
        private readonly TableSchema _schema = new(
        [
            .. table.Columns.Select(static (column, i) => new Column(column.Name, column.Type, Nullable: true, i + 1)),
        ]);

        public int Rows { get; private set; }

        public ColumnBatch Begin() => new(_schema);

        public bool IsFull(int rows, long bytes) => false;

        public ValueTask<ColumnBatch> TakeAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("so many rows are not there");

        public void Tell(SourceColumn column, string what, long values)
        {
        }

        public ValueTask EndAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken)
        {
            batch.Dispose();
            Rows += rows;
            return ValueTask.CompletedTask;
        }

        public void Dispose()
        {
        }
    }
}
