using System.Globalization;
using Naru.Core.Windows;

namespace Naru.Tests.Aggregates;

/// <summary>An event as the model knows it: time in Unix microseconds, no two alike; cost in millionths.</summary>
internal sealed record ModelEvent(int Seq, bool IsView, long Time)
{
    public string? Key { get; init; }

    public int? Value { get; init; }

    public long? Cost { get; init; }

    /// <summary>A multiple of 1/8, so that no sum is rounded.</summary>
    public double? Score { get; init; }

    public string? User { get; init; }

    public string? Place { get; init; }

    public bool? Flag { get; init; }
}

/// <summary>One result column: its SQL, and the same by the plainest code.</summary>
internal sealed record ModelOutput(string Name, string Sql, Func<IReadOnlyList<ModelEvent>, string?> Value);

/// <summary>A query and what it means, said twice: as SQL, and as code over a list of events.</summary>
internal sealed record ModelQuery
{
    public required string Name { get; init; }

    public required bool ReadsViews { get; init; }

    public string Where { get; init; } = "";

    public Func<ModelEvent, bool> Passes { get; init; } = static _ => true;

    /// <summary>Keys by name, SQL and value.</summary>
    public (string Name, string Sql, Func<ModelEvent, TimeZoneInfo, string?> Value)[] Keys { get; init; } = [];

    public required ModelOutput[] Outputs { get; init; }

    public string Having { get; init; } = "";

    public Func<IReadOnlyList<ModelEvent>, bool> Keeps { get; init; } = static _ => true;
}

/// <summary>
/// What windows must say after everything has come: every event asks every window near it, and sessions are found by
/// looking at all pairs. Nothing is shared with the stream.
/// </summary>
internal static class AggregateModel
{
    private const long Day = 86_400_000_000;

    public static readonly ModelQuery[] Queries =
    [
        new()
        {
            Name = "direct",
            ReadsViews = false,
            Keys = [("k", "k", static (row, _) => row.Key)],
            Outputs =
            [
                new("n", "count(*)", static rows => Text(rows.Count)),
                new("nv", "count(v)", static rows => Text(rows.Count(static row => row.Value is not null))),
                new("sv", "sum(v)", static rows => Sum(rows.Select(static row => (long?)row.Value))),
                new("sc", "sum(c)", static rows => Sum(rows.Select(static row => row.Cost))),
                new("sd", "sum(d)", static rows => Bits(rows.Any(static row => row.Score is not null)
                    ? rows.Sum(static row => row.Score ?? 0) : null)),
                new("lo", "min(c)", static rows => Text(rows.Min(static row => row.Cost))),
                new("hi", "max(d)", static rows => Bits(rows.Max(static row => row.Score))),
                new("us", "count(DISTINCT u)", static rows => Text(
                    rows.Where(static row => row.User is not null).DistinctBy(static row => row.User).Count())),
                new("fp", "first(p)", static rows => rows.Where(static row => row.Place is not null)
                    .MinBy(static row => row.Time)?.Place),
                new("lp", "last(p)", static rows => rows.Where(static row => row.Place is not null)
                    .MaxBy(static row => row.Time)?.Place),
                new("am", "arg_max(s, c)", static rows => Text(rows.Where(static row => row.Cost is not null)
                    .MaxBy(static row => row.Cost)?.Seq)),
                new("bo", "bool_or(b)", static rows => rows.All(static row => row.Flag is null) ? null
                    : rows.Any(static row => row.Flag == true) ? "true" : "false"),
            ],
        },
        new()
        {
            Name = "computed",
            ReadsViews = false,
            Where = "WHERE v IS NULL OR v % 3 <> 0",
            Passes = static row => row.Value is not { } value || value % 3 != 0,
            Keys =
            [
                ("k", "upper(k)", static (row, _) => row.Key?.ToUpperInvariant()),
                ("h", "hour(event_time)", static (row, zone) => Text(HourOf(row.Time, zone))),
            ],
            Outputs =
            [
                new("n", "count(*)", static rows => Text(rows.Count)),
                new("sv", "sum(v * 2)", static rows => Sum(rows.Select(static row => (long?)row.Value * 2))),
                new("ac", "avg(c)", static rows => rows.All(static row => row.Cost is null) ? null : Bits(
                    rows.Sum(static row => row.Cost ?? 0) / 1e6 / rows.Count(static row => row.Cost is not null))),
                new("nb", "count(*) FILTER (WHERE b)",
                    static rows => Text(rows.Count(static row => row.Flag == true))),
                new("ba", "bool_and(v > 0)", static rows => rows.All(static row => row.Value is null) ? null
                    : rows.All(static row => row.Value is not <= 0) ? "true" : "false"),
            ],
            Having = "HAVING count(*) > 1",
            Keeps = static rows => rows.Count > 1,
        },
        new()
        {
            Name = "whole",
            ReadsViews = false,
            Outputs =
            [
                new("n", "count(*)", static rows => Text(rows.Count)),
                new("sc", "sum(c)", static rows => Sum(rows.Select(static row => row.Cost))),
                new("lp", "arg_max(s, event_time)", static rows => Text(rows.MaxBy(static row => row.Time)!.Seq)),
            ],
        },
        new()
        {
            Name = "union",
            ReadsViews = true,
            Keys = [("k", "k", static (row, _) => row.Key)],
            Outputs =
            [
                new("n", "count(*)", static rows => Text(rows.Count)),
                new("views", "sum(view)", static rows => Text(rows.Count(static row => row.IsView))),
                new("sc", "sum(c)", static rows => Sum(rows.Select(static row => row.IsView ? null : row.Cost))),
                new("us", "count(DISTINCT u)", static rows => Text(
                    rows.Where(static row => row.User is not null).DistinctBy(static row => row.User).Count())),
            ],
        },
    ];

    /// <summary>Windows that an event is in: all that begin near it are asked.</summary>
    public static IEnumerable<(long Start, long End)> WindowsOf(WindowSpec spec, long time, TimeZoneInfo zone)
    {
        if (spec.IsDays)
        {
            long day = LocalDay(time, zone);
            for (long first = day - spec.Size; first <= day; first++)
            {
                if (first % spec.Slide == 0 && first + spec.Size > day)
                {
                    yield return (Midnight(first, zone), Midnight(first + spec.Size, zone));
                }
            }

            yield break;
        }

        long offset = zone.BaseUtcOffset.Ticks / 10;
        long near = (time + offset) / spec.Slide;
        for (long i = near - (spec.Size / spec.Slide) - 2; i <= near + 2; i++)
        {
            long start = (i * spec.Slide) - offset;
            if (start <= time && time < start + spec.Size)
            {
                yield return (start, start + spec.Size);
            }
        }
    }

    /// <summary>Rows as the table must hold them, as text; the first two values are the window.</summary>
    public static List<string?[]> Rows(
        ModelQuery query,
        WindowSpec spec,
        TimeZoneInfo zone,
        IEnumerable<(ModelEvent Row, Func<long, bool> Takes)> events)
    {
        List<((long Start, long End) Window, ModelEvent Row)> placed = [];
        (ModelEvent Row, Func<long, bool> Takes)[] passed = [.. events.Where(each => query.Passes(each.Row))];
        if (spec.Kind == WindowKind.Session)
        {
            placed = Sessions(query, spec.Size, zone, [.. passed.Select(static each => each.Row)]);
        }
        else
        {
            foreach ((ModelEvent row, Func<long, bool> takes) in passed)
            {
                placed.AddRange(WindowsOf(spec, row.Time, zone).Where(window => takes(window.End))
                    .Select(window => (window, row)));
            }
        }

        return
        [
            .. placed.GroupBy(each => (each.Window, KeyText(query, each.Row, zone)))
                .Select(static group => (group.Key.Window, Rows: group.Select(static each => each.Row).ToArray()))
                .Where(group => query.Keeps(group.Rows))
                .Select(group => (string?[])
                [
                    Text(group.Window.Start), Text(group.Window.End),
                    .. query.Keys.Select(key => key.Value(group.Rows[0], zone)),
                    .. query.Outputs.Select(output => output.Value(group.Rows)),
                ]),
        ];
    }

    /// <summary>Two events of a key are in one session when a chain of steps of at most the gap joins them.</summary>
    private static List<((long, long), ModelEvent)> Sessions(
        ModelQuery query, long gap, TimeZoneInfo zone, ModelEvent[] rows)
    {
        List<((long, long), ModelEvent)> placed = [];
        foreach (ModelEvent row in rows)
        {
            long first = row.Time;
            long last = row.Time;
            for (bool grew = true; grew;)
            {
                grew = false;
                foreach (ModelEvent other in rows)
                {
                    bool joins = KeyText(query, other, zone) == KeyText(query, row, zone)
                        && other.Time >= first - gap && other.Time <= last + gap;
                    if (joins && (other.Time < first || other.Time > last))
                    {
                        first = Math.Min(first, other.Time);
                        last = Math.Max(last, other.Time);
                        grew = true;
                    }
                }
            }

            placed.Add(((first, last + gap), row));
        }

        return placed;
    }

    private static string KeyText(ModelQuery query, ModelEvent row, TimeZoneInfo zone) =>
        string.Join('|', query.Keys.Select(key => key.Value(row, zone) ?? "(null)"));

    private static int HourOf(long time, TimeZoneInfo zone) => Local(time, zone).Hour;

    private static long LocalDay(long time, TimeZoneInfo zone) =>
        (long)Math.Floor((Local(time, zone) - DateTime.UnixEpoch).TotalDays);

    private static DateTime Local(long time, TimeZoneInfo zone) =>
        TimeZoneInfo.ConvertTime(DateTimeOffset.UnixEpoch.AddTicks(time * 10), zone).DateTime;

    private static long Midnight(long day, TimeZoneInfo zone)
    {
        DateTime local = DateTime.UnixEpoch.AddDays(day);
        TimeSpan offset = zone.GetUtcOffset(DateTime.SpecifyKind(local, DateTimeKind.Unspecified));
        return (day * Day) - (offset.Ticks / 10);
    }

    private static string? Sum(IEnumerable<long?> values)
    {
        long?[] all = [.. values.Where(static value => value is not null)];
        return all.Length == 0 ? null : Text(all.Sum());
    }

    private static string? Bits(double? value) => value is { } number
        ? Text(BitConverter.DoubleToInt64Bits(number)) : null;

    private static string? Text(long? value) => value?.ToString(CultureInfo.InvariantCulture);
}
