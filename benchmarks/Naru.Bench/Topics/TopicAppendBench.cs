using System.Diagnostics;
using System.Globalization;
using Naru.Core.Files;
using Naru.Core.Topics;

namespace Naru.Bench.Topics;

/// <summary>
/// What an append costs beside a bare loop of pwrite and fdatasync on a zero-filled file, on the same disk, in the same
/// run, rounds interleaved, medians: `topic-append [seconds a round] [folder]`.
/// </summary>
internal static class TopicAppendBench
{
    private const int EventBytes = 292;
    private const int ChunkBytes = 1 << 20;
    private const int Rounds = 3;
    private const int ChunksInFlight = 8;
    private static readonly int[] Concurrency = [1, 64, 256];

    public static int Run(string[] args)
    {
        double seconds = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 1;
        string folder = args.Length > 1 ? args[1] : Path.GetTempPath();
        string root = Path.Combine(folder, $"naru-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(root);
        try
        {
            Dictionary<string, List<Sample>> samples = [];
            for (int round = -1; round < Rounds; round++)
            {
                foreach ((string name, Func<Sample> measure) in Cases(root, seconds))
                {
                    Sample sample = measure();
                    if (round >= 0)
                    {
                        (samples.TryGetValue(name, out List<Sample>? list) ? list : samples[name] = []).Add(sample);
                    }
                }
            }

            Print(samples);
            return 0;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static IEnumerable<(string Name, Func<Sample> Measure)> Cases(string root, double seconds)
    {
        yield return ("bare 512 B + sync", () => Bare(root, seconds, 512));
        foreach (int concurrency in Concurrency)
        {
            yield return ($"append {concurrency,3} in flight", () => Append(root, seconds, concurrency, EventBytes));
        }

        yield return ("bare 1 MB + sync", () => Bare(root, seconds, ChunkBytes));
        yield return ("bare 1 MB, growing file", () => Growing(root, seconds, fill: false));
        yield return ("bare 1 MB, zeros ahead", () => Growing(root, seconds, fill: true));
        yield return ("crc 1 MB", () => Checksum(seconds));
        yield return (
            $"append 1 MB, {ChunksInFlight} in flight", () => Append(root, seconds, ChunksInFlight, ChunkBytes));
    }

    private static Sample Bare(string root, double seconds, int bytes)
    {
        const long FileBytes = 64 << 20;
        PosixFileSystem files = new();
        string path = Path.Combine(root, "bare");
        files.Delete(path);
        using IFile file = files.Open(path, FileOpen.CreateNew);
        byte[] buffer = new byte[ChunkBytes];
        for (long at = 0; at < FileBytes; at += buffer.Length)
        {
            file.Write(buffer, at);
        }

        file.SyncData();
        Random.Shared.NextBytes(buffer);
        return Measure(seconds, bytes, until =>
        {
            long count = 0;
            while (Stopwatch.GetTimestamp() < until)
            {
                file.Write(buffer.AsSpan(0, bytes), count % (FileBytes / bytes) * bytes);
                file.SyncData();
                count++;
            }

            return count;
        });
    }

    private static Sample Checksum(double seconds)
    {
        byte[] buffer = new byte[ChunkBytes];
        return Measure(seconds, ChunkBytes, until =>
        {
            long count = 0;
            while (Stopwatch.GetTimestamp() < until)
            {
                Naru.Core.Hashing.Crc32C.Of(buffer);
                count++;
            }

            return count;
        });
    }

    private static Sample Growing(string root, double seconds, bool fill)
    {
        PosixFileSystem files = new();
        byte[] buffer = new byte[ChunkBytes];
        Random.Shared.NextBytes(buffer);
        byte[] zeros = new byte[ChunkBytes];
        return Measure(seconds, ChunkBytes, until =>
        {
            long count = 0;
            while (Stopwatch.GetTimestamp() < until)
            {
                string path = Path.Combine(root, "growing");
                files.Delete(path);
                using IFile file = files.Open(path, FileOpen.CreateNew);
                if (fill)
                {
                    for (int i = 0; i < 64; i++)
                    {
                        file.Write(zeros, (long)i * ChunkBytes);
                    }

                    file.SyncData();
                }

                for (int i = 0; i < 64; i++)
                {
                    file.Write(buffer, (long)i * ChunkBytes);
                    file.SyncData();
                    count++;
                }
            }

            return count;
        });
    }

    private static Sample Append(string root, double seconds, int concurrency, int bytes)
    {
        string directory = Path.Combine(root, $"topic-{concurrency}-{bytes}");
        new PosixFileSystem().DeleteDirectory(directory);
        SegmentTopicLog log = SegmentTopicLog.Open(
            new PosixFileSystem(), directory, new TopicOptions(), TimeProvider.System, static _ => { });
        byte[] body = new byte[bytes];
        Random.Shared.NextBytes(body);
        Sample sample = Measure(seconds, bytes, until =>
        {
            Task<long>[] loops =
                [.. Enumerable.Range(0, concurrency).Select(_ => Task.Run(() => Loop(log, body, until)))];
            Task.WhenAll(loops).GetAwaiter().GetResult();
            return loops.Sum(static each => each.Result);
        });
        log.DisposeAsync().AsTask().GetAwaiter().GetResult();
        new PosixFileSystem().DeleteDirectory(directory);
        return sample;
    }

    private static async Task<long> Loop(SegmentTopicLog log, byte[] body, long until)
    {
        AppendBatch batch = new()
        {
            Header = new BatchHeader { LogId = 1, LogVersion = 1, ReceivedMicroseconds = 1 },
            Sender = "bench/host"u8.ToArray(),
            Lengths = new[] { body.Length },
            Body = body,
        };
        long count = 0;
        while (Stopwatch.GetTimestamp() < until)
        {
            await log.AppendAsync(batch, CancellationToken.None);
            count++;
        }

        return count;
    }

    private static Sample Measure(double seconds, int bytes, Func<long, long> run)
    {
        using Process self = Process.GetCurrentProcess();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan processor = self.TotalProcessorTime;
        long start = Stopwatch.GetTimestamp();
        long count = run(start + (long)(seconds * Stopwatch.Frequency));
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        self.Refresh();
        return new Sample(
            count / elapsed.TotalSeconds,
            count * (double)bytes / elapsed.TotalSeconds / 1e6,
            (self.TotalProcessorTime - processor).TotalMicroseconds / count,
            (GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)count);
    }

    private static void Print(Dictionary<string, List<Sample>> samples)
    {
        Console.WriteLine($"{"",-26}{"a second",12}{"MB/s",10}{"CPU µs each",14}{"B allocated each",18}");
        foreach ((string name, List<Sample> list) in samples)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-26}{Median(list, static s => s.PerSecond),12:F0}{Median(list, static s => s.Megabytes),10:F1}"
                + $"{Median(list, static s => s.Microseconds),14:F2}{Median(list, static s => s.Allocated),18:F1}"));
        }
    }

    private static double Median(List<Sample> list, Func<Sample, double> of) =>
        list.Select(of).Order().ElementAt(list.Count / 2);

    private sealed record Sample(double PerSecond, double Megabytes, double Microseconds, double Allocated);
}
