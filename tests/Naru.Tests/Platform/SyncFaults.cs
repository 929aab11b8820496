using System.Diagnostics;
using System.Globalization;

namespace Naru.Tests.Platform;

/// <summary>
/// The kernel's answers to fsync and fdatasync of a running process, made errors by strace: from each thread's k-th
/// call on, until <see cref="EndAsync"/>. No call that is answered so reaches the disk.
/// </summary>
internal sealed class SyncFaults : IAsyncDisposable
{
    private readonly Process _strace;
    private readonly string _trace;

    private SyncFaults(Process strace, string trace)
    {
        _strace = strace;
        _trace = trace;
    }

    /// <summary>Returns when every thread of the process is held.</summary>
    public static async Task<SyncFaults> BeginAsync(int process, string error, int first)
    {
        string trace = Path.GetTempFileName();
        string inject = string.Create(CultureInfo.InvariantCulture, $"fsync,fdatasync:error={error}:when={first}+");
        ProcessStartInfo info = new(
            Prerequisite.Strace(),
            ["-f", "-ttt", "-o", trace, "-e", "trace=fsync,fdatasync", "-e", $"inject={inject}", "-p", $"{process}"])
        {
            RedirectStandardError = true,
        };
        Process strace = Process.Start(info)!;
        string? line;
        do
        {
            line = await strace.StandardError.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
            Prerequisite.Need(
                line?.Contains("not permitted", StringComparison.Ordinal) is false, $"strace cannot attach: {line}");
        }
        while (!line!.Contains("attached", StringComparison.Ordinal));
        _ = strace.StandardError.ReadToEndAsync();
        return new SyncFaults(strace, trace);
    }

    /// <summary>Lets go of the process; the times of the calls that were answered with the error.</summary>
    public async Task<IReadOnlyList<DateTime>> EndAsync()
    {
        Signals.Send(_strace.Id, Signals.Interrupt);
        await _strace.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return
        [
            .. File.ReadLines(_trace)
                .Where(static line => line.EndsWith("(INJECTED)", StringComparison.Ordinal))
                .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1])
                .Select(static time => DateTime.UnixEpoch.AddSeconds(
                    double.Parse(time, CultureInfo.InvariantCulture))),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        if (!_strace.HasExited)
        {
            await EndAsync();
        }

        _strace.Dispose();
        File.Delete(_trace);
    }
}
