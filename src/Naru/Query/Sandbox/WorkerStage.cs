using System.Runtime.InteropServices;
using System.Text;

namespace Naru.Query.Sandbox;

/// <summary>
/// The first stage of a worker. Privileges (no_new_privs, capabilities, Landlock) belong to a thread, and a .NET
/// process has many of them before its first line runs; so this stage confines its main thread alone and then executes
/// the same program again on it: the worker proper is confined from its first instruction, with all its threads. The
/// process keeps its id, so a rule for its own folder in /proc still holds (the runtime reads its stack's bounds
/// there).
/// </summary>
internal static unsafe class WorkerStage
{
    private const int LastCapability = 63;

    /// <summary>
    /// Only of the machine itself and of the worker, and only to read: runtime and engine size themselves by them.
    /// DuckDB ends the process when its own control group is named but cannot be read.
    /// </summary>
    private static readonly string[] MachineFiles =
    [
        "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup", "/proc/self", "/proc/meminfo",
        "/proc/sys/vm/overcommit_memory", "/dev/urandom", "/usr/share/zoneinfo",
    ];

    /// <summary>
    /// Confines the calling thread, the process's main one, and replaces the process. Returns only on failure.
    /// </summary>
    public static SandboxException Enter(WorkerProgram program, WorkerGrants grants)
    {
        using Landlock rules = Landlock.Create();
        foreach (string folder in program.Folders)
        {
            rules.TryAllow(folder, PathAccess.Run);
        }

        foreach (string path in MachineFiles.Concat(grants.Readable))
        {
            rules.TryAllow(path, PathAccess.Read);
        }

        foreach (string path in grants.Outside)
        {
            rules.TryAllowExactly(path, PathAccess.Read);
        }

        rules.TryAllow("/dev/null", PathAccess.ReadFile | PathAccess.WriteFile);
        rules.TryAllow(grants.SpillFolder, PathAccess.Spill);
        if (Libc.Control(Libc.SetNoNewPrivileges, 1, 0, 0, 0) != 0)
        {
            return new SandboxException("prctl", Marshal.GetLastPInvokeError());
        }

        // Only a server that runs as root has any; a failure means that there was nothing to drop.
        for (nuint capability = 0; capability <= LastCapability; capability++)
        {
            _ = Libc.Control(Libc.DropFromBoundingSet, capability, 0, 0, 0);
        }

        _ = Libc.Control(Libc.AmbientCapabilities, Libc.ClearAllAmbient, 0, 0, 0);
        // Threads inherit it; a server that may not lower itself further has nothing to lose.
        _ = Libc.SetPriority(Libc.PriorityOfProcess, 0, grants.Niceness);
        byte* executable = Text(program.Executable);
        byte** arguments = Texts([program.Executable, .. program.Arguments]);
        byte** environment = Texts(program.Environment);
        rules.RestrictThread();
        _ = Libc.Execute(executable, arguments, environment);
        return new SandboxException("execve", Marshal.GetLastPInvokeError());
    }

    // Nothing of this is freed: the process is replaced.
    private static byte* Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        byte* block = (byte*)NativeMemory.AllocZeroed((nuint)bytes.Length + 1);
        bytes.CopyTo(new Span<byte>(block, bytes.Length));
        return block;
    }

    private static byte** Texts(IReadOnlyList<string> texts)
    {
        byte** block = (byte**)NativeMemory.AllocZeroed((nuint)((texts.Count + 1) * sizeof(byte*)));
        for (int i = 0; i < texts.Count; i++)
        {
            block[i] = Text(texts[i]);
        }

        return block;
    }
}

/// <summary>
/// What the worker may see beside its own program: the lake and the tail to read, one folder to write.
/// </summary>
internal sealed record WorkerGrants(IReadOnlyList<string> Readable, string SpillFolder, int Niceness)
{
    /// <summary>Folders of files of others.</summary>
    public IReadOnlyList<string> Outside { get; init; } = [];
}
