
using Naru.Core.Topics;
using static Naru.Tests.Topics.TopicTestData;

namespace Naru.Tests.Topics;

public sealed class SegmentTopicLogTests : IDisposable
{
    private readonly string _root = System.IO.Directory.CreateTempSubdirectory("naru-topic-").FullName;

    private string TopicDirectory => Path.Combine(_root, "topics", "events");

    public void Dispose() => System.IO.Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task What_is_acknowledged_is_read_back_in_order_also_after_reopening()
    {
        Dictionary<int, List<(long, string)>> expected = [];
        Guid incarnation;
        await using (SegmentTopicLog log = Open(TopicDirectory))
        {
            incarnation = log.Incarnation;
            for (int i = 0; i < 100; i++)
            {
                AppendResult result = await log.AppendAsync(Batch("s", 1000 + i, $"a{i}", $"b{i}"), default);
                Assert.Equal(2, result.Count);
                expected.TryAdd(result.Partition, []);
                List<(long, string)> list = expected[result.Partition];
                Assert.Equal(list.Count, result.BaseOffset);
                list.Add((result.BaseOffset, $"a{i}"));
                list.Add((result.BaseOffset + 1, $"b{i}"));
            }

            Verify(log);
        }

        await using SegmentTopicLog again = Open(TopicDirectory);
        Assert.Equal(incarnation, again.Incarnation);
        Verify(again);

        void Verify(SegmentTopicLog log)
        {
            foreach ((int partition, List<(long, string)> records) in expected)
            {
                Assert.Equal(records, ReadAll(log, partition));
                Assert.Equal(new PartitionOffsets(0, records.Count), log.Offsets(partition));
            }
        }
    }

    [Fact]
    public async Task Every_attribute_of_a_batch_comes_back_as_it_was_given()
    {
        await using SegmentTopicLog log = Open(TopicDirectory, Small with { Partitions = 1 });
        AppendBatch given = Full();
        AppendResult result = await log.AppendAsync(given, default);
        Compare sink = new(given);
        Assert.Equal(3, log.Read(result.Partition, 0, ref sink));
        Assert.True(sink.IsSame);
    }

    [Fact]
    public async Task Segments_roll_and_reads_cross_them()
    {
        await using SegmentTopicLog log = Open(TopicDirectory, Small with { Partitions = 1 });
        for (int i = 0; i < 40; i++)
        {
            await log.AppendAsync(BatchOf(10_000, i, (byte)('a' + (i % 26))), default);
        }

        PartitionStatus status = Assert.Single(log.Status());
        Assert.InRange(status.Segments, 6, 8);
        Assert.Equal(40, ReadAll(log, 0).Count);
        for (int from = 0; from < 40; from++)
        {
            List<(long Offset, string Text)> read = ReadAll(log, 0, from);
            Assert.Equal(from, read[0].Offset);
            Assert.Equal((char)('a' + (from % 26)), read[0].Text[0]);
            Assert.Equal(40 - from, read.Count);
        }

        Assert.Equal(0, log.OffsetAt(0, -5));
        Assert.Equal(17, log.OffsetAt(0, 17));
        Assert.Equal(40, log.OffsetAt(0, 40));
        Assert.Throws<OffsetOutOfRangeException>(() => ReadAll(log, 0, 41));
    }

    [Fact]
    public async Task A_reader_waits_for_the_durable_end_to_pass_its_offset()
    {
        await using SegmentTopicLog log = Open(TopicDirectory, Small with { Partitions = 1 });
        ValueTask waiting = log.WaitAsync(0, 0, default);
        Assert.False(waiting.IsCompleted);
        await log.AppendAsync(Batch("s", 1, "x"), default);
        await waiting;
        await log.WaitAsync(0, 0, default);
        using CancellationTokenSource cancel = new();
        ValueTask never = log.WaitAsync(0, 1, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await never);
    }

    [Fact]
    public async Task Concurrent_appends_keep_their_offsets_apart_and_dispose_drains_them()
    {
        SegmentTopicLog log = Open(TopicDirectory);
        Task<AppendResult>[] tasks = [.. Enumerable.Range(0, 500).Select(i =>
            Task.Run(async () => await log.AppendAsync(Batch("s", i, $"r{i}"), default)))];
        await Task.WhenAll(tasks);
        Task<AppendResult>[] last =
            [.. Enumerable.Range(500, 100).Select(i => log.AppendAsync(Batch("s", i, $"r{i}"), default).AsTask())];
        await log.DisposeAsync();
        await Task.WhenAll(last);
        await Assert.ThrowsAsync<TopicUnavailableException>(
            async () => await log.AppendAsync(Batch("s", 1, "x"), default));
        await using SegmentTopicLog again = Open(TopicDirectory);
        List<(long Offset, string Text)>[] read = [ReadAll(again, 0), ReadAll(again, 1)];
        Assert.Equal(600, read[0].Count + read[1].Count);
        for (int i = 0; i < 600; i++)
        {
            AppendResult result = await (i < 500 ? tasks[i] : last[i - 500]);
            Assert.Equal($"r{i}", read[result.Partition][(int)result.BaseOffset].Text);
        }
    }

    [Fact]
    public async Task Retention_deletes_whole_old_segments_and_never_past_what_is_kept()
    {
        TopicOptions options = Small with { Partitions = 1, RetentionTime = TimeSpan.FromDays(1) };
        await using SegmentTopicLog log = Open(TopicDirectory, options);
        for (int i = 0; i < 30; i++)
        {
            await log.AppendAsync(BatchOf(10_000, i), default);
        }

        log.ApplyRetention([0]);
        Assert.Equal(0, log.Offsets(0).First);
        log.ApplyRetention([13]);
        Assert.InRange(log.Offsets(0).First, 6, 13);
        log.ApplyRetention([30]);
        await log.WaitAsync(0, 29, default);
        long first = log.Offsets(0).First;
        Assert.Throws<OffsetOutOfRangeException>(() => ReadAll(log, 0, first - 1));
        Assert.Equal(30 - first, ReadAll(log, 0, first).Count);
    }

    [Fact]
    public async Task A_batch_that_breaks_the_contract_is_refused_by_name()
    {
        await using SegmentTopicLog log = Open(TopicDirectory);
        AppendBatch wrong =
            new() { Header = default, Sender = default, Lengths = new[] { 3 }, Body = "ab"u8.ToArray() };
        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(
            async () => await log.AppendAsync(wrong, default));
        Assert.Contains("lengths", error.Message, StringComparison.Ordinal);
    }

    private struct Compare(AppendBatch given) : IBatchSink
    {
        public bool IsSame { get; private set; }

        public bool Take(in TopicBatch batch)
        {
            IsSame = batch.Header == given.Header
                && batch.Sender.SequenceEqual(given.Sender.Span)
                && batch.Message.SequenceEqual(given.Message.Span)
                && batch.Lengths.SequenceEqual(given.Lengths.Span)
                && batch.Indexes.SequenceEqual(given.Indexes.Span)
                && batch.Origins.SequenceEqual(given.Origins.Span)
                && batch.Body.SequenceEqual(given.Body.Span)
                && batch.IndexOf(1) == 9;
            return true;
        }
    }
}
