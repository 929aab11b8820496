using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Stream.Dedup;

namespace Naru.Tests.Stream;

public sealed class DedupIndexTests : IDisposable
{
    private const long Day = 86_400_000_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-dedup-").FullName;
    private readonly PosixFileSystem _files = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Ids_are_known_after_a_restart_and_others_are_not()
    {
        EventId[] ids = Make(new Random(1), 10_000, 5);
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
        Assert.All(Probe(again, Make(new Random(2), 10_000, 5)), Assert.False);
    }

    private static bool[] Probe(DedupIndex index, EventId[] ids)
    {
        bool[] known = new bool[ids.Length];
        Array.Fill(known, true);
        index.Probe(ids, known);
        return known;
    }

    private static EventId[] Make(Random random, int count, long day)
    {
        EventId[] ids = new EventId[count];
        for (int i = 0; i < count; i++)
        {
            ulong created = (ulong)((day * Day / 1000) + random.NextInt64(Day / 1000));
            ids[i] = new EventId((created << 16) | (uint)random.Next(1 << 16), (ulong)random.NextInt64());
        }

        return ids;
    }

    private DedupIndex Open(long memoryBytesMax = 256 << 20) => new(_files, _folder, memoryBytesMax);
}
