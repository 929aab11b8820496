using System.Text;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Sim;
using Naru.Sim.Disk;
using static Naru.Tests.Topics.TopicTestData;

namespace Naru.Tests.Topics;

/// <summary>
/// The bytes of format version 1. Topics that were written with them must open forever: when this test fails, the
/// format has changed, and needs a new version beside the old one, not a new golden file.
/// </summary>
public sealed class SegmentGoldenTests
{
    private const string Root = "/data/events";
    private static readonly Guid Incarnation = new("0f0e0d0c-0b0a-0908-0706-050403020100");

    private const string Segment =
        "4e41525553454731c1134079010000000f0e0d0c0b0a0908070605040302010000000000000000000020675f81550600"
        + "0000000006006576656e7473000000000000000000000000000000000000000000000000000000000000000000000000"
        + "00000000000000000000000000000000000000000000000000000000000000004e415442133a8ce608010000cc2efe9a"
        + "00000000000000000300000001000700800000000000000000401e18240a0600887766554433221100ffeeddccbbaa99"
        + "04030201090000000500000003000a000b00000009000000010000000000000002000000000000000300000000000000"
        + "040000000000000005000000000000000600000000000000070000000000000008000000000000000900000000000000"
        + "0a00000000000000ffffffffffffffff0000000000000000ffffffffffffff7f3f00000000000000ffffffffffffff7f"
        + "04000000000000000700000005000000090000000b0000006170702f70686f6e6562616420617420242e617b2261227b"
        + "2262223a317d00004e415442436d79e078000000267f2b9c030000000000000002000000010000008801000000000000"
        + "01401e18240a060001000000000000000200000000000000070000000300000000000000000000001000000008000000"
        + "020000000e00000073686f702f6170707b7d7b2261223a22eb8298eba3a8227d";

    private const string Index =
        "4e4152554944583106c3f430010000000f0e0d0c0b0a0908070605040302010000000000000000000000000001000000"
        + "0500000000000000000200000000000000401e18240a060001401e18240a060001401e18240a06001e1e813700000000"
        + "000000000000000000000000000000000000000000000000000000000000000000000000000000008000000000000000"
        + "01401e18240a0600";

    private const string FirstOffset =
        "4e4152554f464631200c9d6e010000000f0e0d0c0b0a0908070605040302010000000000000000000000000000000000";

    private const string Topic =
        "{\"format\":1,\"topic\":\"events\",\"incarnation\":\"0f0e0d0c-0b0a-0908-0706-050403020100\","
        + "\"partitions\":1,\"crc32c\":\"f7574165\"}\n";

    [Fact]
    public void A_topic_is_written_byte_for_byte_as_it_always_was()
    {
        SimulatedDisk disk = new(new Random(1), new FaultCounts(), []);
        PartitionContext context = TopicFolder.Open(Template(disk), 1)[0];
        using (PartitionWriter writer = PartitionWriter.Open(context))
        {
            AppendBatch second = Batch("shop/app", 1_700_000_000_000_001, "{}", "{\"a\":\"나루\"}");
            foreach (AppendBatch batch in new[] { Full(), second })
            {
                writer.Stage(batch, BatchFormat.SizeOf(batch), BatchFormat.PayloadChecksum(batch));
                writer.Commit();
            }

            writer.RollNow();
        }

        PartitionStart.Store(context, 0);
        Assert.Equal(Segment, Hex(disk, "0/00000000000000000000.seg"));
        Assert.Equal(Index, Hex(disk, "0/00000000000000000000.idx"));
        Assert.Equal(FirstOffset, Hex(disk, "0/first.off"));
        Assert.Equal(Topic, Encoding.UTF8.GetString(Convert.FromHexString(Hex(disk, "topic.json"))));
    }

    [Fact]
    public void A_topic_of_format_1_opens_and_reads_as_it_was_written()
    {
        SimulatedDisk disk = new(new Random(1), new FaultCounts(), []);
        disk.CreateDirectory($"{Root}/0");
        Put(disk, "topic.json", Encoding.UTF8.GetBytes(Topic));
        Put(disk, "0/00000000000000000000.seg", Convert.FromHexString(Segment));
        Put(disk, "0/00000000000000000000.idx", Convert.FromHexString(Index));
        Put(disk, "0/first.off", Convert.FromHexString(FirstOffset));
        PartitionContext context = TopicFolder.Open(Template(disk) with { Incarnation = Guid.Empty }, 1)[0];
        Assert.Equal(Incarnation, context.Incarnation);
        using PartitionWriter writer = PartitionWriter.Open(context);
        Assert.Equal(PartitionState.Serving, writer.Segments.State);
        RecordCollector sink = new();
        Assert.Equal(5, new SegmentReader(disk, writer.Segments, 0).Read(0, ref sink));
        Assert.Equal(
            ["{\"a\"", "", "{\"b\":1}", "{}", "{\"a\":\"나루\"}"], sink.Records.Select(static each => each.Text));
    }

    [Fact]
    public void A_file_of_a_later_format_is_refused_by_name()
    {
        SimulatedDisk disk = new(new Random(1), new FaultCounts(), []);
        disk.CreateDirectory($"{Root}/0");
        byte[] later = Convert.FromHexString(Segment);
        later[12] = 2;
        uint checksum = Naru.Core.Hashing.Crc32C.Of(later.AsSpan(12, 116));
        BitConverter.TryWriteBytes(later.AsSpan(8), checksum);
        Put(disk, "topic.json", Encoding.UTF8.GetBytes(Topic));
        Put(disk, "0/00000000000000000000.seg", later);
        PartitionContext context = TopicFolder.Open(Template(disk), 1)[0];
        StorageException error = Assert.Throws<StorageException>(() => PartitionWriter.Open(context));
        Assert.Contains("format version 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("00000000000000000000.seg", error.Message, StringComparison.Ordinal);
    }

    private static PartitionContext Template(IFileSystem files) => new()
    {
        Files = files,
        Directory = Root,
        Topic = "events",
        Partition = 0,
        Incarnation = Incarnation,
        SegmentBytes = 4096,
        Time = new ManualTimeProvider(),
        Notify = static _ => { },
    };

    private static void Put(SimulatedDisk disk, string name, byte[] bytes)
    {
        using IFile file = disk.Open($"{Root}/{name}", FileOpen.CreateNew);
        file.Write(bytes, 0);
    }

    private static string Hex(SimulatedDisk disk, string name)
    {
        using IFile file = disk.Open($"{Root}/{name}", FileOpen.Read);
        byte[] bytes = new byte[file.Length];
        file.Read(bytes, 0);
        return Convert.ToHexStringLower(bytes);
    }
}
