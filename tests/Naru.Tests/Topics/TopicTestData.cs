using System.Text;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Topics;

namespace Naru.Tests.Topics;

/// <summary>Batches and readers for tests of topics.</summary>
internal static class TopicTestData
{
    public static AppendBatch Batch(string sender, long received, params string[] records)
    {
        byte[] body = Encoding.UTF8.GetBytes(string.Concat(records));
        return new AppendBatch
        {
            Header = new BatchHeader
            {
                LogId = 7,
                LogVersion = 3,
                ReceivedMicroseconds = received,
                KeyHigh = 1,
                KeyLow = 2,
            },
            Sender = Encoding.UTF8.GetBytes(sender),
            Lengths = records.Select(Encoding.UTF8.GetByteCount).ToArray(),
            Body = body,
        };
    }

    public static AppendBatch BatchOf(int bodyBytes, long received, byte fill = (byte)'x')
    {
        byte[] body = new byte[bodyBytes];
        body.AsSpan().Fill(fill);
        return new AppendBatch
        {
            Header = new BatchHeader { LogId = 1, LogVersion = 1, ReceivedMicroseconds = received },
            Sender = "test/host"u8.ToArray(),
            Lengths = new[] { bodyBytes },
            Body = body,
        };
    }

    public static AppendBatch Full(long received = 1_700_000_000_000_000) => new()
    {
        Header = new BatchHeader
        {
            Flags = BatchFlags.Indexed | BatchFlags.Replay | BatchFlags.Rejected,
            LogId = 0x01020304,
            LogVersion = 9,
            Reason = (RejectReason)3,
            ReceivedMicroseconds = received,
            KeyHigh = 0x1122334455667788,
            KeyLow = 0x99AABBCCDDEEFF00,
            FirstIndex = 5,
        },
        Sender = "app/phone"u8.ToArray(),
        Message = "bad at $.a"u8.ToArray(),
        Lengths = new[] { 4, 0, 7 },
        Indexes = new[] { 5, 9, 11 },
        Origins = new[]
        {
            new RecordOrigin(new EventId(1, 2), 3, 4, 5),
            new RecordOrigin(new EventId(6, 7), 8, 9, 10),
            new RecordOrigin(new EventId(ulong.MaxValue, 0), long.MaxValue, 63, long.MaxValue),
        },
        Body = "{\"a\"{\"b\":1}"u8.ToArray(),
    };

    public static TopicOptions Small => new() { SegmentBytes = 64 << 10, DiskReserve = 0 };

    public static SegmentTopicLog Open(string directory, TopicOptions? options = null, IFileSystem? files = null) =>
        SegmentTopicLog.Open(
            files ?? new PosixFileSystem(), directory, options ?? Small, TimeProvider.System, static _ => { });

    /// <summary>All records of a partition from an offset on, as text, with the offset of each.</summary>
    public static List<(long Offset, string Text)> ReadAll(ITopicLog log, int partition, long from = 0)
    {
        RecordCollector sink = new();
        log.Read(partition, from, ref sink);
        return sink.Records;
    }

    public struct RecordCollector() : IBatchSink
    {
        public List<(long Offset, string Text)> Records { get; } = [];

        public readonly bool Take(in TopicBatch batch)
        {
            int at = 0;
            for (int i = 0; i < batch.Count; i++)
            {
                Records.Add((batch.BaseOffset + i, Encoding.UTF8.GetString(batch.Body.Slice(at, batch.Lengths[i]))));
                at += batch.Lengths[i];
            }

            return true;
        }
    }
}
