using System.Diagnostics;
using System.Globalization;
using System.Text;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Lake.DuckDb;
using Naru.Query;
using Naru.Query.Sandbox;

namespace Naru.Cli.Doctor;

/// <summary>What the machine and its volume give: nothing here needs a project.</summary>
internal sealed class MachineChecks(IFileSystem files, Findings findings)
{
    private const string Machine = "this machine";
    private const int OpenFilesWanted = 4096;
    private const int SyncsTried = 10;
    private const double SlowSyncMilliseconds = 30;
    private const long ReserveBytesMin = 256L << 20;
    private const int ReservePerTotal = 50;
    private const int FirstSaneYear = 2025;

    /// <summary>File systems that live in memory, or whose syncs and links are another machine's promise.</summary>
    private static readonly string[] Volatile = ["tmpfs", "ramfs"];

    private static readonly string[] Remote =
        ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuseblk", "vboxsf", "virtiofs"];

    public void LookAtProgram()
    {
        findings.Run("native library", "libduckdb.so", () =>
        {
            DuckDbLibrary.CheckedStamp();
            return $"DuckDB {DuckDbLibrary.Version}, with the checksum that Naru was built with";
        });
        findings.Run("SQL confinement", Machine, () =>
        {
            bool seccomp = Text("/proc/sys/kernel/seccomp/actions_avail")?.Contains("errno", StringComparison.Ordinal)
                ?? false;
            if (!Landlock.Suffices || !seccomp)
            {
                findings.Warn(
                    "SQL confinement",
                    Landlock.Suffices
                        ? "the kernel has no seccomp filters: SQL workers cannot start"
                        : $"Landlock is version {Landlock.Abi}, 4 is needed: SQL is answered to administrators only",
                    Machine,
                    "use Linux 6.7 or later with landlock among its security modules (/sys/kernel/security/lsm)");
            }

            return $"Landlock {Landlock.Abi} and seccomp confine SQL workers";
        });
    }

    public void LookAtLimits(QueryOptions query)
    {
        findings.Run("open files", Machine, () =>
        {
            long most = OpenFiles();
            if (most < OpenFilesWanted)
            {
                findings.Warn(
                    "open files",
                    $"a process may hold {most} files open; a lake of some size needs {OpenFilesWanted}",
                    Machine,
                    "raise it: `ulimit -n 65536`, or LimitNOFILE=65536 in the systemd unit");
            }

            return $"a process may hold {most} open";
        });
        findings.Run("memory", Machine, () =>
        {
            long total = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            long wanted = query.Workers * (query.MemoryBytes + (1L << 30));
            if (wanted > total)
            {
                findings.Warn(
                    "memory",
                    $"{query.Workers} SQL workers may use {CopyProgress.Size(wanted)}, the machine has "
                    + CopyProgress.Size(total),
                    Machine,
                    "lower query.workers or query.memory_bytes in naru.yaml");
            }

            return $"{CopyProgress.Size(total)}; {query.Workers} SQL workers may use {CopyProgress.Size(wanted)}";
        });
    }

    public void LookAtClock(DateTimeOffset now, DateTimeOffset? newest)
    {
        findings.Run("clock", Machine, () =>
        {
            if (now.Year < FirstSaneYear)
            {
                findings.Problem("clock", $"it says {now:u}", Machine, "set it: `timedatectl set-ntp true`");
            }
            else if (newest > now.AddMinutes(1))
            {
                findings.Problem(
                    "clock",
                    $"it says {now:u}, and the newest event was received at {newest:u}: it went back",
                    Machine,
                    "set it: `timedatectl set-ntp true`; until then new events are stamped earlier than those before");
            }

            return $"it says {now:u}";
        });
    }

    public void LookAtVolume(string folder, TopicOptions topics)
    {
        findings.Run("disk space", folder, () =>
        {
            long free = files.FreeBytes(folder);
            long total = files.TotalBytes(folder);
            long reserve = topics.DiskReserve ?? Math.Max(ReserveBytesMin, total / ReservePerTotal);
            string fact = $"{CopyProgress.Size(free)} of {CopyProgress.Size(total)} are free; "
                + $"below {CopyProgress.Size(reserve)} events are refused";
            if (free < reserve)
            {
                findings.Problem("disk space", fact, folder, "free space, shorten lifetimes, or enlarge the volume");
            }
            else if (free < 3 * reserve)
            {
                findings.Warn("disk space", fact, folder, "free space soon, or enlarge the volume");
            }

            return fact;
        });
        findings.Run("file system", folder, () => FileSystem(folder));
        findings.Run("sync", folder, () => Sync(folder));
    }

    private string FileSystem(string folder)
    {
        (string type, string options) = MountOf(folder);
        string local = "put the project's folder on a local disk with ext4 or xfs";
        if (Volatile.Contains(type))
        {
            findings.Warn("file system", $"it is {type}, which lives in memory: a power cut takes everything", folder,
                local);
        }
        else if (Remote.Contains(type) || type.StartsWith("fuse.", StringComparison.Ordinal))
        {
            findings.Warn("file system", $"it is {type}: whether a sync is durable is up to another program", folder,
                local);
        }
        else if (options.Split(',').Contains("ro"))
        {
            findings.Problem("file system", "it is mounted read-only", folder, "remount it: `mount -o remount,rw …`");
        }

        return $"{type}";
    }

    /// <summary>Writes, syncs and links a file of its own, as the platform does, and takes it away again.</summary>
    private string Sync(string folder)
    {
        string path = $"{folder}/.naru-doctor-{Environment.ProcessId}";
        double slowest = 0;
        try
        {
            using (IFile file = files.Open(path, FileOpen.CreateNew))
            {
                byte[] block = new byte[4096];
                for (int i = 0; i < SyncsTried; i++)
                {
                    file.Write(block, (long)i * block.Length);
                    long start = Stopwatch.GetTimestamp();
                    file.SyncData();
                    slowest = Math.Max(slowest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }

            files.SyncDirectory(folder);
            if (!files.TryLink(path, path + "-link"))
            {
                findings.Problem("sync", "a hard link could not be made", folder, "use ext4 or xfs");
            }
        }
        finally
        {
            files.Delete(path + "-link");
            files.Delete(path);
        }

        string fact = string.Create(
            CultureInfo.InvariantCulture, $"files and folders sync; the slowest of {SyncsTried} took {slowest:0.0} ms");
        if (slowest > SlowSyncMilliseconds)
        {
            findings.Warn(
                "sync", fact, folder, "each acknowledgement waits for one: use a faster disk, or expect that latency");
        }

        return fact;
    }

    private (string Type, string Options) MountOf(string folder)
    {
        (string Point, string Type, string Options) best = ("", "unknown", "");
        foreach (string line in (Text("/proc/self/mountinfo") ?? "").Split('\n'))
        {
            string[] words = line.Split(' ');
            int dash = Array.IndexOf(words, "-");
            if (dash < 6 || words.Length < dash + 2)
            {
                continue;
            }

            string point = words[4].Replace("\\040", " ", StringComparison.Ordinal);
            if ((folder + "/").StartsWith(point.TrimEnd('/') + "/", StringComparison.Ordinal)
                && point.Length >= best.Point.Length)
            {
                best = (point, words[dash + 1], words[5]);
            }
        }

        return (best.Type, best.Options);
    }

    private long OpenFiles()
    {
        string? line = Text("/proc/self/limits")?.Split('\n')
            .FirstOrDefault(static each => each.StartsWith("Max open files", StringComparison.Ordinal));
        string[] words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length > 3 && long.TryParse(words[3], CultureInfo.InvariantCulture, out long most)
            ? most
            : long.MaxValue;
    }

    /// <summary>A file of the kernel's, which says that its length is 0.</summary>
    private string? Text(string path)
    {
        try
        {
            using IFile file = files.Open(path, FileOpen.Read);
            byte[] bytes = new byte[1 << 20];
            return Encoding.UTF8.GetString(bytes, 0, file.Read(bytes, 0));
        }
        catch (StorageException)
        {
            return null;
        }
    }
}
