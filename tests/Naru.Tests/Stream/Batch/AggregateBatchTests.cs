using System.Collections.Immutable;
using System.Globalization;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Stream.Batch;
using Naru.Tests.Lake;

namespace Naru.Tests.Stream.Batch;

public sealed class AggregateBatchTests : IDisposable
{
    private static readonly string?[] Ads = ["ad-1", "ad-2", "광고-배너 열두 글자를 넘는 이름", "", null];

    private readonly BatchLake _lake = new();
    private TimeSpan _pass = TimeSpan.FromHours(6);

    public void Dispose() => _lake.Dispose();

    public static TheoryData<string, string> Cases()
    {
        TheoryData<string, string> cases = [];
        foreach (string window in Windows.Keys)
        {
            cases.Add("Asia/Seoul", window);
        }

        // Zones that change their clocks, by an hour, by half an hour and at midnight; and one of half an hour.
        foreach (string zone in (string[])
            ["America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata"])
        {
            cases.Add(zone, "tumble 7h");
            cases.Add(zone, "hop 1 of 3 days");
        }

        return cases;
    }

    private static readonly Dictionary<string, WindowSpec> Windows = new()
    {
        ["tumble 1m"] = BatchPlans.Tumble(BatchPlans.Minute),
        ["tumble 7h"] = BatchPlans.Tumble(7 * BatchPlans.Hour),
        ["hop 1h of 5h"] = BatchPlans.Hop(BatchPlans.Hour, 5 * BatchPlans.Hour),
        ["hop 2h of 5h"] = BatchPlans.Hop(2 * BatchPlans.Hour, 5 * BatchPlans.Hour),
        ["hop 3h of 1h"] = BatchPlans.Hop(3 * BatchPlans.Hour, BatchPlans.Hour),
        ["a day"] = BatchPlans.Days(1),
        ["7 days"] = BatchPlans.Days(7),
        ["hop 1 of 3 days"] = BatchPlans.HopDays(1, 3),
        ["session 10m"] = BatchPlans.Session(10 * BatchPlans.Minute),
        ["session 6h"] = BatchPlans.Session(6 * BatchPlans.Hour),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_function_says_what_the_plain_model_says(string zoneName, string window)
    {
        Random random = TestSeed.Random(out _);
        TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(zoneName);
        List<BatchEvent> events = [];

        // Around changes of the clock: of New York and Lord Howe in 2025, and Sao Paulo's at midnight in 2018.
        foreach (string around in (string[])["2025-03-09", "2025-10-05", "2018-11-04", "1969-12-31"])
        {
            long middle = Micros(around);
            events.AddRange(_lake.Land(Some(random, middle, 120)));
        }

        // One pass over all, and several whose borders windows and sessions cross.
        _pass = TimeSpan.FromHours(window is "session 6h" or "hop 2h of 5h" ? 11 : 96);
        WindowSpec spec = Windows[window];
        AggregatePlan plan = BatchPlans.EveryFunction(spec);
        Check(plan, events, zone, long.MinValue, long.MaxValue);
        Check(plan, events, zone, Micros("2025-03-09"), Micros("2025-10-05") + (7 * BatchPlans.Hour));
    }

    [Fact]
    public void Events_that_touch_by_exactly_the_gap_are_one_session_and_a_microsecond_more_is_two()
    {
        long gap = 20 * BatchPlans.Second;
        long start = Micros("2026-11-20");
        _lake.Land([Event(0, start), Event(1, start + gap), Event(2, start + gap + gap + 1)]);
        AggregatePlan plan = BatchPlans.Counts(BatchPlans.Session(gap));
        Assert.Equal(
            [(start, start + gap + gap, "2"), (start + gap + gap + 1, start + gap + gap + gap + 1, "1")],
            Read(plan, ProjectZone.Utc, long.MinValue, long.MaxValue)
                .Select(static row => (row.Start, row.End, row.Values[^1]!)));
    }

    [Fact]
    public void A_session_belongs_to_the_range_that_it_begins_in_however_far_it_goes()
    {
        long start = Micros("2026-11-20");
        _lake.Land(Enumerable.Range(0, 3_000).Select(i => Event(i, start + (i * BatchPlans.Minute))));
        AggregatePlan plan = BatchPlans.Counts(BatchPlans.Session(BatchPlans.Minute));
        (long Start, long End, string?[] Values) row =
            Assert.Single(Read(plan, ProjectZone.Utc, start - BatchPlans.Hour, start + 1));
        Assert.Equal((start, start + (3_000 * BatchPlans.Minute), "3000"), (row.Start, row.End, row.Values[^1]));
        Assert.Empty(Read(plan, ProjectZone.Utc, start + 1, start + (9_000 * BatchPlans.Minute)));
    }

    [Fact]
    public void Sources_of_a_union_are_counted_together_and_computed_keys_follow_their_expression()
    {
        long start = Micros("2026-11-20");
        _lake.Land([Event(0, start) with { Ad = "AD-1" }, Event(1, start + 1) with { Ad = "ad-1" }]);
        AggregatePlan one = BatchPlans.Counts(
            BatchPlans.Tumble(BatchPlans.Minute), ("ad", "lower(ad_id)", ColumnType.String));
        AggregatePlan plan = one with { Sources = [one.Sources[0], one.Sources[0]] };
        AggregateBatch batch = new(plan, [_lake.Source, _lake.Source], ProjectZone.Utc, _lake.Options);
        (long, long, string?[] Values) row = Assert.Single(Rows(batch, long.MinValue, long.MaxValue));
        Assert.Equal("ad-1,4", string.Join(',', row.Values));
    }

    [Fact]
    public void Computed_outputs_and_having_are_applied_to_the_results()
    {
        long start = Micros("2026-11-20");
        _lake.Land([.. Enumerable.Range(0, 10).Select(i => Event(i, start + i) with { Ad = i < 7 ? "a" : "b" })]);
        AggregatePlan plan = BatchPlans.Counts(
            BatchPlans.Tumble(BatchPlans.Minute), ("ad", "ad_id", ColumnType.String));
        ImmutableArray<AggregateOutput> outputs =
            [.. plan.Outputs, new("half", ColumnType.Double, "CAST(m0 / 2 AS DOUBLE)", -1)];
        plan = plan with { Outputs = outputs, Schema = BatchPlans.SchemaOf(outputs), Having = "m0 > 3" };
        (long, long, string?[] Values) row =
            Assert.Single(Read(plan, ProjectZone.Utc, long.MinValue, long.MaxValue));
        Assert.Equal($"a,7,{BatchModel.Text(3.5)}", string.Join(',', row.Values));
    }

    [Fact]
    public void Partition_columns_which_files_lack_are_computed()
    {
        TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul");
        long start = Micros("2026-11-20") + (16 * BatchPlans.Hour);
        _lake.Land([Event(0, start)]);
        AggregatePlan plan = BatchPlans.Counts(
            BatchPlans.Tumble(BatchPlans.Minute),
            ("day", "p_ymd", ColumnType.Date), ("hour", "p_hour", ColumnType.Int32));
        AggregateSource source = plan.Sources[0];
        plan = plan with
        {
            Sources =
            [
                source with
                {
                    Columns =
                    [
                        .. source.Columns,
                        new("p_ymd", ColumnType.Date, false), new("p_hour", ColumnType.Int32, false),
                    ],
                },
            ],
        };
        string day = (Micros("2026-11-21") / (24 * BatchPlans.Hour)).ToString(CultureInfo.InvariantCulture);
        (long, long, string?[] Values) row =
            Assert.Single(Read(plan, ProjectZone.Of(zone), long.MinValue, long.MaxValue));
        Assert.Equal($"{day},1,1", string.Join(',', row.Values));
    }

    [Fact]
    public void No_events_are_no_rows()
    {
        AggregatePlan plan = BatchPlans.Counts(BatchPlans.Tumble(BatchPlans.Minute));
        Assert.Empty(Read(plan, ProjectZone.Utc, long.MinValue, long.MaxValue));
        _lake.Land([Event(0, Micros("2026-11-20"))]);
        Assert.Empty(Read(plan, ProjectZone.Utc, Micros("2026-11-21"), long.MaxValue));
    }

    [Fact]
    public void A_cancelled_batch_ends_with_a_cancellation()
    {
        _lake.Land(Some(new Random(1), Micros("2026-11-20"), 1_000));
        AggregatePlan plan = BatchPlans.EveryFunction(BatchPlans.Tumble(BatchPlans.Minute));
        AggregateBatch batch =
            new(plan, [_lake.Source], ProjectZone.Utc, _lake.Options with { BatchRows = 1 });
        using CancellationTokenSource cancel = new();
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (ColumnBatch rows in batch.Run(long.MinValue, long.MaxValue, long.MaxValue, cancel.Token))
            {
                rows.Dispose();
                cancel.Cancel();
            }
        });
    }

    private void Check(AggregatePlan plan, List<BatchEvent> events, TimeZoneInfo zone, long from, long to)
    {
        var expected = new BatchModel(plan.Window, zone).Group(events, static row => row.Ad, from, to)
            .OrderBy(static group => group.Key.Start).ThenBy(static group => group.Key.Key, StringComparer.Ordinal)
            .Select(static group => Line(group.Key.Start, group.Key.End, Expected(group.Key.Key, group.Value)));
        var seen = Read(plan, ProjectZone.Of(zone), from, to)
            .OrderBy(static row => row.Start).ThenBy(static row => row.Values[0], StringComparer.Ordinal)
            .Select(static row => Line(row.Start, row.End, row.Values));
        Assert.Equal(expected, seen);
    }

    private static string Line(long start, long end, IEnumerable<string?> values) =>
        $"{start} {end} {string.Join(" | ", values.Select(static value => value ?? "NULL"))}";

    private static string?[] Expected(string? key, List<BatchEvent> rows) =>
    [
        key,
        Digits(rows.Count),
        Digits(rows.Count(static row => row.Cost is not null)),
        Sum(rows.Select(static row => (Int128?)row.N)),
        Sum(rows.Select(static row => (Int128?)row.Small)),
        Sum(rows.Select(static row => row.Cost)),
        BatchModel.Text(rows, static row => row.X, "min"),
        BatchModel.Text(rows, static row => row.X, "max"),
        Digits(rows.Select(static row => row.User).Where(static user => user is not null).Distinct().Count()),
        Extreme(rows, static row => row.Ad, static row => row.Small, isMax: false),
        Extreme(rows, static row => row.Cost, static row => row.Small, isMax: true),
        BatchModel.Text(rows, static row => row.Flag, "and"),
        BatchModel.Text(rows, static row => row.Flag, "or"),
        Extreme(rows, static row => row.N, static row => row.Time, isMax: false),
        Extreme(rows, static row => row.X, static row => row.Time, isMax: true),
        BatchModel.Text(rows, static row => row.Cost, "max"),
        rows.Select(static row => row.Ad).Where(static ad => ad is not null).Min(StringComparer.Ordinal),
    ];

    private static string? Extreme(
        List<BatchEvent> rows, Func<BatchEvent, object?> value, Func<BatchEvent, long?> by, bool isMax)
    {
        BatchEvent[] sorted =
        [
            .. rows.Where(row => value(row) is not null && by(row) is not null)
                .OrderBy(by).ThenBy(static row => row.Id, StringComparer.Ordinal),
        ];
        return sorted.Length == 0 ? null : BatchModel.Text(value(isMax ? sorted[^1] : sorted[0])!);
    }

    private static string? Sum(IEnumerable<Int128?> values)
    {
        Int128[] present = [.. values.Where(static value => value is not null).Select(static value => value!.Value)];
        return present.Length == 0 ? null : Digits(present.Aggregate(static (a, b) => a + b));
    }

    private static string Digits(Int128 value) => value.ToString(CultureInfo.InvariantCulture);

    private List<(long Start, long End, string?[] Values)> Read(
        AggregatePlan plan, ProjectZone zone, long from, long to) =>
        Rows(new AggregateBatch(plan, [_lake.Source], zone, _lake.Options with { Pass = _pass }), from, to);

    private static List<(long Start, long End, string?[] Values)> Rows(AggregateBatch aggregate, long from, long to)
    {
        List<(long, long, string?[])> rows = [];
        foreach (ColumnBatch each in aggregate.Run(
            from, to, long.MaxValue, TestContext.Current.CancellationToken))
        {
            using ColumnBatch batch = each;
            for (int i = 0; i < batch.RowCount; i++)
            {
                int row = i;
                rows.Add((
                    batch.Columns[0].ValueAt<long>(row),
                    batch.Columns[1].ValueAt<long>(row),
                    [.. batch.Columns.Skip(2).Select(column => BatchMaker.TextOf(column, row))]));
            }
        }

        return rows;
    }

    private static BatchEvent Event(int offset, long time) =>
        new(0, offset, time) { Id = offset.ToString("x32", CultureInfo.InvariantCulture) };

    /// <summary>Events within two days of a moment, many of them at the same times.</summary>
    private static List<BatchEvent> Some(Random random, long middle, int count)
    {
        List<BatchEvent> events = [];
        for (int i = 0; i < count; i++)
        {
            long time = middle + (random.NextInt64(-48 * 60, 48 * 60) * BatchPlans.Minute)
                + (random.Next(3) == 0 ? random.NextInt64(BatchPlans.Minute) : 0);
            events.Add(Random(random, new BatchEvent(i % 3, (middle / BatchPlans.Minute * 1_000) + i, time)));
            if (random.Next(4) == 0)
            {
                events[^1] = events[^1] with { Time = events[random.Next(events.Count)].Time };
            }
        }

        return events;
    }

    private static BatchEvent Random(Random random, BatchEvent row) => row with
    {
        Id = random.NextInt64().ToString("x32", CultureInfo.InvariantCulture),
        Ad = Ads[random.Next(Ads.Length)],
        Cost = Maybe<Int128>(random, random.NextInt64(-1_000_000_000, 1_000_000_000)),
        N = Maybe(random, random.Next(5) == 0 ? long.MaxValue : random.NextInt64(-100, 100)),
        Small = Maybe(random, random.Next(-3, 3)),
        X = Maybe(random, random.Next(5) == 0 ? -0.0 : random.NextDouble() - 0.5),
        Flag = Maybe(random, random.Next(2) == 0),
        User = random.Next(3) == 0 ? null : $"user-{random.Next(9)}",
    };

    private static T? Maybe<T>(Random random, T value)
        where T : struct => random.Next(4) == 0 ? null : value;

    private static long Micros(string day) =>
        DateTimeOffset.Parse(day + "T00:00:00Z", CultureInfo.InvariantCulture).ToUnixTimeMilliseconds() * 1_000;
}
