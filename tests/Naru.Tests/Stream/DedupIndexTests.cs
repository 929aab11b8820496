using System.Collections.Immutable;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Stream.Dedup;

namespace Naru.Tests.Stream;

public sealed class DedupIndexTests : IDisposable
{
    private const long Day = ProjectZone.DayMicroseconds;

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-dedup-").FullName;
    private readonly PosixFileSystem _files = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(DedupFormat.IdsPerPage)]
    [InlineData(DedupFormat.IdsPerPage + 1)]
    [InlineData(DedupFormat.IdsPerGroup - 1)]
    [InlineData(DedupFormat.IdsPerGroup)]
    [InlineData(DedupFormat.IdsPerGroup + 1)]
    [InlineData((DedupFormat.IdsPerGroup * 3) + 700)]
    public void Ids_are_known_after_a_restart_and_others_are_not(int count)
    {
        EventId[] ids = Make(new Random(1), count, 5);
        DedupRun run;
        using (DedupIndex index = Open())
        {
            run = index.Write(ids, DedupRetention.Days7, 5, 1);
            Assert.All(Probe(index, ids), Assert.False);
            index.Install([run]);
            Assert.All(Probe(index, ids), Assert.True);
        }

        using DedupIndex again = Open();
        again.Load([run]);
        Assert.All(Probe(again, ids), Assert.True);
        Assert.All(Probe(again, Make(new Random(2), count + 1000, 5)), Assert.False);
        Assert.All(Probe(again, [default, new EventId(ulong.MaxValue, ulong.MaxValue)]), Assert.False);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public void Random_landings_merges_restarts_and_expiries_equal_a_set()
    {
        Random random = TestSeed.Random(out int seed);
        DedupHistory history = new(random, Open);
        for (int step = 0; step < 400; step++)
        {
            history.Step();
            Assert.True(history.Agrees, $"step {step}, seed {seed}: {history.Detail}");
        }

        Assert.True(history.Merges > 20 && history.Restarts > 10 && history.Expiries > 5, history.Detail);
    }

    [Fact]
    public void Thirty_thousand_landings_leave_few_runs_to_probe()
    {
        // A week of landings every 20 seconds, planned only: files are not needed to see how many runs remain.
        List<DedupRun> runs = [];
        long rewritten = 0;
        long landed = 0;
        int most = 0;
        for (long number = 1; number <= 30_240; number++)
        {
            long now = number * 20_000_000;
            runs.Add(new DedupRun($"{number}", DedupRetention.Days7, number, 0, 2_000, "00", "ff", now));
            landed += 2_000;
            while (DedupMerge.Plan([.. runs]) is { } plan)
            {
                Assert.True(plan.Inputs.Sum(static run => run.Count) <= DedupMerge.IdsMax);
                runs.RemoveAll(plan.Inputs.Contains);
                long count = plan.Inputs.Sum(static run => run.Count);
                long receivedMax = plan.Inputs.Max(static run => run.ReceivedMax);
                runs.Add(plan.Inputs[^1] with { Count = count, ReceivedMax = receivedMax });
                rewritten += count;
            }

            most = Math.Max(most, runs.Count(run => run.ReceivedMax / Day == now / Day));
        }

        Assert.True(most <= 20, $"{most} runs of one day");
        Assert.True(runs.Count <= 28, $"{runs.Count} runs");
        Assert.True(rewritten < landed * 8, $"every id was rewritten {rewritten / (double)landed:F1} times");
    }

    [Fact]
    public void Memory_stays_within_its_cap_and_answers_stay_exact()
    {
        const long Cap = 1 << 20;
        using DedupIndex index = Open(Cap);
        EventId[] ids = Make(new Random(5), 240_000, 9);
        index.Install([index.Write(ids.AsSpan(0, 160_000), DedupRetention.Days7, 5, 1)]);
        Assert.All(Probe(index, ids[..160_000]), Assert.True);
        index.Install([.. index.Runs, index.Write(ids.AsSpan(160_000), DedupRetention.Forever, 5, 2)]);
        Assert.All(Probe(index, ids), Assert.True);
        Assert.All(Probe(index, Make(new Random(6), 20_000, 9)), Assert.False);
        Assert.InRange(index.MemoryBytes, Cap / 2, Cap + (1 << 20) + (64 << 10));
    }

    [Fact]
    [Trait("Size", "Slow")]
    public void A_flipped_byte_is_an_error_or_changes_no_answer()
    {
        EventId[] ids = Make(new Random(1), 700, 5);
        EventId[] others = Make(new Random(2), 700, 5);
        DedupRun run;
        using (DedupIndex index = Open())
        {
            run = index.Write(ids, DedupRetention.Days7, 5, 1);
        }

        string path = Path.Combine(_folder, run.Name);
        byte[] bytes = File.ReadAllBytes(path);
        int errors = 0;
        for (int at = 0; at < bytes.Length; at++)
        {
            bytes[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(path, bytes);
            bytes[at] ^= (byte)(1 << (at % 8));
            errors += Answers(run, ids, others) ? 0 : 1;
        }

        Assert.Equal(bytes.Length, errors);
    }

    [Fact]
    public void A_file_of_another_length_or_another_run_is_an_error()
    {
        DedupRun run;
        DedupRun other;
        EventId[] ids = Make(new Random(1), 700, 5);
        using (DedupIndex index = Open())
        {
            run = index.Write(ids, DedupRetention.Days7, 5, 1);
            other = index.Write(ids, DedupRetention.Days7, 6, 2);
        }

        string path = Path.Combine(_folder, run.Name);
        byte[] bytes = File.ReadAllBytes(path);
        for (int length = 0; length < bytes.Length; length += 509)
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.False(Answers(run, ids, []));
        }

        File.WriteAllBytes(path, [.. bytes, 0]);
        Assert.False(Answers(run, ids, []));
        File.Copy(Path.Combine(_folder, other.Name), path, overwrite: true);
        Assert.False(Answers(run, ids, []));

        // Two pages of one file exchanged: each is whole, neither stands where it belongs.
        byte[] swapped = [.. bytes];
        bytes.AsSpan(DedupFormat.IdPage(0, 0) * 4096, 4096).CopyTo(swapped.AsSpan(DedupFormat.IdPage(0, 1) * 4096));
        bytes.AsSpan(DedupFormat.IdPage(0, 1) * 4096, 4096).CopyTo(swapped.AsSpan(DedupFormat.IdPage(0, 0) * 4096));
        File.WriteAllBytes(path, swapped);
        Assert.False(Answers(run, ids, []));

        File.Delete(path);
        using DedupIndex missing = Open();
        StorageException error = Assert.Throws<StorageException>(() => missing.Load([run]));
        Assert.Equal(StorageFault.NotFound, error.Fault);
    }

    /// <summary>A run file as version 1 wrote it: it opens for ever.</summary>
    [Fact]
    public void The_file_of_version_1_stays_what_it_is()
    {
        using DedupIndex index = Open();
        EventId[] ids =
        [
            .. Enumerable.Range(1, 300).Select(static i => new EventId((ulong)i << 20, (ulong)i * 0x9e3779b97f4a7c15)),
        ];
        DedupRun run = index.Write(ids, DedupRetention.Forever, 1_760_000_000_000_000, 42);
        Assert.Equal("0000000042-all-0.ids", run.Name);
        byte[] bytes = File.ReadAllBytes(Path.Combine(_folder, run.Name));
        Assert.Equal(5 * 4096, bytes.Length);
        Assert.Equal(
            "d138eb2347d1b536", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..16]);
    }

    [Fact]
    public void A_leftover_of_a_landing_that_was_not_recorded_is_replaced_and_unnamed_files_go()
    {
        using DedupIndex index = Open();
        EventId[] ids = Make(new Random(1), 700, 5);
        index.Write(ids.AsSpan(0, 300), DedupRetention.Days7, 5, 1);
        DedupRun run = index.Write(ids, DedupRetention.Days7, 5, 1);
        DedupRun lost = index.Write(ids, DedupRetention.Days7, 5, 2);
        index.Install([run]);
        Assert.All(Probe(index, ids), Assert.True);
        index.DeleteUnnamed();
        Assert.Equal([run.Name], _files.List(_folder));
        Assert.NotEqual(run.Name, lost.Name);
    }

    [Fact]
    public void A_full_filter_knows_its_ids_and_few_others()
    {
        byte[] filter = new byte[DedupFilter.Bytes];
        EventId[] ids = Make(new Random(1), DedupFormat.IdsPerGroup, 5);
        foreach (EventId id in ids)
        {
            DedupFilter.Add(filter, id);
        }

        Assert.All(ids, id => Assert.True(DedupFilter.MayHold(filter, id)));
        double wrong = Make(new Random(2), 200_000, 5).Count(id => DedupFilter.MayHold(filter, id)) / 200_000.0;
        Assert.True(wrong is > 0.005 and < 0.02, $"{wrong:P2} of the others");
    }

    [Fact]
    public void Pending_ids_equal_a_set_over_two_generations()
    {
        Random random = TestSeed.Random(out int seed);
        using PendingIds pending = new();
        HashSet<EventId> active = [];
        HashSet<EventId> rotated = [];
        for (int step = 0; step < 200_000; step++)
        {
            // Few different ids, so that they meet; some with equal low words, some zero.
            EventId id = new((ulong)random.Next(0, 300), (ulong)random.Next(0, 100));
            bool expected = !rotated.Contains(id) && active.Add(id);
            Assert.True(expected == pending.TryAdd(id), $"step {step}, seed {seed}");
            if (step % 7_000 == 6_999)
            {
                pending.DropRotated();
                pending.Rotate();
                (active, rotated) = ([], active);
            }

            Assert.Equal(active.Count + rotated.Count, pending.Count);
        }
    }

    [Fact]
    public void Pending_ids_give_their_memory_back_after_a_burst()
    {
        using PendingIds pending = new();
        foreach (EventId id in Make(new Random(3), 300_000, 5))
        {
            Assert.True(pending.TryAdd(id));
        }

        Assert.True(pending.MemoryBytes > 9_000_000);
        for (int i = 0; i < 3; i++)
        {
            pending.Rotate();
            pending.DropRotated();
            pending.TryAdd(new EventId(1, (ulong)i));
        }

        Assert.True(pending.MemoryBytes < 9_000_000, $"{pending.MemoryBytes}");
    }

    internal static EventId[] Make(Random random, int count, long day)
    {
        EventId[] ids = new EventId[count];
        for (int i = 0; i < count; i++)
        {
            ulong created = (ulong)((day * Day / 1000) + random.NextInt64(Day / 1000));
            ulong low = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            ids[i] = new EventId((created << 16) | (uint)random.Next(1 << 16), low);
        }

        return ids;
    }

    internal static bool[] Probe(DedupIndex index, EventId[] ids)
    {
        bool[] known = new bool[ids.Length];
        Array.Fill(known, true);
        index.Probe(ids, known);
        return known;
    }

    /// <summary>
    /// True when everything is answered rightly, false when there is an error; any wrong answer fails.
    /// </summary>
    private bool Answers(DedupRun run, EventId[] ids, EventId[] others)
    {
        using DedupIndex index = Open();
        try
        {
            index.Load([run]);
            Assert.All(Probe(index, ids), Assert.True);
            Assert.All(Probe(index, others), Assert.False);
            return true;
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.Corrupt)
        {
            return false;
        }
    }

    private DedupIndex Open(long memoryBytesMax = 256 << 20) => new(_files, _folder, memoryBytesMax);

    private DedupIndex Open() => Open(1 << 20);
}
