using System.Diagnostics;
using System.Globalization;
using System.Text;
using Naru.Bench.Peers;
using Naru.Bench.Rows;
using Naru.Core.Files;

namespace Naru.Bench.Collect;

/// <summary>
/// Rows P1, P2 and P3: collect against the same Kestrel doing nothing, rounds interleaved, medians; beside Redis
/// Streams that sync every write, where Redis is installed.
/// `./bench micro collect [P1] [P2] [P3] [--seconds 2] [--rounds 3] [--dir DIR]`
/// </summary>
internal static class CollectBench
{
    private const int EventsPerSecondOpen = 20_000;

    public static int Run(string[] arguments)
    {
        Setup setup = Setup.Of(arguments);
        List<RowResult> results = [];
        foreach (string row in setup.Rows)
        {
            results.AddRange(Run(row, setup));
        }

        RowTable.Print(results);
        return 0;
    }

    /// <summary>One of P1, P2 and P3, shorter than by itself.</summary>
    public static Task<IReadOnlyList<RowResult>> RunAsync(string row, BenchSetup setup) =>
        Task.FromResult<IReadOnlyList<RowResult>>(
            Run(row, new Setup([row], setup.Full ? 5 : 1.5, 3, setup.NewFolder($"collect-{row}"))));

    private static List<RowResult> Run(string row, Setup setup)
    {
        string folder = Path.Combine(setup.Folder, $"naru-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        using ServerProcess server = new(folder);
        RedisPeer? redis = row == "P3" ? null : RedisPeer.TryStart(folder);
        try
        {
            return row switch
            {
                "P1" => One(setup, server, redis, folder),
                "P2" =>
                [
                    .. Batches(setup, server, new Lines("P2", "lines", 100, "", 0.70)),
                    .. Batches(setup, server, new Lines("P2", "lines", 1000, "", 0.70)),
                    Compare(
                        setup,
                        server,
                        redis,
                        new Row("P2", "100 a request, 64 connections, beside XADD in pipelines of 100", 100, 5)
                        {
                            Naru = Post(server, 64, $"/v1/events/{AdEvents.Log}", AdEvents.Lines(100)),
                            Floor = Add(redis, 100),
                        }),
                ],
                _ =>
                [
                    .. Batches(setup, server, new Lines("P3", "checked lines", 100, "?validate=true", 0.42)),
                    .. Batches(setup, server, new Lines("P3", "checked lines", 1000, "?validate=true", 0.40)),
                ],
            };
        }
        finally
        {
            server.Dispose();
            redis?.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static List<RowResult> One(Setup setup, ServerProcess server, RedisPeer? redis, string folder)
    {
        byte[] body = Encoding.UTF8.GetBytes(AdEvents.Event(12_345));
        string path = $"/v1/events/{AdEvents.Log}";
        List<RowResult> results = [];
        foreach ((int connections, double target) in new[] { (64, 0.75), (256, 0.90) })
        {
            results.Add(Measure(setup, server, new Row(
                "P1", $"one checked event a request, {connections} connections", 1, target)
            {
                Naru = Post(server, connections, path, body, "application/json"),
                Floor = Post(server, connections, "/floor/204", body, "application/json"),
            }));
        }

        results.Add(Compare(setup, server, redis, new Row("P1", "one event, 64 connections, beside XADD", 1, 1)
        {
            Naru = Post(server, 64, path, body, "application/json"),
            Floor = Add(redis, 1),
        }));
        double sync = SyncMicroseconds(folder);
        LoadResult open = LoadProcess.Start(Post(server, 256, path, body, "application/json") with
        {
            Rate = EventsPerSecondOpen,
            Seconds = setup.Seconds * 2,
        });
        results.Add(OpenLoop(open, sync));
        return results;
    }

    private static RowResult OpenLoop(LoadResult open, double sync)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        double ratio = open.P50Microseconds / sync;
        return new RowResult("P1", "open loop, 20,000 events/s, p50 / p99")
        {
            Naru = string.Create(culture, $"{open.P50Microseconds:N0} / {open.P99Microseconds:N0} us"),
            Peer = string.Create(culture, $"{sync:N0} us fdatasync p50"),
            Ratio = string.Create(culture, $"{ratio:F2}"),
            Target = "<= 3; p99 <= 5,000 us",
            Met = ratio <= 3 && open.P99Microseconds <= 5000,
        };
    }

    private static IEnumerable<RowResult> Batches(Setup setup, ServerProcess server, Lines lines)
    {
        byte[] body = AdEvents.Lines(lines.Events);
        string name = string.Create(CultureInfo.InvariantCulture, $"{lines.Name}, {lines.Events:N0} a request");
        return new[] { 64, 256 }.Select(connections => Measure(setup, server, new Row(
            lines.Id, $"{name}, {connections} connections", lines.Events, lines.Target)
        {
            Naru = Post(server, connections, $"/v1/events/{AdEvents.Log}{lines.Query}", body),
            Floor = Post(server, connections, "/floor/discard", body),
        }));
    }

    private static LoadRequest Post(
        ServerProcess server, int connections, string path, byte[] body, string type = "application/x-ndjson") =>
        new(server.Port, connections, Http(path, body, type));

    private static LoadRequest Add(RedisPeer? redis, int events) =>
        new(redis?.Port ?? 0, 64, RedisPeer.Add([.. Enumerable.Range(0, events).Select(AdEvents.Event)]))
        {
            Replies = events,
        };

    private static RowResult Measure(Setup setup, ServerProcess server, Row row)
    {
        List<LoadResult> naru = [];
        List<LoadResult> floor = [];
        for (int i = 0; i < setup.Rounds; i++)
        {
            floor.Add(server.Load(row.Floor with { Seconds = setup.Seconds }));
            naru.Add(server.Load(row.Naru with { Seconds = setup.Seconds }));
            server.Trim();
        }

        return Result(row, naru, floor, "Kestrel");
    }

    private static RowResult Compare(Setup setup, ServerProcess server, RedisPeer? redis, Row row)
    {
        if (redis is null)
        {
            return new RowResult(row.Id, row.Name)
            {
                Naru = "",
                Peer = "no redis-server here",
                Target = Floor(row.Target),
                Met = null,
                Note = "skipped: ./bench --with-peers installs it",
            };
        }

        List<LoadResult> naru = [];
        List<LoadResult> peer = [];
        for (int i = 0; i < setup.Rounds; i++)
        {
            peer.Add(LoadProcess.Start(row.Floor with { Seconds = setup.Seconds }));
            naru.Add(server.Load(row.Naru with { Seconds = setup.Seconds }));
            server.Trim();
        }

        return Result(row, naru, peer, $"Redis {redis.Version}");
    }

    private static RowResult Result(Row row, List<LoadResult> naru, List<LoadResult> floor, string peer)
    {
        LoadResult mine = Median(naru);
        LoadResult theirs = Median(floor);
        string failed = naru.Concat(floor).Sum(static result => result.Failed) is > 0 and long count
            ? $"; FAILED ANSWERS: {count}"
            : "";
        CultureInfo culture = CultureInfo.InvariantCulture;
        return new RowResult(row.Id, row.Name)
        {
            Naru = string.Create(culture, $"{mine.Rate * row.Events:N0}/s"),
            Peer = string.Create(culture, $"{theirs.Rate * row.Events:N0}/s {peer}"),
            Ratio = string.Create(culture, $"{mine.Rate / theirs.Rate:F2}"),
            Target = Floor(row.Target),
            Met = mine.Rate / theirs.Rate >= row.Target && failed.Length == 0,
            Note = string.Create(culture, $"p50 {mine.P50Microseconds:N0} us, p99 {mine.P99Microseconds:N0} us; ")
                + string.Create(culture, $"server CPU {mine.ServerMicroseconds:N1} us a request")
                + (theirs.ServerMicroseconds > 0
                    ? string.Create(culture, $", floor {theirs.ServerMicroseconds:N1}")
                    : "")
                + failed,
        };
    }

    private static string Floor(double target) => string.Create(CultureInfo.InvariantCulture, $">= {target:F2}");

    private static LoadResult Median(List<LoadResult> results) =>
        results.OrderBy(static result => result.Rate).ElementAt(results.Count / 2);

    private static byte[] Http(string path, byte[] body, string type)
    {
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer nk_bench_0123456789abcdef\r\n"
            + $"Content-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    /// <summary>Median of 200 writes of 4 KB, each synced.</summary>
    private static double SyncMicroseconds(string folder)
    {
        PosixFileSystem files = new();
        string path = $"{folder}/sync-{Environment.TickCount64}";
        using IFile file = files.Open(path, FileOpen.CreateNew);
        byte[] block = new byte[4096];
        file.Write(new byte[200 * 4096], 0);
        file.SyncData();
        List<double> times = [];
        for (int i = 0; i < 200; i++)
        {
            long start = Stopwatch.GetTimestamp();
            file.Write(block, i * 4096L);
            file.SyncData();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        files.Delete(path);
        times.Sort();
        return times[100];
    }

    private sealed record Lines(string Id, string Name, int Events, string Query, double Target);

    private sealed record Row(string Id, string Name, int Events, double Target)
    {
        public required LoadRequest Naru { get; init; }

        public required LoadRequest Floor { get; init; }
    }

    private sealed record Setup(string[] Rows, double Seconds, int Rounds, string Folder)
    {
        public static Setup Of(string[] arguments) => new(
            arguments.Any(IsRow) ? [.. arguments.Where(IsRow)] : ["P1", "P2", "P3"],
            double.Parse(Value(arguments, "--seconds", "2"), CultureInfo.InvariantCulture),
            int.Parse(Value(arguments, "--rounds", "3"), CultureInfo.InvariantCulture),
            Value(arguments, "--dir", Directory.GetCurrentDirectory()));

        private static bool IsRow(string text) => text is "P1" or "P2" or "P3";

        private static string Value(string[] arguments, string name, string otherwise)
        {
            int at = Array.IndexOf(arguments, name);
            return at >= 0 && at + 1 < arguments.Length ? arguments[at + 1] : otherwise;
        }
    }

    private sealed class ServerProcess : IDisposable
    {
        private readonly Process _process;
        private bool _ended;

        public ServerProcess(string folder)
        {
            ProcessStartInfo start = new(Environment.ProcessPath!, [CollectBenchServer.Verb, folder])
            {
                RedirectStandardInput = true, RedirectStandardOutput = true,
            };
            _process = Process.Start(start)!;
            Port = int.Parse(_process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
        }

        public int Port { get; }

        /// <summary>Loads this server and reads how much CPU it took.</summary>
        public LoadResult Load(LoadRequest load)
        {
            _process.Refresh();
            double before = _process.TotalProcessorTime.TotalMicroseconds;
            LoadResult result = LoadProcess.Start(load);
            _process.Refresh();
            double used = _process.TotalProcessorTime.TotalMicroseconds - before;
            double measured = load.Seconds / (load.Seconds + load.WarmUpSeconds);
            return result with { ServerMicroseconds = used * measured / Math.Max(1, result.Requests) };
        }

        /// <summary>Lets the topic forget what it holds.</summary>
        public void Trim() => _process.StandardInput.WriteLine();

        public void Dispose()
        {
            if (!_ended)
            {
                _ended = true;
                _process.StandardInput.Close();
                _process.WaitForExit();
                _process.Dispose();
            }
        }
    }
}
