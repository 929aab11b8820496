using System.Runtime.InteropServices;

namespace Naru.Query.Sandbox;

/// <summary>What a worker puts on itself in its first lines, before anybody's SQL reaches it.</summary>
internal static class WorkerConfinement
{
    private const nint IgnoreSignal = 1;
    private const ulong OpenFilesMax = 8192;

    /// <summary>
    /// Limits of memory (RLIMIT_DATA: .NET reserves more address space than RLIMIT_AS could allow), of a spill file's
    /// size and of open files; no core dump, no look into the process from outside; then the seccomp filter.
    /// </summary>
    public static void Enter(long dataBytesMax, long fileBytesMax)
    {
        SetLimit(Libc.LimitData, (ulong)dataBytesMax);
        SetLimit(Libc.LimitFileSize, (ulong)fileBytesMax);
        SetLimit(Libc.LimitCore, 0);
        SetLimit(Libc.LimitOpenFiles, OpenFilesMax);

        // A spill file that reaches its limit is then an error of that write, not the end of the worker.
        _ = Libc.HandleSignal(Libc.FileSizeSignal, IgnoreSignal);
        if (Libc.Control(Libc.SetDumpable, 0, 0, 0, 0) != 0)
        {
            throw new SandboxException("prctl", Marshal.GetLastPInvokeError());
        }

        if (Libc.Control(Libc.SetNoNewPrivileges, 1, 0, 0, 0) != 0)
        {
            throw new SandboxException("prctl", Marshal.GetLastPInvokeError());
        }

        SeccompFilter.Install();
    }

    private static void SetLimit(int resource, ulong most)
    {
        // A limit that is lower already (of the service that started the server) stays.
        Libc.Limit limit = new() { Soft = most, Hard = most };
        if (Libc.SetLimit(resource, limit) != 0 && Marshal.GetLastPInvokeError() != Libc.NotPermittedError)
        {
            throw new SandboxException("setrlimit", Marshal.GetLastPInvokeError());
        }
    }
}
