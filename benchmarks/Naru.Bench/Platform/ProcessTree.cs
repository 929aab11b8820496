using System.Globalization;

namespace Naru.Bench.Platform;

/// <summary>Memory of a process and its children, in bytes.</summary>
/// <param name="Resident">Summed over the processes: what they share counts once in each.</param>
/// <param name="Proportional">What they share counts once: the memory that would be free without them.</param>
internal readonly record struct TreeMemory(long Resident, long Proportional, int Processes);

/// <summary>What the kernel says of a process and everything below it.</summary>
internal static class ProcessTree
{
    private const double TicksPerSecond = 100;

    /// <summary>CPU time in seconds, ended and reaped children included.</summary>
    public static double CpuSeconds(int root)
    {
        double ticks = 0;
        foreach (int process in Members(root))
        {
            if (Stat(process) is { } stat)
            {
                // Fields 14 to 17 of proc(5), counted from the state, which is the third.
                ticks += stat[11..15].Sum(static text => double.Parse(text, CultureInfo.InvariantCulture));
            }
        }

        return ticks / TicksPerSecond;
    }

    /// <summary>Resident bytes of one process of its own: files that it maps are the kernel's.</summary>
    public static long Resident(int process) => KiloBytes(Lines($"/proc/{process}/status"), "RssAnon:") * 1024;

    public static TreeMemory Memory(int root)
    {
        long resident = 0;
        long proportional = 0;
        List<int> members = Members(root);
        foreach (int process in members)
        {
            string[] lines = Lines($"/proc/{process}/smaps_rollup");
            resident += KiloBytes(lines, "Rss:") * 1024;
            proportional += KiloBytes(lines, "Pss:") * 1024;
        }

        return new TreeMemory(resident, proportional, members.Count);
    }

    private static List<int> Members(int root)
    {
        List<(int Process, int Parent)> all = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out int process) && Stat(process) is { } stat)
            {
                all.Add((process, int.Parse(stat[1], CultureInfo.InvariantCulture)));
            }
        }

        List<int> members = [root];
        for (int i = 0; i < members.Count; i++)
        {
            members.AddRange(all.Where(one => one.Parent == members[i]).Select(static one => one.Process));
        }

        return members;
    }

    /// <summary>From the third field on; null when the process is gone.</summary>
    private static string[]? Stat(int process) =>
        Lines($"/proc/{process}/stat") is [string line, ..]
            ? line[(line.LastIndexOf(')') + 2)..].Split(' ')
            : null;

    private static long KiloBytes(string[] lines, string name) =>
        lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line
            ? long.Parse(line[name.Length..^2], CultureInfo.InvariantCulture)
            : 0;

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (IOException)
        {
            return [];
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }
}
