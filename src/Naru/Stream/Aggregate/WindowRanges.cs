using System.Collections.Immutable;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Window starts [From, To) in Unix microseconds that wait for recomputation, and the last landing that asked for it.
/// </summary>
internal sealed record WindowRange(long From, long To, long Landing);

/// <summary>A queue of window ranges: sorted, merged where they touch, bounded.</summary>
internal static class WindowRanges
{
    /// <summary>Beyond these the two ranges with the least between them become one: more is recomputed than needed.
    /// </summary>
    private const int RangesMax = 256;

    public static ImmutableArray<WindowRange> Add(
        ImmutableArray<WindowRange> ranges, IEnumerable<WindowRange> added)
    {
        List<WindowRange> sorted = [.. ranges.Concat(added).OrderBy(static range => range.From)];
        List<WindowRange> merged = [];
        foreach (WindowRange range in sorted)
        {
            if (merged.Count > 0 && range.From <= merged[^1].To)
            {
                merged[^1] = Join(merged[^1], range);
            }
            else
            {
                merged.Add(range);
            }
        }

        while (merged.Count > RangesMax)
        {
            int nearest = Enumerable.Range(1, merged.Count - 1).MinBy(i => merged[i].From - merged[i - 1].To);
            merged[nearest - 1] = Join(merged[nearest - 1], merged[nearest]);
            merged.RemoveAt(nearest);
        }

        return [.. merged];
    }

    /// <summary>
    /// What is left when [from, to) was recomputed from what landing <paramref name="landing"/> held.
    /// </summary>
    public static ImmutableArray<WindowRange> Clear(
        ImmutableArray<WindowRange> ranges, long from, long to, long landing)
    {
        ImmutableArray<WindowRange>.Builder left = ImmutableArray.CreateBuilder<WindowRange>();
        foreach (WindowRange range in ranges)
        {
            if (range.Landing > landing || range.To <= from || range.From >= to)
            {
                left.Add(range);
                continue;
            }

            if (range.From < from)
            {
                left.Add(range with { To = from });
            }

            if (range.To > to)
            {
                left.Add(range with { From = to });
            }
        }

        return left.ToImmutable();
    }

    private static WindowRange Join(WindowRange a, WindowRange b) =>
        new(Math.Min(a.From, b.From), Math.Max(a.To, b.To), Math.Max(a.Landing, b.Landing));
}
