using BenchmarkDotNet.Running;
using Naru.Bench.Lake;

namespace Naru.Bench;

internal static class BenchProgram
{
    private static int Main(string[] args)
    {
        switch (args)
        {
            case ["parquet-write", .. string[] rest]:
                return ParquetWriteBench.Run(rest);
            default:
                BenchmarkSwitcher.FromAssembly(typeof(BenchProgram).Assembly).Run(args);
                return 0;
        }
    }
}
