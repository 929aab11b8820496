using System.Diagnostics;
using System.Globalization;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Bench.Lake;

/// <summary>
/// Rows a second from a batch in memory to zstd Parquet, beside the peer: DuckDB's own COPY of the same events from an
/// NDJSON file (which parses too), in the same run. Interleaved; medians.
/// </summary>
internal static class ParquetWriteBench
{
    private const int Rounds = 5;

    internal static int Run(string[] args)
    {
        int rows = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 500_000;
        string folder = Directory.CreateTempSubdirectory("naru-bench-parquet-").FullName;
        try
        {
            return Run(rows, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Run(int rows, string folder)
    {
        string ndjson = Path.Combine(folder, "events.ndjson");
        long bytes = AdEvents.WriteNdjson(ndjson, rows, seed: 1);
        using ColumnBatch batch = AdEvents.Batch(rows, seed: 1);
        Console.WriteLine($"{rows:N0} ad events, {bytes / rows} bytes each as JSON; DuckDB {DuckDbLibrary.Version}");

        int[] inOrder = [.. Enumerable.Range(0, rows)];
        int[] shuffled = [.. inOrder];
        new Random(2).Shuffle(shuffled);
        (string Name, Func<long> Act)[] cases =
        [
            ("peer: DuckDB NDJSON to Parquet, 1 thread", () => Peer(ndjson, folder, threads: 1)),
            ("peer: DuckDB NDJSON to Parquet, 2 threads", () => Peer(ndjson, folder, threads: 2)),
            ("batch to Parquet, 1 file", () => Write(batch, [inOrder], folder, new ParquetOptions())),
            ("batch to Parquet, 1 file, rows shuffled", () => Write(batch, [shuffled], folder, new ParquetOptions())),
            ("batch to Parquet, 2 files at once", () => Write(batch, Halves(inOrder), folder, new ParquetOptions())),
            .. new[] { 3, 9 }.Select(level => Case(
                $"batch to Parquet, 1 file, zstd level {level}", new ParquetOptions { CompressionLevel = level })),
            .. new[] { 30_720, 122_880, 245_760, 491_520 }.Select(group => Case(
                $"batch to Parquet, 1 file, {group:N0} rows a group", new ParquetOptions { RowGroupRows = group })),
        ];
        (string, Func<long>) Case(string name, ParquetOptions options) =>
            (name, () => Write(batch, [inOrder], folder, options));

        double[][] seconds = [.. cases.Select(_ => new double[Rounds])];
        long[] sizes = new long[cases.Length];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < cases.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                sizes[i] = cases[i].Act();
                seconds[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        }

        double[] medians = [.. seconds.Select(one => one.Order().ElementAt(Rounds / 2))];
        Console.WriteLine($"{"case",-48} {"rows/s",12} {"/ peer 1t",10} {"/ peer 2t",10} {"bytes/row",10}");
        for (int i = 0; i < cases.Length; i++)
        {
            double one = medians[0] / medians[i];
            double two = medians[1] / medians[i];
            double size = (double)sizes[i] / rows;
            double speed = rows / medians[i];
            Console.WriteLine($"{cases[i].Name,-48} {speed,12:N0} {one,10:0.00} {two,10:0.00} {size,10:0.0}");
        }

        return 0;
    }

    private static int[][] Halves(int[] rows) => [rows[..(rows.Length / 2)], rows[(rows.Length / 2)..]];

    private static long Peer(string ndjson, string folder, int threads)
    {
        string path = Path.Combine(folder, "peer.parquet");
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory(
            new KeyValuePair<string, string>("threads", threads.ToString(CultureInfo.InvariantCulture)));
        using DuckDbConnection connection = database.Connect();
        connection.Execute(
            $"COPY (SELECT * FROM read_ndjson('{ndjson}', columns = {AdEvents.NdjsonColumns()})) TO '{path}' "
            + "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)");
        return new FileInfo(path).Length;
    }

    private static long Write(ColumnBatch batch, int[][] files, string folder, ParquetOptions options)
    {
        using ParquetTableWriter writer = new(options);
        long[] bytes = new long[files.Length];
        Parallel.For(0, files.Length, i =>
            bytes[i] = writer.Write(batch, files[i], 0, Path.Combine(folder, $"{i}.parquet")).Bytes);
        return bytes.Sum();
    }
}
