using System.Globalization;
using System.Numerics;
using Naru.Core.Windows;

namespace Naru.Tests.Stream.Batch;

/// <summary>
/// What windows must say, by the plainest code: every event asks every window near it, and days are those of .NET's own
/// calendar. Results are text, as <see cref="Lake.BatchMaker.TextOf(Naru.Lake.Columns.ColumnVector, int)"/> writes it.
/// </summary>
internal sealed class BatchModel(WindowSpec spec, TimeZoneInfo zone)
{
    private const long Day = 86_400_000_000;

    /// <summary>Windows (start, end) and key, and the events in each; starts in [from, to).</summary>
    public Dictionary<(long Start, long End, string? Key), List<BatchEvent>> Group(
        IEnumerable<BatchEvent> events, Func<BatchEvent, string?> key, long from, long to)
    {
        Dictionary<(long, long, string?), List<BatchEvent>> groups = [];
        IEnumerable<(long, long, string?, BatchEvent)> placed = spec.Kind == WindowKind.Session
            ? Sessions(events, key)
            : events.SelectMany(row => Windows(row.Time).Select(window => (window.Start, window.End, key(row), row)));
        foreach ((long start, long end, string? of, BatchEvent row) in placed)
        {
            if (start >= from && start < to)
            {
                if (!groups.TryGetValue((start, end, of), out List<BatchEvent>? rows))
                {
                    groups.Add((start, end, of), rows = []);
                }

                rows.Add(row);
            }
        }

        return groups;
    }

    public IEnumerable<(long Start, long End)> Windows(long time)
    {
        if (!spec.IsDays)
        {
            BigInteger offset = zone.BaseUtcOffset.Ticks / 10;
            long reach = (spec.Size / spec.Slide) + 2;
            BigInteger near = (time + offset) / spec.Slide;
            for (BigInteger i = near - reach; i <= near + 2; i++)
            {
                long start = (long)((i * spec.Slide) - offset);
                if (start <= time && time < start + spec.Size)
                {
                    yield return (start, start + spec.Size);
                }
            }

            yield break;
        }

        long day = LocalDay(time);
        for (long first = day - spec.Size; first <= day; first++)
        {
            if (first % spec.Slide == 0 && first + spec.Size > day)
            {
                yield return (Midnight(first), Midnight(first + spec.Size));
            }
        }
    }

    public static string? Text(IEnumerable<BatchEvent> rows, Func<BatchEvent, object?> value, string function)
    {
        object[] values = [.. rows.Select(value).Where(static each => each is not null).Select(static each => each!)];
        return values.Length == 0 ? null : function switch
        {
            "min" => Text(values.Min()!),
            "max" => Text(values.Max()!),
            "and" => Text(values.All(static each => (bool)each)),
            _ => Text(values.Any(static each => (bool)each)),
        };
    }

    public static string Text(object value) => value switch
    {
        double number => BitConverter.DoubleToInt64Bits(number + 0.0).ToString(CultureInfo.InvariantCulture),
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private IEnumerable<(long Start, long End, string? Key, BatchEvent Row)> Sessions(
        IEnumerable<BatchEvent> events, Func<BatchEvent, string?> key)
    {
        foreach (IGrouping<string?, BatchEvent> group in events.GroupBy(key))
        {
            List<BatchEvent> session = [];
            foreach (BatchEvent row in group.OrderBy(static row => row.Time))
            {
                if (session.Count > 0 && row.Time - session[^1].Time > spec.Size)
                {
                    foreach (BatchEvent each in session)
                    {
                        yield return (session[0].Time, session[^1].Time + spec.Size, group.Key, each);
                    }

                    session = [];
                }

                session.Add(row);
            }

            foreach (BatchEvent each in session)
            {
                yield return (session[0].Time, session[^1].Time + spec.Size, group.Key, each);
            }
        }
    }

    private long LocalDay(long time)
    {
        DateTimeOffset utc = DateTimeOffset.UnixEpoch.AddTicks(time * 10);
        DateTime local = TimeZoneInfo.ConvertTime(utc, zone).DateTime;
        return (long)Math.Floor((local - DateTime.UnixEpoch).TotalDays);
    }

    /// <summary>The first instant of a day: found by halving.</summary>
    private long Midnight(long day)
    {
        long before = (day * Day) - (2 * Day);
        long after = (day * Day) + (2 * Day);
        while (after - before > 1)
        {
            long middle = before + ((after - before) / 2);
            (before, after) = LocalDay(middle) < day ? (middle, after) : (before, middle);
        }

        return after;
    }
}
