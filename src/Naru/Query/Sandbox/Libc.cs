using System.Runtime.InteropServices;
using System.Text;

namespace Naru.Query.Sandbox;

/// <summary>
/// The calls that make and confine a worker. All arguments are blittable, so that a call on a confined thread runs no
/// managed code that could need a file. Constants: Linux, the same on x64 and arm64 unless named.
/// </summary>
internal static unsafe partial class Libc
{
    private const string Name = "libc";

    internal const int InterruptedError = 4;
    internal const int NoSuchSystemCallError = 38;
    internal const int NotPermittedError = 1;

    internal const int KillSignal = 9;
    internal const int FileSizeSignal = 25;

    internal const int OpenPath = 0x200000;
    internal const int OpenCloseOnExec = 0x80000;

    internal const int UnixFamily = 1;
    internal const int StreamSocket = 1;
    internal const int SocketCloseOnExec = 0x80000;

    internal const int SetDumpable = 4;
    internal const int DropFromBoundingSet = 24;
    internal const int SetNoNewPrivileges = 38;
    internal const int AmbientCapabilities = 47;
    internal const int ClearAllAmbient = 4;

    internal const int PriorityOfProcess = 0;

    internal const int LimitFileSize = 1;
    internal const int LimitData = 2;
    internal const int LimitCore = 4;
    internal const int LimitOpenFiles = 7;

    [StructLayout(LayoutKind.Sequential)]
    internal struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport(Name, EntryPoint = "prctl", SetLastError = true)]
    internal static partial int Control(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint SystemCall(nint number, nint a, nint b, nint c, nint d);

    [LibraryImport(Name, EntryPoint = "setrlimit", SetLastError = true)]
    internal static partial int SetLimit(int resource, in Limit limit);

    [LibraryImport(Name, EntryPoint = "setpriority", SetLastError = true)]
    internal static partial int SetPriority(int which, int who, int priority);

    [LibraryImport(Name, EntryPoint = "getpid")]
    internal static partial int ProcessId();

    [LibraryImport(Name, EntryPoint = "getppid")]
    internal static partial int ParentProcessId();

    [LibraryImport(Name, EntryPoint = "socket", SetLastError = true)]
    internal static partial int Socket(int family, int type, int protocol);

    [LibraryImport(Name, EntryPoint = "ptrace", SetLastError = true)]
    internal static partial nint Trace(int request, int processId, nint address, nint data);

    [LibraryImport(Name, EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ChangeMode(string path, uint mode);

    [LibraryImport(Name, EntryPoint = "kill", SetLastError = true)]
    internal static partial int Kill(int processId, int signal);

    [LibraryImport(Name, EntryPoint = "waitpid", SetLastError = true)]
    internal static partial int Wait(int processId, int* status, int options);

    [LibraryImport(Name, EntryPoint = "signal", SetLastError = true)]
    internal static partial nint HandleSignal(int signal, nint handler);

    [LibraryImport(Name, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    /// <summary>openat2 (5.6), to name a path and not to read it; -1 where a part of it is a link.</summary>
    internal static int OpenWithoutLinks(string path)
    {
        const int OpenAt2 = 437;
        const int CurrentFolder = -100;
        const ulong NoLinks = 6;
        ulong* how = stackalloc ulong[3] { OpenPath | OpenCloseOnExec, 0, NoLinks };
        byte[] text = Encoding.UTF8.GetBytes(path + "\0");
        fixed (byte* name = text)
        {
            return (int)SystemCall(OpenAt2, CurrentFolder, (nint)name, (nint)how, 3 * sizeof(ulong));
        }
    }

    [LibraryImport(Name, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Status(int folder, string path, int flags, uint wanted, byte* status);

    [LibraryImport(Name, EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial byte* RealPath(string path, byte* resolved);

    [LibraryImport(Name, EntryPoint = "close")]
    internal static partial int Close(int descriptor);

    [LibraryImport(Name, EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(int descriptor, byte* buffer, nuint bytes);

    [LibraryImport(Name, EntryPoint = "pread", SetLastError = true)]
    internal static partial nint ReadAt(int descriptor, byte* buffer, nuint bytes, nint offset);

    [LibraryImport(Name, EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(int descriptor, byte* buffer, nuint bytes);

    [LibraryImport(Name, EntryPoint = "_exit")]
    internal static partial void Exit(int status);

    [LibraryImport(Name, EntryPoint = "socketpair", SetLastError = true)]
    internal static partial int SocketPair(int family, int type, int protocol, int* descriptors);

    [LibraryImport(Name, EntryPoint = "execve", SetLastError = true)]
    internal static partial int Execute(byte* path, byte** arguments, byte** environment);

    [LibraryImport(Name, EntryPoint = "posix_spawn")]
    internal static partial int Spawn(
        int* processId, byte* path, byte* fileActions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport(Name, EntryPoint = "posix_spawn_file_actions_init")]
    internal static partial int InitFileActions(byte* actions);

    [LibraryImport(Name, EntryPoint = "posix_spawn_file_actions_destroy")]
    internal static partial int DestroyFileActions(byte* actions);

    [LibraryImport(Name, EntryPoint = "posix_spawn_file_actions_adddup2")]
    internal static partial int AddDuplicate(byte* actions, int from, int to);

    [LibraryImport(Name, EntryPoint = "posix_spawn_file_actions_addopen")]
    internal static partial int AddOpen(byte* actions, int descriptor, byte* path, int flags, uint mode);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_init")]
    internal static partial int InitAttributes(byte* attributes);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_destroy")]
    internal static partial int DestroyAttributes(byte* attributes);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_setflags")]
    internal static partial int SetFlags(byte* attributes, short flags);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_setsigmask")]
    internal static partial int SetSignalMask(byte* attributes, byte* signals);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_setsigdefault")]
    internal static partial int SetSignalDefaults(byte* attributes, byte* signals);
}
