using System.Runtime.InteropServices;
using Naru.Core;

namespace Naru.Query.Sandbox;

/// <summary>What a path beneath a rule may be used for; what no rule grants is refused.</summary>
[Flags]
internal enum PathAccess : ulong
{
    Execute = 1 << 0,
    WriteFile = 1 << 1,
    ReadFile = 1 << 2,
    ReadDirectory = 1 << 3,
    RemoveDirectory = 1 << 4,
    RemoveFile = 1 << 5,
    MakeDirectory = 1 << 7,
    MakeFile = 1 << 8,

    /// <summary>ABI 3.</summary>
    Truncate = 1 << 14,

    /// <summary>All that ABI 1 knows.</summary>
    AbiOne = (1 << 13) - 1,

    /// <summary>Rename or link between folders; ABI 2.</summary>
    Refer = 1 << 13,

    /// <summary>ABI 5.</summary>
    DeviceControl = 1 << 15,

    Read = ReadFile | ReadDirectory,
    Run = Read | Execute,
    Spill = Read | WriteFile | MakeFile | MakeDirectory | RemoveFile | RemoveDirectory | Truncate,

    /// <summary>The rights that a rule on a plain file may carry.</summary>
    OfFile = Execute | WriteFile | ReadFile | Truncate | DeviceControl,
}

/// <summary>
/// A set of Landlock rules that a thread can put on itself for good; threads and processes that it then makes inherit
/// it, and a second set only narrows the first. Source: the kernel's Documentation/userspace-api/landlock.rst.
/// Handled are all file-system rights and TCP bind and connect that the kernel knows, and (ABI 6) signals and abstract
/// sockets to processes outside. Landlock does not cover chmod, chown, utime and xattr: <see cref="SeccompFilter"/>
/// does.
/// </summary>
internal sealed unsafe class Landlock : IDisposable
{
    private const int CreateRuleset = 444;
    private const int AddRule = 445;
    private const int RestrictSelf = 446;
    private const int PathBeneath = 1;
    private const int NetworkAbi = 4;
    private const int ScopeAbi = 6;

    private readonly PathAccess _handled;
    private int _descriptor;

    private Landlock(int descriptor, PathAccess handled)
    {
        _descriptor = descriptor;
        _handled = handled;
    }

    /// <summary>The version that the kernel speaks, 0 where Landlock is missing or switched off.</summary>
    public static int Abi { get; } = ReadAbi();

    /// <summary>Enough for a worker: TCP is handled from here on.</summary>
    public static bool Suffices => Abi >= NetworkAbi;

    [StructLayout(LayoutKind.Sequential)]
    private struct RulesetAttributes
    {
        public ulong HandledAccess;
        public ulong HandledNetwork;
        public ulong Scoped;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct PathRule
    {
        public ulong Allowed;
        public int Parent;
    }

    /// <summary>An empty set: nothing is granted yet.</summary>
    public static Landlock Create()
    {
        Invariant.Hold(Suffices);
        PathAccess handled = PathAccess.AbiOne | PathAccess.Refer | PathAccess.Truncate;
        if (Abi >= 5)
        {
            handled |= PathAccess.DeviceControl;
        }

        RulesetAttributes attributes = new()
        {
            HandledAccess = (ulong)handled,
            HandledNetwork = 3,
            Scoped = Abi >= ScopeAbi ? 3UL : 0,
        };
        nint bytes = Abi >= ScopeAbi ? sizeof(RulesetAttributes) : 16;
        nint descriptor = Libc.SystemCall(CreateRuleset, (nint)(&attributes), bytes, 0, 0);
        return descriptor >= 0
            ? new Landlock((int)descriptor, handled)
            : throw new SandboxException("landlock_create_ruleset", Marshal.GetLastPInvokeError());
    }

    /// <summary>Grants a folder and all below it, or one file. False when it does not exist.</summary>
    public bool TryAllow(string path, PathAccess access)
    {
        int parent = Libc.Open(path, Libc.OpenPath | Libc.OpenCloseOnExec);
        if (parent < 0)
        {
            return false;
        }

        try
        {
            Add(parent, access & _handled, path);
            return true;
        }
        finally
        {
            _ = Libc.Close(parent);
        }
    }

    /// <summary>
    /// The same, where no part of the path is a link: it is another's, who could let it lead anywhere meanwhile.
    /// </summary>
    public bool TryAllowExactly(string path, PathAccess access)
    {
        int parent = Libc.OpenWithoutLinks(path);
        if (parent < 0)
        {
            return false;
        }

        try
        {
            Add(parent, access & _handled, path);
            return true;
        }
        finally
        {
            _ = Libc.Close(parent);
        }
    }

    /// <summary>Puts the set on the calling thread; no_new_privs must be set. Nothing can take it off again.</summary>
    public void RestrictThread()
    {
        if (Libc.SystemCall(RestrictSelf, _descriptor, 0, 0, 0) != 0)
        {
            throw new SandboxException("landlock_restrict_self", Marshal.GetLastPInvokeError());
        }
    }

    public void Dispose()
    {
        if (_descriptor >= 0)
        {
            _ = Libc.Close(_descriptor);
            _descriptor = -1;
        }
    }

    private void Add(int parent, PathAccess access, string path)
    {
        PathRule rule = new() { Allowed = (ulong)access, Parent = parent };
        if (Libc.SystemCall(AddRule, _descriptor, PathBeneath, (nint)(&rule), 0) == 0)
        {
            return;
        }

        // A plain file takes no folder rights: EINVAL says that it is one.
        const int InvalidArgument = 22;
        rule.Allowed = (ulong)(access & PathAccess.OfFile);
        int error = Marshal.GetLastPInvokeError();
        if (error != InvalidArgument || Libc.SystemCall(AddRule, _descriptor, PathBeneath, (nint)(&rule), 0) != 0)
        {
            throw new SandboxException($"landlock_add_rule for \"{path}\"", Marshal.GetLastPInvokeError());
        }
    }

    private static int ReadAbi()
    {
        const int AskVersion = 1;
        return OperatingSystem.IsLinux() ? (int)Math.Max(0, Libc.SystemCall(CreateRuleset, 0, 0, AskVersion, 0)) : 0;
    }
}

/// <summary>A confinement could not be put in place: no user's SQL may run here.</summary>
internal sealed class SandboxException(string call, int error)
    : Exception($"{call} failed with error {error}: {Marshal.GetPInvokeErrorMessage(error)}");
