using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;
using Naru.Ledger;
using Naru.Models;
using Naru.Sources;
using Naru.State;
using Naru.Stream;
using Naru.Yaml;

namespace Naru.Tests.Sources;

/// <summary>One source on a lake and a ledger of its own, without the platform around it.</summary>
internal sealed class SnapshotRig : IDisposable, ISourceSet
{
    private static readonly ProjectZone Zone = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));

    private readonly string _root = Directory.CreateTempSubdirectory("naru-snap-").FullName;
    private readonly PosixFileSystem _files = new();
    private readonly IStateStore _store;
    private readonly IntervalTables _intervals;
    private readonly ParquetTableWriter _writer = new(new ParquetOptions());
    private readonly LakeTables _tables;
    private readonly IntervalRunner<SnapshotDefinition> _runner;
    private readonly SourceSessions _sessions;
    private readonly SourceAcceptance _acceptance;

    private readonly SourceKinds _kinds;

    public SnapshotRig(
        string yaml, TimeProvider? time = null, SourceKinds? kinds = null, SourceFileTools? tools = null)
    {
        _kinds = kinds ?? SourceKinds.All;
        _store = EmbeddedStateStore.Open(
            _files, $"{_root}/state.journal", $"{_root}/state.lock", new EmbeddedStateLimits());
        Ledger = new IntervalLedger(_store);
        Seen = new SeenTables(_store);
        _tables = new LakeTables(_files, $"{_root}/lake", new ParquetCheckpointFormat(), TimeProvider.System);
        _intervals = new IntervalTables(_tables, _files, Calendar);
        Connector = new SourceConnector(_files, _root, Zone) { Tools = tools };
        _sessions = new SourceSessions(Connector, TimeProvider.System);
        SnapshotParts parts = new(Connector, _intervals, _writer, Seen, Ledger)
        {
            Time = time ?? new HurriedTime(),
            Logger = NullLogger.Instance,
            Files = _files,
            Scratch = $"{_root}/runs",
            Merger = new ParquetFiles(new ParquetOptions(), _files, $"{_root}/runs"),
            Tell = (_, change) => Told.Add(change.ToString()),
        };
        ServerLife life = new(_store, isShared: false, TimeProvider.System, NullLogger<ServerLife>.Instance);
        ScheduledThings things = new([this]);
        _acceptance = new SourceAcceptance(Connector, Seen, parts);
        _runner = new IntervalRunner<SnapshotDefinition>(
            new SnapshotFiller(this, _sessions, parts),
            Ledger,
            new InputBook(_tables, things, Ledger, null!, Calendar),
            new RunnerParts(Calendar, TimeProvider.System, life, NullLogger.Instance));
        Define(yaml);
    }

    public static IntervalCalendar Calendar { get; } = new(Zone);

    /// <summary>The project's folder.</summary>
    public string Root => _root;

    public SourceConnector Connector { get; }

    public SourceSet Current { get; private set; } = SourceSet.Empty;

    public IntervalLedger Ledger { get; }

    /// <summary>Changes of schemas that were told.</summary>
    public List<string> Told { get; } = [];

    public SeenTables Seen { get; }

    public static Interval Day(int day) => Calendar.TryParse($"2026-11-{day:00}", out Interval interval)
        ? interval : throw new ArgumentOutOfRangeException(nameof(day));

    /// <summary>Takes a file of `sources/`, which must be right.</summary>
    public void Define(string yaml)
    {
        MistakeList mistakes = new();
        string name = yaml.Split('\n')[0].Split(':')[1].Trim();
        Current = SourceFolder.Compile(
            [new DefinitionFile($"sources/{name}.yaml", name, Encoding.UTF8.GetBytes(yaml))],
            _kinds,
            Zone,
            mistakes);
        Assert.Empty(mistakes.Sorted());
    }

    public SnapshotDefinition Table(string name) => Current.Snapshots.Single(table => table.Name == name);

    public Task<RunOutcome> RunAsync(string table, Interval interval) => _runner.RunAsync(
        Table(table), [interval], new RunOrder("run", "test"), TestContext.Current.CancellationToken);

    /// <summary>Takes the columns that a table has on its server now; gives what that changes.</summary>
    public async Task<string[]> AcceptAsync(string table)
    {
        SnapshotDefinition taken = Table(table);
        AcceptedTable accepted = Assert.Single(await _acceptance.AcceptAsync(
            Current.Find(taken.Source)!, [taken], TestContext.Current.CancellationToken));
        return [.. accepted.Changes];
    }

    /// <summary>Fills it, which must succeed.</summary>
    public async Task<long> FillAsync(string table, Interval interval)
    {
        RunOutcome outcome = await RunAsync(table, interval);
        Assert.True(outcome.Done, outcome.Why);
        return outcome.Rows;
    }

    /// <summary>
    /// A server that is killed while a day is filled: the days before stay, of this one there is nothing, and when the
    /// server is back the next run fills it.
    /// </summary>
    /// <param name="table">Its rows have a column `id` without doubles.</param>
    /// <param name="rows">That it has.</param>
    /// <param name="kills">So many days.</param>
    /// <param name="prepare">Sees to the death in a round, and gives what brings the server back.</param>
    public async Task AssertOutlivesKillsAsync(string table, int rows, int kills, Func<int, Func<Task>> prepare)
    {
        Interval day = Day(1);
        Assert.Equal(rows, await FillAsync(table, day));
        for (int round = 0; round < kills; round++)
        {
            string days = $"SELECT p_ymd, count(*), count(DISTINCT id) FROM {{{table}}} GROUP BY p_ymd ORDER BY p_ymd";
            string[] before = Ask(days);
            Assert.Equal(round + 1, before.Length);
            Assert.EndsWith($"|{rows}|{rows}", before[^1], StringComparison.Ordinal);
            day = Calendar.Next(day);
            Func<Task> restartAsync = prepare(round);
            RunOutcome outcome = await RunAsync(table, day);
            Assert.False(outcome.Done, $"round {round}: it was filled before the server died");
            Assert.Equal(before, Ask(days));
            Assert.Empty(Strays());
            await restartAsync();
            Assert.Equal(rows, await FillAsync(table, day));
        }
    }

    /// <summary>Rows of a query as texts, values by '|'; `{NAME}` is a table of schema mart.</summary>
    public string[] Ask(string sql)
    {
        foreach (SnapshotDefinition snapshot in Current.Snapshots)
        {
            string marker = $"{{{snapshot.Name}}}";
            if (sql.Contains(marker, StringComparison.Ordinal))
            {
                sql = sql.Replace(marker, From(snapshot.Fills!.Value), StringComparison.Ordinal);
            }
        }

        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'");
        using DuckDbResult result = connection.Materialize($"SELECT COLUMNS(*)::VARCHAR FROM ({sql})");
        List<string> rows = [];
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                DuckDbChunk values = chunk;
                rows.Add(string.Join('|', Enumerable.Range(0, result.Columns.Length).Select(column =>
                    values[column].IsNull(row) ? "NULL" : values[column].StringAt(row))));
            }
        }

        return [.. rows];
    }

    /// <summary>Files of the lake that no version of a table had: what was replaced is vacuum's to remove.</summary>
    public string[] Strays() =>
    [
        .. Directory.EnumerateFiles(_root, "*.parquet", SearchOption.AllDirectories)
            .Except(Current.Snapshots.SelectMany(snapshot => Paths(snapshot.Fills!.Value)))
            .Except(Current.Snapshots.SelectMany(snapshot => Replaced(snapshot.Fills!.Value))),
    ];

    public void Dispose()
    {
        if (Directory.Exists(_root))
        {
            _sessions.DisposeAsync().AsTask().GetAwaiter().GetResult();
            _writer.Dispose();
            Directory.Delete(_root, recursive: true);
        }
    }

    private IEnumerable<string> Paths(TableName name) => _tables.Find(name) is { } table
        ? table.Refresh().Files.Select(table.PathOf) : [];

    private IEnumerable<string> Replaced(TableName name) => _tables.Find(name) is { } table
        ? table.Refresh().Tombstones.Keys.Select(path => $"{table.Directory}/{path}") : [];

    private string From(TableName name)
    {
        string[] paths = [.. Paths(name)];
        Assert.NotEmpty(paths);
        string list = string.Join(", ", paths.Select(static path => $"'{path}'"));
        return $"read_parquet([{list}], hive_partitioning=true, union_by_name=true, hive_types={{'p_ymd': DATE}})";
    }
}

/// <summary>Waits pass at once.</summary>
internal sealed class HurriedTime : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(
            callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, period);
}
