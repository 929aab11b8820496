using BenchmarkDotNet.Running;
using Naru.Bench.Collect;
using Naru.Bench.Lake;
using Naru.Bench.Numbers;
using Naru.Bench.Rows;
using Naru.Bench.Stream;
using Naru.Bench.Topics;

namespace Naru.Bench;

internal static class BenchProgram
{
    private static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case [LoadProcess.Verb, .. string[] rest]:
                return LoadProcess.Run(rest);
            case [CollectBenchServer.Verb, string folder]:
                return await CollectBenchServer.RunAsync(folder);
            case [LiveFloor.Verb, string one, string ranking]:
                return await LiveFloor.RunAsync(one, ranking);
            case ["micro", .. string[] rest]:
                return Micro(rest);
            case ["collect", ..]:
                return Micro(args);
            default:
                return await BenchCommand.RunAsync(args);
        }
    }

    /// <summary>Benchmarks of single pieces; others than these are BenchmarkDotNet's.</summary>
    private static int Micro(string[] args)
    {
        switch (args)
        {
            case ["collect", .. string[] rest]:
                return CollectBench.Run(rest);
            case ["parquet-write", .. string[] rest]:
                return ParquetWriteBench.Run(rest);
            case ["decode", .. string[] rest]:
                return DecodeBench.Run(rest);
            case ["dedup", .. string[] rest]:
                return DedupBench.Run(rest);
            case ["sessions", .. string[] rest]:
                return SessionsBench.Run(rest);
            case ["intervals", .. string[] rest]:
                return IntervalsBench.Run(rest);
            case ["numbers"]:
                return NumbersBench.Run();
            case ["topic-append", .. string[] rest]:
                return TopicAppendBench.Run(rest);
            default:
                BenchmarkSwitcher.FromAssembly(typeof(BenchProgram).Assembly).Run(args);
                return 0;
        }
    }
}
