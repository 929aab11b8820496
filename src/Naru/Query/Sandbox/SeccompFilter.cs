using System.Runtime.InteropServices;

namespace Naru.Query.Sandbox;

/// <summary>
/// The system calls that a worker never needs once it runs, refused with EPERM on all its threads. A list of refusals,
/// not of permissions: .NET and DuckDB change the calls they use with every version and kernel, and a worker that dies
/// of a new one would be worse than what the list leaves open, since files and TCP are Landlock's business already.
/// Refused are: every way to a new socket, a new program or a new process; a look or a reach into other processes;
/// io_uring (it performs calls past this filter); what Landlock does not cover of files (mode, owner, times,
/// attributes); namespaces, mounts, keys, BPF, modules, clocks and the rest of an administrator's calls.
/// </summary>
internal static unsafe class SeccompFilter
{
    private const uint ReturnAllow = 0x7fff0000;
    private const uint ReturnError = 0x00050000;

    private const ushort LoadWord = 0x20;
    private const ushort JumpEqual = 0x15;
    private const ushort JumpAtLeast = 0x35;
    private const ushort JumpAnyBit = 0x45;
    private const ushort Return = 0x06;

    private const uint NumberOffset = 0;
    private const uint ArchitectureOffset = 4;
    private const uint FirstArgumentOffset = 16;

    private const uint ThreadFlag = 0x10000;
    private const uint FirstForeignNumber = 0x40000000;

    /// <summary>Numbers on x64 and arm64; -1 where the call does not exist.</summary>
    private static readonly (string Name, int X64, int Arm64)[] Refused =
    [
        ("socket", 41, 198), ("socketpair", 53, 199), ("connect", 42, 203), ("bind", 49, 200), ("listen", 50, 201),
        ("accept", 43, 202), ("accept4", 288, 242),

        ("execve", 59, 221), ("execveat", 322, 281), ("fork", 57, -1), ("vfork", 58, -1),

        ("ptrace", 101, 117), ("process_vm_readv", 310, 270), ("process_vm_writev", 311, 271),
        ("process_madvise", 440, 440), ("process_mrelease", 448, 448), ("kcmp", 312, 272), ("pidfd_open", 434, 434),
        ("pidfd_getfd", 438, 438), ("pidfd_send_signal", 424, 424), ("kill", 62, 129), ("tkill", 200, 130),
        ("rt_sigqueueinfo", 129, 138), ("rt_tgsigqueueinfo", 297, 240),

        ("io_uring_setup", 425, 425), ("io_uring_enter", 426, 426), ("io_uring_register", 427, 427),

        ("chmod", 90, -1), ("fchmod", 91, 52), ("fchmodat", 268, 53), ("fchmodat2", 452, 452), ("chown", 92, -1),
        ("fchown", 93, 55), ("lchown", 94, -1), ("fchownat", 260, 54), ("setxattr", 188, 5), ("lsetxattr", 189, 6),
        ("fsetxattr", 190, 7), ("removexattr", 197, 14), ("lremovexattr", 198, 15), ("fremovexattr", 199, 16),
        ("setxattrat", 463, 463), ("removexattrat", 466, 466), ("utime", 132, -1), ("utimes", 235, -1),
        ("futimesat", 261, -1), ("utimensat", 280, 88), ("name_to_handle_at", 303, 264),
        ("open_by_handle_at", 304, 265), ("fanotify_init", 300, 262), ("inotify_init", 253, -1),
        ("inotify_init1", 294, 26),

        ("mount", 165, 40), ("umount2", 166, 39), ("pivot_root", 155, 41), ("chroot", 161, 51), ("setns", 308, 268),
        ("unshare", 272, 97), ("move_mount", 429, 429), ("open_tree", 428, 428), ("fsopen", 430, 430),
        ("fsconfig", 431, 431), ("fsmount", 432, 432), ("fspick", 433, 433), ("mount_setattr", 442, 442),

        ("bpf", 321, 280), ("perf_event_open", 298, 241), ("userfaultfd", 323, 282), ("keyctl", 250, 219),
        ("add_key", 248, 217), ("request_key", 249, 218), ("init_module", 175, 105), ("finit_module", 313, 273),
        ("delete_module", 176, 106), ("kexec_load", 246, 104), ("kexec_file_load", 320, 294), ("reboot", 169, 142),
        ("swapon", 167, 224), ("swapoff", 168, 225), ("sethostname", 170, 161), ("setdomainname", 171, 162),
        ("acct", 163, 89), ("quotactl", 179, 60), ("quotactl_fd", 443, 443), ("iopl", 172, -1), ("ioperm", 173, -1),
        ("settimeofday", 164, 170), ("clock_settime", 227, 112), ("adjtimex", 159, 171),
        ("clock_adjtime", 305, 266), ("syslog", 103, 116), ("personality", 135, 92), ("modify_ldt", 154, -1),
        ("vhangup", 153, 58), ("migrate_pages", 256, 238), ("move_pages", 279, 239),

        ("shmget", 29, 194), ("semget", 64, 190), ("msgget", 68, 186), ("mq_open", 240, 180),
        ("setuid", 105, 146), ("setgid", 106, 144), ("setreuid", 113, 145), ("setregid", 114, 143),
        ("setresuid", 117, 147), ("setresgid", 119, 149), ("setgroups", 116, 159), ("capset", 126, 91),
    ];

    [StructLayout(LayoutKind.Sequential)]
    private record struct Instruction(ushort Code, byte True, byte False, uint Value);

    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        public ushort Length;
        public Instruction* Instructions;
    }

    public static IEnumerable<string> RefusedNames => Refused.Select(static call => call.Name);

    /// <summary>Confines every thread of this process, for good; no_new_privs must be set.</summary>
    public static void Install()
    {
        const int ModeFilter = 1;
        const int AllThreads = 1;
        bool x64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        Instruction[] instructions = Build(x64, Libc.ProcessId());
        fixed (Instruction* first = instructions)
        {
            Program program = new() { Length = (ushort)instructions.Length, Instructions = first };
            nint result = Libc.SystemCall(x64 ? 317 : 277, ModeFilter, AllThreads, (nint)(&program), 0);
            if (result != 0)
            {
                throw new SandboxException("seccomp", Marshal.GetLastPInvokeError());
            }
        }
    }

    private static Instruction[] Build(bool x64, int processId)
    {
        const uint X64 = 0xC000003E;
        const uint Arm64 = 0xC00000B7;
        List<Instruction> program =
        [
            new(LoadWord, 0, 0, ArchitectureOffset),
            new(JumpEqual, 1, 0, x64 ? X64 : Arm64),
            Refuse(Libc.NotPermittedError),
            new(LoadWord, 0, 0, NumberOffset),
        ];
        if (x64)
        {
            program.Add(new(JumpAtLeast, 0, 1, FirstForeignNumber));
            program.Add(Refuse(Libc.NotPermittedError));
        }

        foreach ((_, int onX64, int onArm64) in Refused)
        {
            int number = x64 ? onX64 : onArm64;
            if (number >= 0)
            {
                program.Add(new(JumpEqual, 0, 1, (uint)number));
                program.Add(Refuse(Libc.NotPermittedError));
            }
        }

        // clone3 hides its flags behind a pointer; ENOSYS makes libc use clone, whose flags can be seen: threads only.
        program.Add(new(JumpEqual, 0, 1, 435));
        program.Add(Refuse(Libc.NoSuchSystemCallError));
        AllowWhen(program, x64 ? 56 : 220, new(JumpAnyBit, 1, 0, ThreadFlag));

        // The runtime stops its own threads by tgkill; nobody else's.
        AllowWhen(program, x64 ? 234 : 131, new(JumpEqual, 1, 0, (uint)processId));

        // Reading its own limits, by process 0; not setting another's.
        AllowWhen(program, x64 ? 302 : 261, new(JumpEqual, 1, 0, 0));
        program.Add(new(Return, 0, 0, ReturnAllow));
        return [.. program];
    }

    /// <summary>One call judged by the low half of its first argument.</summary>
    private static void AllowWhen(List<Instruction> program, int number, Instruction test)
    {
        program.Add(new(JumpEqual, 0, 4, (uint)number));
        program.Add(new(LoadWord, 0, 0, FirstArgumentOffset));
        program.Add(test);
        program.Add(Refuse(Libc.NotPermittedError));
        program.Add(new(Return, 0, 0, ReturnAllow));
    }

    private static Instruction Refuse(int error) => new(Return, 0, 0, ReturnError | (uint)error);
}
