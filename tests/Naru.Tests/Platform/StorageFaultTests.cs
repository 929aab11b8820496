using System.Diagnostics;

namespace Naru.Tests.Platform;

/// <summary>
/// The whole platform on a disk that fails: the kernel answers errors to its syncs, its volume is full, it is asked to
/// end under load. What was acknowledged is there afterwards, and the process never needs a restart.
/// </summary>
[Trait("Size", "Slow")]
public sealed class StorageFaultTests(ITestOutputHelper output)
{
    /// <summary>Requests while the disk is ill.</summary>
    private const int RefusedMin = 100;

    private static readonly TimeSpan Reached = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Refusal = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task No_event_is_accepted_after_a_failed_sync_until_syncs_work_again()
    {
        Prerequisite.Strace();
        using PlatformProject project = new(TickLoad.Log);
        TickLoad load = new();
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(project.Root))
        {
            using CancellationTokenSource stop = new();
            Task sending = load.RunAsync(platform, stop.Token);
            foreach ((string error, int first) in ((string, int)[])
                [("EIO", 1), ("ENOSPC", 2), ("EIO", 3), ("ENOSPC", 5), ("EIO", 13)])
            {
                await FailSyncsAsync(platform, load, error, first);
            }

            await stop.CancelAsync();
            await sending;
            Assert.False(platform.Ended, platform.Output);
        }

        await using PlatformProcess last = await PlatformProcess.StartAsync(project.Root);
        await load.VerifyAsync(last);
        output.WriteLine($"{load.Acknowledged} events acknowledged, {load.Answers.Count()} answers");
    }

    [Theory]
    [InlineData("2MB")]
    [InlineData("0B")]
    public async Task A_full_disk_refuses_with_Retry_After_and_space_brings_everything_back(string reserve)
    {
        using PlatformProject project = new(TickLoad.Log);
        await using Volume volume = await Volume.MountAsync(Path.Combine(project.Root, "data"), "32m");
        File.AppendAllText(
            Path.Combine(project.Root, "naru.yaml"), $"topics:\n  disk_reserve: {reserve}\n  segment_bytes: 1MB\n");
        TickLoad load = new();
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(project.Root))
        {
            using CancellationTokenSource stop = new();
            Task sending = load.RunAsync(platform, stop.Token);
            for (int round = 0; round < 2; round++)
            {
                await load.NextAsync(static answer => answer.IsAccepted, Recovery);
                volume.Fill();
                TickAnswer refused = await load.NextAsync(static answer => !answer.IsAccepted, Refusal);
                await load.MoreAsync(RefusedMin, Refusal);
                Assert.False(platform.Ended, platform.Output);
                Assert.Equal(200, await StatusAsync(platform, "/live"));
                Assert.All(
                    load.Answers.Where(answer => answer.Ended >= refused.Ended && !answer.IsAccepted),
                    static answer => Assert.True(answer is { Status: 503, RetryAfter.TotalSeconds: > 0 }, $"{answer}"));
                volume.Free();
                await RecoverAsync(platform, load);
            }

            await stop.CancelAsync();
            await sending;
            await load.VerifyAsync(platform);
            await platform.StopAsync();
        }

        await using PlatformProcess last = await PlatformProcess.StartAsync(project.Root);
        await load.VerifyAsync(last);
        output.WriteLine($"{load.Acknowledged} events acknowledged, {load.Answers.Count()} answers");
    }

    [Fact]
    public async Task SIGTERM_answers_what_is_in_flight_and_keeps_what_was_accepted()
    {
        using PlatformProject project = new(TickLoad.Log);
        TickLoad load = new();
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(project.Root))
        {
            using CancellationTokenSource stop = new();
            Task sending = load.RunAsync(platform, stop.Token);
            for (int i = 0; i < 200; i++)
            {
                await load.NextAsync(static answer => answer.IsAccepted, Recovery);
            }

            DateTime asked = DateTime.UtcNow;
            await platform.StopAsync();
            await stop.CancelAsync();
            await sending;
            Assert.Equal(0, platform.ExitCode);

            // What began at the last moment may not have reached the server before it stopped to listen.
            Assert.DoesNotContain(load.Answers, answer => answer.Began < asked - Reached && answer.Status == 0);
            int inFlight = load.Answers.Count(answer => answer.Began < asked && answer.Ended > asked);
            output.WriteLine($"{inFlight} requests in flight, {load.Acknowledged} events acknowledged");
        }

        await using PlatformProcess last = await PlatformProcess.StartAsync(project.Root);
        await load.VerifyAsync(last);
    }

    [Fact]
    public async Task SIGTERM_ends_a_platform_whose_disk_fails()
    {
        Prerequisite.Strace();
        using PlatformProject project = new(TickLoad.Log);
        TickLoad load = new();
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(project.Root))
        {
            using CancellationTokenSource stop = new();
            Task sending = load.RunAsync(platform, stop.Token);
            await load.NextAsync(static answer => answer.IsAccepted, Recovery);
            await using (SyncFaults faults = await SyncFaults.BeginAsync(platform.Id, "EIO", 1))
            {
                await load.NextAsync(static answer => answer.Status == 503, Refusal);
                await platform.StopAsync();
            }

            await stop.CancelAsync();
            await sending;
            Assert.Equal(0, platform.ExitCode);
        }

        await using PlatformProcess last = await PlatformProcess.StartAsync(project.Root);
        await load.VerifyAsync(last);
    }

    [Fact]
    public async Task A_platform_that_cannot_sync_does_not_start_and_says_why()
    {
        using PlatformProject project = new(TickLoad.Log);
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(
            () => PlatformProcess.StartAsync(
                project.Root,
                Prerequisite.Strace(), "-f", "-o", "/dev/null", "-e", "inject=fsync,fdatasync:error=EIO"));
        Assert.Contains("cannot sync", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("the disk reports an error", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>From each thread's k-th sync on the kernel answers the error; then it is well again.</summary>
    private async Task FailSyncsAsync(PlatformProcess platform, TickLoad load, string error, int first)
    {
        await load.NextAsync(static answer => answer.IsAccepted, Recovery);
        await using SyncFaults faults = await SyncFaults.BeginAsync(platform.Id, error, first);
        TickAnswer refused = await load.NextAsync(static answer => !answer.IsAccepted, Refusal);
        Assert.Equal(503, await StatusAsync(platform, "/ready"));
        Assert.Equal(200, await StatusAsync(platform, "/live"));
        await load.MoreAsync(RefusedMin, Refusal);
        Assert.Equal(503, await StatusAsync(platform, "/ready"));
        DateTime ended = DateTime.UtcNow;
        IReadOnlyList<DateTime> failed = await faults.EndAsync();

        Assert.NotEmpty(failed);
        TickAnswer[] after =
            [.. load.Answers.Where(answer => answer.Began > refused.Ended && answer.Ended < ended)];
        Assert.NotEmpty(after);
        Assert.All(
            after, static answer => Assert.True(answer is { Status: 503, RetryAfter.TotalSeconds: > 0 }, $"{answer}"));

        Assert.False(platform.Ended, platform.Output);
        TimeSpan recovery = await RecoverAsync(platform, load);
        output.WriteLine(
            $"{error} from sync {first} on: {failed.Count} failed, {after.Length} refused,"
            + $" well after {recovery.TotalSeconds:F1} s");
    }

    private static async Task<TimeSpan> RecoverAsync(PlatformProcess platform, TickLoad load)
    {
        Stopwatch watch = Stopwatch.StartNew();
        await load.NextAsync(static answer => answer.IsAccepted, Recovery);
        await Wait.ForAsync(
            async () => await StatusAsync(platform, "/ready") == 200,
            Recovery - watch.Elapsed,
            () => $"not ready\n{platform.Output}");
        return watch.Elapsed;
    }

    private static async Task<int> StatusAsync(PlatformProcess platform, string path)
    {
        using HttpResponseMessage response = await platform.Http.GetAsync(path);
        return (int)response.StatusCode;
    }

    /// <summary>A small disk of its own, and a file that fills it.</summary>
    private sealed class Volume : IAsyncDisposable
    {
        private const int NoSpace = 28;
        private readonly string _folder;

        private Volume(string folder) => _folder = folder;

        private string Ballast => Path.Combine(_folder, "ballast");

        public static async Task<Volume> MountAsync(string folder, string size)
        {
            Directory.CreateDirectory(folder);
            int exit = Environment.UserName == "root"
                ? await RunAsync("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder)
                : -1;
            Prerequisite.Need(exit == 0, "needs the right to mount a tmpfs");
            return new Volume(folder);
        }

        public void Fill()
        {
            using FileStream file = new(Ballast, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
            byte[] zeros = new byte[4096];
            try
            {
                while (true)
                {
                    file.Write(zeros);
                }
            }
            catch (IOException exception) when ((exception.HResult & 0xFFFF) == NoSpace)
            {
                // full
            }
        }

        public void Free() => File.Delete(Ballast);

        public async ValueTask DisposeAsync() => await RunAsync("umount", "-l", _folder);

        private static async Task<int> RunAsync(string program, params string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments))!;
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
    }
}
