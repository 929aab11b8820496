using System.Diagnostics;

namespace Naru.Bench.Stream;

/// <summary>Runs cases in turn, several rounds, and prints medians beside the first one, which is the floor.</summary>
internal static class Measure
{
    public static void Print((string Name, Action Act)[] cases, long operations, long bytes, int rounds)
    {
        double[][] seconds = [.. cases.Select(_ => new double[rounds])];
        long[] allocated = new long[cases.Length];
        for (int round = -2; round < rounds; round++)
        {
            for (int i = 0; i < cases.Length; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                long start = Stopwatch.GetTimestamp();
                cases[i].Act();
                if (round >= 0)
                {
                    seconds[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
                    allocated[i] = GC.GetAllocatedBytesForCurrentThread() - before;
                }
            }
        }

        double[] medians = [.. seconds.Select(one => one.Order().ElementAt(rounds / 2))];
        Console.WriteLine($"{"case",-44} {"ns each",10} {"each/s",12} {"GB/s",7} {"/ floor",8} {"B alloc",8}");
        for (int i = 0; i < cases.Length; i++)
        {
            double nanoseconds = medians[i] * 1e9 / operations;
            double gigabytes = bytes / medians[i] / 1e9;
            double alloc = (double)allocated[i] / operations;
            Console.WriteLine(
                $"{cases[i].Name,-44} {nanoseconds,10:0.0} {operations / medians[i],12:N0} {gigabytes,7:0.00} "
                + $"{medians[i] / medians[0],8:0.00} {alloc,8:0.000}");
        }
    }
}
