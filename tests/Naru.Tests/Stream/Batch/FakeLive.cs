using System.Collections.Immutable;
using System.Text;
using Naru.Aggregates;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;

namespace Naru.Tests.Stream.Batch;

/// <summary>
/// Live windows that a test writes: clicks and cost per ad and minute. Reads are counted, and windows that the reader
/// has come without rows, as the stream gives them.
/// </summary>
internal sealed class FakeLive : ILiveAggregates
{
    public static readonly long Minute = 60_000_000;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, (long Version, Dictionary<string, (long Clicks, long Cost)> Rows)>
        _windows = [];

    private long _version;
    private int _reads;

    public AggregatePlan Plan { get; init; } = MakePlan(BatchPlans.Tumble(Minute));

    public long Watermark { get; set; } = long.MinValue;

    public bool IsGone { get; set; }

    public bool IsBuilding { get; set; }

    /// <summary>The stream is being opened anew.</summary>
    public bool IsUnreadable { get; set; }

    public ImmutableDictionary<long, int> Revisions { get; set; } = ImmutableDictionary<long, int>.Empty;

    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Rows that were handed out.</summary>
    public long RowsRead { get; private set; }

    public static AggregatePlan MakePlan(Naru.Core.Windows.WindowSpec window)
    {
        AggregatePlan plan = BatchPlans.Make(
            window,
            [("ad_id", "ad_id", ColumnType.String)],
            [("cost", ColumnType.Decimal(18, 6))],
            [
                BatchPlans.Call(AggregateFunction.CountAll, -1, ColumnType.Int64),
                BatchPlans.Call(AggregateFunction.Sum, 0, ColumnType.Decimal(38, 6)),
            ]);
        ImmutableArray<AggregateOutput> outputs =
        [
            .. plan.Outputs.Take(3),
            plan.Outputs[3] with { Name = "clicks" },
            plan.Outputs[4] with { Name = "cost" },
            new("cost_per_click", ColumnType.Double, "CAST(m1 AS DOUBLE) / m0", -1),
        ];
        return plan with { Name = "ad_clicks", Outputs = outputs, Schema = BatchPlans.SchemaOf(outputs) };
    }

    public void Add(long window, string ad, long clicks, long cost)
    {
        lock (_gate)
        {
            _windows.TryGetValue(window, out (long, Dictionary<string, (long Clicks, long Cost)> Rows) found);
            Dictionary<string, (long Clicks, long Cost)> rows = found.Rows ?? new(StringComparer.Ordinal);
            (long Clicks, long Cost) before = rows.GetValueOrDefault(ad);
            rows[ad] = (before.Clicks + clicks, before.Cost + cost);
            _windows[window] = (++_version, rows);
        }
    }

    public void Drop(long window)
    {
        lock (_gate)
        {
            _windows.Remove(window);
        }
    }

    public ImmutableArray<LiveStatus> List() => IsGone ? [] : [Status()];

    public AggregateStanding? Standing(string name) => null;

    public LiveHead? Find(string name) => IsGone || name != Plan.Name ? null : new LiveHead(Plan, Watermark);

    public LiveRows? Read(LiveRead read)
    {
        Interlocked.Increment(ref _reads);
        if (IsGone || IsUnreadable || read.Name != Plan.Name)
        {
            return null;
        }

        lock (_gate)
        {
            ColumnBatch batch = new(Plan.BaseSchema);
            var chosen = _windows.Where(window => window.Key >= read.From && window.Key < read.To).ToArray();
            ImmutableArray<LiveBlock> blocks = read.IsMerged
                ? [Merged(batch, chosen)]
                : [.. chosen.Select(window => Block(batch, window.Key, window.Value.Version, window.Value.Rows, read))];
            RowsRead += batch.RowCount;
            return new LiveRows { Status = Status(), Blocks = blocks, Rows = batch, Revisions = Revisions };
        }
    }

    private LiveBlock Block(
        ColumnBatch batch, long window, long version, Dictionary<string, (long, long)> rows, LiveRead read)
    {
        int first = batch.RowCount;
        if (!read.Held.TryGetValue(window, out long held) || held != version)
        {
            Append(batch, (window, window + Minute), rows);
        }

        return new LiveBlock(window, version, first, batch.RowCount - first, window + Minute <= Watermark);
    }

    private static LiveBlock Merged(
        ColumnBatch batch,
        KeyValuePair<long, (long Version, Dictionary<string, (long Clicks, long Cost)> Rows)>[] windows)
    {
        Dictionary<string, (long, long)> sums = windows.SelectMany(static window => window.Value.Rows)
            .GroupBy(static row => row.Key)
            .ToDictionary(
                static rows => rows.Key,
                static rows => (rows.Sum(static row => row.Value.Clicks), rows.Sum(static row => row.Value.Cost)));
        if (windows.Length > 0)
        {
            Append(batch, (windows[0].Key, windows[^1].Key + Minute), sums);
        }

        return new LiveBlock(0, 0, 0, batch.RowCount, false);
    }

    private static void Append(ColumnBatch batch, (long Start, long End) window, Dictionary<string, (long, long)> rows)
    {
        foreach ((string ad, (long clicks, long cost)) in rows)
        {
            batch.Columns[0].AppendInt64(window.Start);
            batch.Columns[1].AppendInt64(window.End);
            batch.Columns[2].AppendString(Encoding.UTF8.GetBytes(ad));
            batch.Columns[3].AppendInt64(clicks);
            batch.Columns[4].AppendDecimal(cost);
            batch.EndRow();
        }
    }

    private LiveStatus Status() => new()
    {
        Plan = Plan,
        Watermark = Watermark,
        AsOf = Watermark,
        IsBuilding = IsBuilding,
        Built = 1,
        OpenWindows = _windows.Count,
        Groups = _windows.Sum(static window => window.Value.Rows.Count),
        StateBytes = 1,
        SpilledBytes = 0,
        LateEvents = 0,
        Revisions = 0,
    };
}
