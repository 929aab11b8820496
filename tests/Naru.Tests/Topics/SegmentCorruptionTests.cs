using System.Globalization;
using System.Text.RegularExpressions;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Sim.Disk;
using Naru.Sim.Topics;
using static Naru.Tests.Topics.TopicTestData;

namespace Naru.Tests.Topics;

/// <summary>
/// Harness H6 for topics: whatever is done to the bytes of a closed topic, it answers as before, or with an error that
/// names file and range. Never with other records, and never with fewer that no error tells of.
/// </summary>
public sealed class SegmentCorruptionTests(ITestOutputHelper output)
{
    private const string Root = "/data/events";
    private const string Partition = Root + "/0";
    private static readonly Guid Incarnation = new("0f0e0d0c-0b0a-0908-0706-050403020100");
    private readonly List<string> _notices = [];

    [Fact]
    [Trait("Size", "Slow")]
    public void Every_flipped_bit_of_a_header_and_every_flipped_byte_is_an_error_that_names_it_or_changes_nothing()
    {
        (Dictionary<string, byte[]> files, List<ReadBatch> written) = Build();
        int flips = 0;
        foreach ((string path, byte[] bytes) in files)
        {
            for (int at = 0; at < bytes.Length; at++)
            {
                bool isHeader = Is(".seg")(path) && (at < 128 || IsBatchHeader(bytes, at));
                foreach (int mask in isHeader ? (int[])[1, 2, 4, 8, 16, 32, 64, 128, 0xFF] : [0xFF, 1 << (at & 7)])
                {
                    bytes[at] ^= (byte)mask;
                    Check(files, written, $"bits {mask:x2} of byte {at} of {path}");
                    bytes[at] ^= (byte)mask;
                    flips++;
                }
            }
        }

        output.WriteLine($"{flips} flips");
        Assert.True(flips > 20_000);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public void Every_truncation_of_every_file_is_an_error_that_names_it_or_changes_nothing()
    {
        (Dictionary<string, byte[]> files, List<ReadBatch> written) = Build();
        int cuts = 0;
        foreach ((string path, byte[] bytes) in files.ToArray())
        {
            for (int length = 0; length < bytes.Length; length++)
            {
                files[path] = bytes[..length];
                Check(files, written, $"{path} cut to {length} bytes");
                cuts++;
            }

            files[path] = bytes;
        }

        output.WriteLine($"{cuts} truncations");
    }

    [Fact]
    public void A_missing_file_is_an_error_that_names_it_or_changes_nothing()
    {
        (Dictionary<string, byte[]> files, List<ReadBatch> written) = Build();
        foreach (string path in files.Keys.ToArray())
        {
            Dictionary<string, byte[]> left = new(files);
            left.Remove(path);
            Check(left, written, $"{path} deleted", mayLoseTail: path == files.Keys.Last(Is(".seg")));
        }
    }

    [Fact]
    public void Files_that_changed_places_are_an_error_that_names_them_or_change_nothing()
    {
        (Dictionary<string, byte[]> files, List<ReadBatch> written) = Build();
        string[] paths = [.. files.Keys];
        foreach (string one in paths)
        {
            foreach (string other in paths.Where(each => string.CompareOrdinal(each, one) > 0))
            {
                Dictionary<string, byte[]> swapped = new(files) { [one] = files[other], [other] = files[one] };
                Check(swapped, written, $"{one} and {other} swapped");
            }
        }
    }

    [Fact]
    public void Damage_in_what_the_last_batch_vouches_for_makes_the_partition_read_only_and_names_the_exact_offsets()
    {
        (Dictionary<string, byte[]> files, List<ReadBatch> written) = Build();
        string last = files.Keys.Last(Is(".seg"));
        files.Remove(files.Keys.Last(Is(".idx")));
        files[last][140] ^= 1;
        using Opened opened = Open(files);
        Assert.Equal(PartitionState.ReadOnly, opened.Writer.Segments.State);
        string detail = opened.Writer.Segments.Status().Detail!;
        long start = long.Parse(Path.GetFileNameWithoutExtension(last), CultureInfo.InvariantCulture);
        int records = Records(written.First(each => each.Offset == start));
        Assert.Contains($"offsets {start} to {start + records - 1} are damaged", detail, StringComparison.Ordinal);
        Assert.Contains(last, detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_torn_last_batch_without_an_orderly_end_is_cut_and_the_cut_is_told()
    {
        (Dictionary<string, byte[]> files, List<ReadBatch> written) = Build();
        string last = files.Keys.Last(Is(".seg"));
        files.Remove(files.Keys.Last(Is(".idx")));
        int end = Array.FindLastIndex(files[last], static each => each != 0);
        files[last][end] ^= 1;
        using Opened opened = Open(files);
        Assert.Equal(PartitionState.Serving, opened.Writer.Segments.State);
        Assert.Equal(written[^1].Offset, opened.Writer.Segments.DurableOffset);
        string cut = $"cut what lies behind offset {written[^1].Offset}";
        Assert.Contains(_notices, notice => notice.Contains(cut, StringComparison.Ordinal));
    }

    private static Func<string, bool> Is(string extension) =>
        path => path.EndsWith(extension, StringComparison.Ordinal);

    private static int Records(ReadBatch batch) =>
        batch.Numbers.Length / (batch.Header.Flags.HasFlag(BatchFlags.Indexed) ? 2 : 1);

    /// <summary>A partition of four segments, the first deleted by retention, closed in order.</summary>
    private (Dictionary<string, byte[]> Files, List<ReadBatch> Written) Build()
    {
        SimulatedDisk disk = NewDisk([]);
        PartitionContext context = Context(disk);
        _ = TopicFolder.Open(context with { Directory = Root }, 1);
        using (PartitionWriter writer = PartitionWriter.Open(context))
        {
            for (int i = 0; i < 24; i++)
            {
                AppendBatch batch = i % 5 == 4
                    ? Full(1000 + i)
                    : Batch("shop/app", 1000 + i, $"{{\"n\":{i}}}", new string('x', 20 + i));
                writer.Stage(batch, BatchFormat.SizeOf(batch), BatchFormat.PayloadChecksum(batch));
                writer.Commit();
                if (i is 5 or 11 or 17)
                {
                    writer.RollNow();
                }
            }

            new PartitionRetention(context, writer.Segments, oldest: 1006, long.MaxValue, long.MinValue).Apply(13);
            writer.Close();
        }

        Dictionary<string, byte[]> files = [];
        IEnumerable<string> paths = disk.List(Partition).Select(static name => $"{Partition}/{name}");
        foreach (string path in paths.Prepend($"{Root}/{TopicMetadata.FileName}"))
        {
            using IFile file = disk.Open(path, FileOpen.Read);
            byte[] bytes = new byte[Is(".seg")(path) ? Math.Min(file.Length, 2048) : file.Length];
            file.Read(bytes, 0);
            files[path] = bytes;
        }

        using Opened opened = Open(files);
        (List<ReadBatch> read, _) = ReadAllBatches(opened);
        Assert.Equal(18, read.Count);
        Assert.Equal(3, files.Keys.Count(Is(".seg")));
        return (files, read);
    }

    private void Check(
        Dictionary<string, byte[]> files, List<ReadBatch> written, string what, bool mayLoseTail = false)
    {
        try
        {
            using Opened opened = Open(files);
            (List<ReadBatch> read, List<(long First, long Last)> damaged) = ReadAllBatches(opened);
            Dictionary<long, ReadBatch> byOffset = read.ToDictionary(static each => each.Offset);
            foreach (ReadBatch batch in written)
            {
                if (!byOffset.Remove(batch.Offset, out ReadBatch? found))
                {
                    bool isNamed = damaged.Concat(Named())
                        .Any(range => range.First <= batch.Offset && batch.Offset <= range.Last);
                    Assert.True(isNamed || mayLoseTail, $"{what}: {batch.Offset} is gone and no error tells of it");
                }
                else
                {
                    Assert.True(Same(found, batch), $"{what}: batch at {batch.Offset} reads differently");
                }
            }

            Assert.True(byOffset.Count == 0, $"{what}: a batch that was never written is read");
            Assert.True(
                damaged.Count == 0 || opened.Writer.Segments.State == PartitionState.ReadOnly,
                $"{what}: damage was found and the partition goes on");
        }
        catch (StorageException error)
        {
            Assert.True(error.Message.Contains("/data/events", StringComparison.Ordinal), $"{what}: {error.Message}");
        }
    }

    /// <summary>The ranges that the notices of the opening name.</summary>
    private IEnumerable<(long First, long Last)> Named() =>
        from notice in _notices
        let match = Regex.Match(notice, "offsets ([0-9]+) to ([0-9]+|the end) are damaged in \"/data/events")
        where match.Success
        select (long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture),
            match.Groups[2].Value == "the end"
                ? long.MaxValue
                : long.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture));

    private static bool Same(ReadBatch one, ReadBatch other) =>
        one.Header == other.Header && one.Payload.AsSpan().SequenceEqual(other.Payload)
        && one.Numbers.AsSpan().SequenceEqual(other.Numbers);

    private static (List<ReadBatch> Read, List<(long First, long Last)> Damaged) ReadAllBatches(Opened opened)
    {
        List<ReadBatch> read = [];
        List<(long First, long Last)> damaged = [];
        Collector sink = new(read);
        PartitionOffsets offsets = opened.Writer.Segments.Offsets;
        for (long at = offsets.First; at < offsets.Durable;)
        {
            try
            {
                at = opened.Reader.Read(at, ref sink);
            }
            catch (TopicCorruptException error)
            {
                Assert.InRange(error.FirstOffset, offsets.First, error.LastOffset);
                Assert.Contains("/data/events", error.Message, StringComparison.Ordinal);
                damaged.Add((error.FirstOffset, error.LastOffset));
                at = error.LastOffset + 1;
            }
        }

        return (read, damaged);
    }

    private Opened Open(Dictionary<string, byte[]> files)
    {
        _notices.Clear();
        SimulatedDisk disk = NewDisk(files);
        PartitionContext context = TopicFolder.Open(Context(disk) with { Directory = Root }, 1)[0];
        PartitionWriter writer = PartitionWriter.Open(context);
        return new Opened(writer, new SegmentReader(disk, writer.Segments, 0));
    }

    private PartitionContext Context(IFileSystem files) => new()
    {
        Files = files,
        Directory = Partition,
        Topic = "events",
        Partition = 0,
        Incarnation = Incarnation,
        SegmentBytes = 4096,
        Time = new Naru.Sim.ManualTimeProvider(),
        Notify = notice => _notices.Add(notice.Message),
    };

    private static SimulatedDisk NewDisk(Dictionary<string, byte[]> files)
    {
        SimulatedDisk disk = new(new Random(1), new FaultCounts(), []);
        disk.CreateDirectory(Partition);
        foreach ((string path, byte[] bytes) in files)
        {
            using IFile file = disk.Open(path, FileOpen.CreateNew);
            file.Write(bytes, 0);
        }

        return disk;
    }

    private static bool IsBatchHeader(byte[] bytes, int at)
    {
        int start = at & ~7;
        for (int back = 0; back < BatchFormat.HeaderBytes && start - back >= 128; back += 8)
        {
            if (bytes.AsSpan(start - back).StartsWith("NATB"u8))
            {
                return true;
            }
        }

        return false;
    }

    private sealed record Opened(PartitionWriter Writer, SegmentReader Reader) : IDisposable
    {
        public void Dispose() => Writer.Dispose();
    }

    private readonly struct Collector(List<ReadBatch> batches) : IBatchSink
    {
        public bool Take(in TopicBatch batch)
        {
            batches.Add(ReadBatch.Of(batch));
            return true;
        }
    }
}
