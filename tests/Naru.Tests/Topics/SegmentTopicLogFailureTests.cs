using System.Collections.Concurrent;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Sim;
using Naru.Sim.Disk;
using static Naru.Tests.Topics.TopicTestData;

namespace Naru.Tests.Topics;

public sealed class SegmentTopicLogFailureTests : IDisposable
{
    private readonly string _root = System.IO.Directory.CreateTempSubdirectory("naru-topic-").FullName;
    private readonly HookedFileSystem _files = new(new PosixFileSystem());
    private readonly ManualTimeProvider _time = new();
    private readonly ConcurrentQueue<TopicNotice> _notices = [];

    private string TopicDirectory => Path.Combine(_root, "events");

    public void Dispose() => System.IO.Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Appends_that_queue_up_while_a_sync_runs_share_the_next_one()
    {
        using ManualResetEventSlim hold = new(false);
        int syncs = 0;
        await using SegmentTopicLog log = OpenLog(1);
        _files.Before = (call, path, _) =>
        {
            if (call == DiskCall.Sync && path.EndsWith(".seg", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref syncs);
                hold.Wait();
            }
        };
        Task<AppendResult> first = log.AppendAsync(Batch("s", 1, "first"), default).AsTask();
        SpinWait.SpinUntil(() => Volatile.Read(ref syncs) == 1);
        Task<AppendResult>[] queued =
            [.. Enumerable.Range(0, 200).Select(i => log.AppendAsync(Batch("s", i, $"{i}"), default).AsTask())];
        Assert.False(first.IsCompleted);
        Assert.Equal(new PartitionOffsets(0, 0), log.Offsets(0));
        hold.Set();
        await Task.WhenAll(queued);
        Assert.Equal(2, syncs);
        Assert.Equal(201, log.Offsets(0).Durable);
    }

    [Theory]
    [InlineData(DiskCall.Sync, StorageFault.Io)]
    [InlineData(DiskCall.Sync, StorageFault.NoSpace)]
    [InlineData(DiskCall.Write, StorageFault.Io)]
    [InlineData(DiskCall.Write, StorageFault.NoSpace)]
    public async Task After_a_failed_write_or_sync_nothing_succeeds_until_the_durable_prefix_lies_in_a_new_file(
        DiskCall failing, StorageFault fault)
    {
        await using SegmentTopicLog log = OpenLog(2);
        for (int i = 0; i < 20; i++)
        {
            await log.AppendAsync(Batch("s", i, $"before{i}"), default);
        }

        int ill = 1;
        int failedHandle = 0;
        bool isFailedHandleSynced = false;
        _files.Before = (call, path, handle) =>
        {
            isFailedHandleSynced |= call == DiskCall.Sync && handle == failedHandle && handle != 0;
            bool isSegment = path.EndsWith(".seg", StringComparison.Ordinal);
            if (Volatile.Read(ref ill) == 1 && isSegment && call == failing)
            {
                Interlocked.CompareExchange(ref failedHandle, handle, 0);
                throw HookedFileSystem.Error(fault, path);
            }

            // recovery needs these: while the disk is ill it cannot end
            if (Volatile.Read(ref ill) == 1 && call is DiskCall.Create or DiskCall.Sync)
            {
                throw HookedFileSystem.Error(fault, path);
            }
        };
        await Assert.ThrowsAsync<TopicUnavailableException>(
            async () => await log.AppendAsync(Batch("s", 1, "lost"), default));
        for (int i = 0; i < 20; i++)
        {
            TopicUnavailableException refused = await Assert.ThrowsAsync<TopicUnavailableException>(
                async () => await log.AppendAsync(Batch("s", 1, "refused"), default));
            Assert.InRange(refused.RetryAfterSeconds, 1, 30);
        }

        Assert.Contains(log.Status(), static each => each.State == PartitionState.Recovering);
        Volatile.Write(ref ill, 0);
        SpinWait.SpinUntil(() => log.Status().All(static each => each.State == PartitionState.Serving), 10_000);
        AppendResult result = await log.AppendAsync(Batch("s", 1, "after"), default);
        Assert.False(isFailedHandleSynced);
        string[] texts = [.. ReadAll(log, 0).Concat(ReadAll(log, 1)).Select(static each => each.Text)];
        Assert.Equal(21, texts.Length);
        Assert.Equal("after", ReadAll(log, result.Partition)[^1].Text);
        Assert.Contains(
            _notices, notice => notice.Level == TopicNoticeLevel.Error && notice.Message.Contains("injected"));
    }

    [Fact]
    public async Task Below_the_disk_reserve_nothing_is_accepted_and_it_is_taken_again_when_space_returns()
    {
        _files.Free = 100_000;
        await using SegmentTopicLog log = OpenLog(1, Small with { DiskReserve = 50_000 });
        await log.AppendAsync(BatchOf(30_000, 1), default);
        TopicUnavailableException refused = await Assert.ThrowsAsync<TopicUnavailableException>(
            async () => await log.AppendAsync(BatchOf(30_000, 1), default));
        Assert.Contains("reserve", refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, log.Offsets(0).Durable);
        _files.Free = 200_000;
        _time.Advance(TimeSpan.FromSeconds(1));
        await log.AppendAsync(BatchOf(30_000, 1), default);
    }

    [Fact]
    public async Task Bytes_in_flight_are_bounded()
    {
        using ManualResetEventSlim hold = new(false);
        await using SegmentTopicLog log = OpenLog(1, Small with { InFlightBytes = 2 << 20 });
        _files.Before = (call, path, _) =>
        {
            if (call == DiskCall.Sync && path.EndsWith(".seg", StringComparison.Ordinal))
            {
                hold.Wait();
            }
        };
        Task<AppendResult>[] taken =
            [.. Enumerable.Range(0, 2).Select(_ => log.AppendAsync(BatchOf(1_000_000, 1), default).AsTask())];
        TopicUnavailableException refused = await Assert.ThrowsAsync<TopicUnavailableException>(
            async () => await log.AppendAsync(BatchOf(200_000, 1), default));
        Assert.Contains("in_flight_bytes", refused.Message, StringComparison.Ordinal);
        hold.Set();
        await Task.WhenAll(taken);
        await log.AppendAsync(BatchOf(200_000, 1), default);
    }

    [Fact]
    public async Task Opening_reads_only_the_last_segment_whole()
    {
        await using (SegmentTopicLog log = OpenLog(1))
        {
            for (int i = 0; i < 100; i++)
            {
                await log.AppendAsync(BatchOf(20_000, i), default);
            }
        }

        Dictionary<string, long> read = [];
        _files.OnRead = (path, bytes) => read[path] = read.GetValueOrDefault(path) + bytes;
        await using SegmentTopicLog again = OpenLog(1);
        string[] segments =
            [.. read.Keys.Where(static path => path.EndsWith(".seg", StringComparison.Ordinal)).Order()];
        Assert.InRange(segments.Length, 30, 40);
        Assert.All(segments[..^1], segment => Assert.InRange(read[segment], 1, 4096));
        Assert.Equal(100, ReadAll(again, 0).Count);
    }

    [Fact]
    public async Task A_small_volume_that_fills_up_refuses_and_resumes_with_nothing_lost()
    {
        Assert.SkipUnless(Environment.UserName == "root", "needs root to mount a tmpfs");
        string mount = Path.Combine(_root, "volume");
        System.IO.Directory.CreateDirectory(mount);
        bool isMounted = RunTool("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mount) == 0;
        Assert.SkipUnless(isMounted, "cannot mount a tmpfs here");
        try
        {
            await FillAndResume(mount);
        }
        finally
        {
            RunTool("umount", mount);
        }
    }

    private async Task FillAndResume(string mount)
    {
        TopicOptions options = Small with { Partitions = 1, SegmentBytes = 256 << 10 };
        string ballast = Path.Combine(mount, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[5 << 20]);
        await using SegmentTopicLog log = SegmentTopicLog.Open(
            new PosixFileSystem(), Path.Combine(mount, "events"), options, TimeProvider.System, _notices.Enqueue);
        int acknowledged = 0;
        int refused = 0;
        while (refused == 0)
        {
            try
            {
                await log.AppendAsync(BatchOf(9_000, acknowledged, (byte)acknowledged), default);
                acknowledged++;
            }
            catch (TopicUnavailableException)
            {
                refused++;
            }
        }

        File.Delete(ballast);
        SpinWait.SpinUntil(() => log.Status()[0].State == PartitionState.Serving, 10_000);
        await log.AppendAsync(BatchOf(9_000, 1), default);
        Assert.InRange(acknowledged, 100, 400);
        Assert.Equal(acknowledged + 1, log.Offsets(0).Durable);
        List<(long Offset, string Text)> read = ReadAll(log, 0);
        Assert.Equal(acknowledged + 1, read.Count);
        Assert.Contains(_notices, static notice => notice.Level == TopicNoticeLevel.Error);
    }

    private SegmentTopicLog OpenLog(int partitions, TopicOptions? options = null) => SegmentTopicLog.Open(
        _files, TopicDirectory, (options ?? Small) with { Partitions = partitions }, _time, _notices.Enqueue);

    private static int RunTool(string name, params string[] arguments)
    {
        using System.Diagnostics.Process process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo(name, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
