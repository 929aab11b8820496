using System.Collections.Immutable;
using System.Numerics;
using Naru.Core.Events;

namespace Naru.Stream.Dedup;

/// <summary>
/// Runs to merge into one. Runs of one retention and, where ids are forgotten, of one day of receipt are merged four
/// at a time when they are of like size, so that an id is rewritten about log4(n) times; when the day is over, what is
/// left of it becomes one. No merged run has more than <see cref="IdsMax"/> ids: what is larger stays as it is.
/// </summary>
internal sealed record DedupMerge(ImmutableArray<DedupRun> Inputs)
{
    public const long IdsMax = 64L << 20;
    private const int FanIn = 4;
    private const int InputsMax = 64;

    /// <summary>Seven days, and an hour for clocks that are set back.</summary>
    private const long RememberedMicroseconds = (7 * ProjectZone.DayMicroseconds) + ProjectZone.HourMicroseconds;

    public static bool IsExpired(DedupRun run, long nowMicroseconds) =>
        run.Retention == DedupRetention.Days7 && nowMicroseconds - run.ReceivedMax > RememberedMicroseconds;

    /// <summary>Null when there is nothing to gain.</summary>
    public static DedupMerge? Plan(ImmutableArray<DedupRun> runs)
    {
        if (runs.IsEmpty)
        {
            return null;
        }

        long today = runs.Max(static run => Day(run));
        return runs
            .GroupBy(static run => (run.Retention, Day: run.Retention == DedupRetention.Forever ? 0 : Day(run)))
            .Select(bucket => OfLikeSize(bucket) ?? OfPastDay(bucket, bucket.Key.Retention, bucket.Key.Day < today))
            .FirstOrDefault(static plan => plan is not null);
    }

    private static long Day(DedupRun run) => run.ReceivedMax / ProjectZone.DayMicroseconds;

    private static int Tier(DedupRun run) =>
        BitOperations.Log2((ulong)Math.Max(1, run.Count / DedupFormat.IdsPerPage)) / 2;

    private static DedupMerge? OfLikeSize(IEnumerable<DedupRun> bucket) => bucket
        .GroupBy(Tier)
        .OrderBy(static tier => tier.Key)
        .Select(static tier => Of(tier, FanIn))
        .FirstOrDefault(static plan => plan is not null);

    private static DedupMerge? OfPastDay(IEnumerable<DedupRun> bucket, DedupRetention retention, bool past) =>
        past && retention == DedupRetention.Days7 ? Of(bucket, 2) : null;

    /// <summary>As many of the smallest as may be merged, if they are at least so many.</summary>
    private static DedupMerge? Of(IEnumerable<DedupRun> runs, int inputsMin)
    {
        long ids = 0;
        ImmutableArray<DedupRun> inputs =
        [
            .. runs
                .OrderBy(static run => run.Count)
                .ThenBy(static run => run.Number)
                .Take(InputsMax)
                .TakeWhile(run => (ids += run.Count) <= IdsMax),
        ];
        return inputs.Length >= inputsMin ? new DedupMerge(inputs) : null;
    }
}
