using System.Buffers.Text;
using Naru.Query.Sandbox;

namespace Naru.Query.Worker;

/// <summary>
/// Tells the server what a run uses while it runs, so that budgets hold in the middle of a query and not only after it.
/// The process runs one query at a time, so what the process uses is the query's.
/// </summary>
internal sealed class UsageMeter : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly WorkerChannel _channel;
    private readonly Lock _gate = new();
    private readonly Timer _timer;

    // Opened before the run narrows its thread to its own files.
    private readonly int _io = Libc.Open("/proc/self/io", Libc.OpenCloseOnExec);
    private readonly int _status = Libc.Open("/proc/self/status", Libc.OpenCloseOnExec);
    private readonly double _cpuBefore = CpuMilliseconds();
    private readonly long _readBefore;
    private readonly long _highestBefore;
    private long _peak;
    private bool _over;

    public UsageMeter(WorkerChannel channel)
    {
        _channel = channel;
        _readBefore = ReadBytes();
        _highestBefore = Resident("VmHWM:"u8);
        _peak = Resident("VmRSS:"u8);
        _timer = new Timer(_ => Tell(), null, Period, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Tells the last figures; none come after them.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _over = true;
            Write();
        }

        _timer.Dispose();
        _ = Libc.Close(_io);
        _ = Libc.Close(_status);
    }

    private void Tell()
    {
        lock (_gate)
        {
            if (!_over)
            {
                Write();
                _timer.Change(Period, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Write()
    {
        // The kernel's own high-water mark is this query's only where it moved since the query began.
        long highest = Resident("VmHWM:"u8);
        _peak = Math.Max(_peak, highest > _highestBefore ? highest : Resident("VmRSS:"u8));
        WorkerUsage usage = new(CpuMilliseconds() - _cpuBefore, ReadBytes() - _readBefore, _peak);
        _channel.Write(FrameKind.Usage, usage, WorkerJson.Default.WorkerUsage);
    }

    private static double CpuMilliseconds() => Environment.CpuUsage.TotalTime.TotalMilliseconds;

    private long ReadBytes() => Number(_io, "rchar:"u8);

    private long Resident(ReadOnlySpan<byte> name) => Number(_status, name) * 1024;

    /// <summary>The first number after a name in one of the kernel's short texts; 0 where it is not told.</summary>
    private static unsafe long Number(int file, ReadOnlySpan<byte> name)
    {
        Span<byte> text = stackalloc byte[4096];
        nint length;
        fixed (byte* start = text)
        {
            length = Libc.ReadAt(file, start, (nuint)text.Length, 0);
        }

        text = text[..(int)Math.Max(0, length)];
        int at = text.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(text[(at + name.Length)..].TrimStart(" \t"u8), out long value, out _)
            ? value
            : 0;
    }
}
