using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Stream.Dedup;

namespace Naru.Bench.Stream;

/// <summary>
/// Probes of the deduplication index with so many ids in runs (default 5 M; the night's size is 100 M), within a memory
/// cap. The floor is a HashSet of the newest million ids, which knows nothing else.
/// </summary>
internal static class DedupBench
{
    private const int ProbeCount = 1_000_000;
    private const int ProbeBatch = 1000;
    private const int RunIds = 250_000;
    private const long DayMilliseconds = 86_400_000;

    public static int Run(string[] args)
    {
        long count = args.Length > 0 ? long.Parse(args[0], CultureInfo.InvariantCulture) : 5_000_000;
        long cap = args.Length > 1 ? long.Parse(args[1], CultureInfo.InvariantCulture) << 20 : 256L << 20;
        string folder = Directory.CreateTempSubdirectory("naru-bench-dedup-").FullName;
        try
        {
            using DedupIndex index = new(new PosixFileSystem(), folder, cap);
            Fill(index, count);
            Probe(index, count);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static void Fill(DedupIndex index, long count)
    {
        long start = Stopwatch.GetTimestamp();
        long merged = 0;
        List<DedupRun> runs = [];
        for (long first = 0, number = 1; first < count; first += RunIds, number++)
        {
            int size = (int)Math.Min(RunIds, count - first);
            EventId[] ids = [.. Enumerable.Range(0, size).Select(i => Id(first + i, count))];
            runs.Add(index.Write(ids, DedupRetention.Days7, Created(first, count) * 1000, number));
            while (DedupMerge.Plan([.. runs]) is { } plan)
            {
                DedupRun result = index.Merge(plan);
                merged += result.Count;
                runs.RemoveAll(plan.Inputs.Contains);
                runs.Add(result);
                foreach (DedupRun input in plan.Inputs)
                {
                    File.Delete(index.PathOf(input));
                }
            }
        }

        index.Load(runs);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine(
            $"{count:N0} ids in {runs.Count} runs; written and merged in {seconds:0.0} s, "
            + $"each id rewritten {(double)merged / count:0.0} times");
    }

    private static void Probe(DedupIndex index, long count)
    {
        EventId[] live = [.. Enumerable.Range(0, ProbeCount).Select(i => Id(count + i, count))];
        EventId[] spread =
        [
            .. Enumerable.Range(0, ProbeCount)
                .Select(i => new EventId(Id(i * (count / ProbeCount), count).High, ~(ulong)i)),
        ];
        EventId[] newest = [.. Enumerable.Range(0, ProbeCount).Select(i => Id(count - ProbeCount + i, count))];
        Random random = new(3);
        EventId[] anywhere = [.. Enumerable.Range(0, ProbeCount).Select(_ => Id(random.NextInt64(count), count))];
        HashSet<EventId> floor = [.. newest];
        (string, Action)[] cases =
        [
            ("floor: HashSet of 1 M, misses", () => Expect(live.Count(floor.Contains), 0)),
            ("new events, of now", () => Expect(Known(index, live), 0)),
            ("new events, of all seven days, in order", () => Expect(Known(index, spread), 0)),
            ("duplicates of the newest million, in order", () => Expect(Known(index, newest), ProbeCount)),
            ("duplicates of any age, at random", () => Expect(Known(index, anywhere), ProbeCount)),
        ];
        Measure.Print(cases, ProbeCount, 0, rounds: 3);
        Console.WriteLine(
            $"memory of the index: {index.MemoryBytes >> 20} MB; of the process: {Environment.WorkingSet >> 20} MB");
    }

    private static int Known(DedupIndex index, EventId[] ids)
    {
        Span<bool> known = stackalloc bool[ProbeBatch];
        int count = 0;
        for (int first = 0; first < ids.Length; first += ProbeBatch)
        {
            index.Probe(ids.AsSpan(first, ProbeBatch), known);
            count += known.Count(true);
        }

        return count;
    }

    private static void Expect(int found, int expected)
    {
        if (found != expected)
        {
            throw new UnreachableException($"{found} known, {expected} expected");
        }
    }

    /// <summary>Ids come evenly over seven days, one in a hundred up to a day late.</summary>
    private static EventId Id(long number, long count)
    {
        ulong hash = (ulong)number * 0x9e37_79b9_7f4a_7c15;
        hash = (hash ^ (hash >> 29)) * 0xbf58_476d_1ce4_e5b9;
        hash ^= hash >> 32;
        long late = hash % 100 == 0 ? (long)(hash >> 8) % DayMilliseconds : (long)(hash >> 8) % 5000;
        return new EventId((ulong)(Created(number, count) - late) << 16, hash);
    }

    private static long Created(long number, long count) =>
        (20_000 * DayMilliseconds) + (long)(number / (double)count * 7 * DayMilliseconds);
}
