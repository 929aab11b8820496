using System.Diagnostics;
using System.Globalization;
using System.Text;
using Naru.Core.Files;

namespace Naru.Bench.Collect;

/// <summary>
/// Rows P1, P2 and P3 of PERFORMANCE.md: collect against the same Kestrel doing nothing, rounds interleaved, medians.
/// `./bench collect [P1] [P2] [P3] [--seconds 2] [--rounds 3] [--dir DIR]`
/// </summary>
internal static class CollectBench
{
    private const int EventsPerSecondOpen = 20_000;

    public static int Run(string[] arguments)
    {
        Setup setup = Setup.Of(arguments);
        string folder = Path.Combine(setup.Folder, $"naru-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        using ServerProcess server = new(folder);
        try
        {
            Console.WriteLine(
                $"{setup.Rounds} rounds of {setup.Seconds} s a side, interleaved, medians; "
                + $"{Environment.ProcessorCount} cores hold server and generator; topic on {setup.Folder}, "
                + $"fdatasync of 4 KB p50 {SyncMicroseconds(folder):N0} us");
            Console.WriteLine(
                $"{"row",-42} {"naru/s",12} {"floor/s",12} {"ratio",6} {"target",7}   p50 us  p99 us  "
                + "server CPU us a request");
            if (setup.Has("P1"))
            {
                One(setup, server, folder);
            }

            if (setup.Has("P2"))
            {
                Batches(setup, server, new Lines("P2 lines", 100, "", 0.70));
                Batches(setup, server, new Lines("P2 lines", 1000, "", 0.70));
            }

            if (setup.Has("P3"))
            {
                Batches(setup, server, new Lines("P3 checked lines", 100, "?validate=true", 0.42));
                Batches(setup, server, new Lines("P3 checked lines", 1000, "?validate=true", 0.40));
            }

            return 0;
        }
        finally
        {
            server.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void One(Setup setup, ServerProcess server, string folder)
    {
        byte[] body = Encoding.UTF8.GetBytes(AdEvents.Event(12_345));
        foreach ((int connections, double target) in new[] { (64, 0.75), (256, 0.90) })
        {
            Measure(setup, server, new Row($"P1 one checked event, {connections} connections", 1, target)
            {
                Naru = new LoadRequest(
                    server.Port, connections, Http($"/v1/events/{AdEvents.Log}", body, "application/json")),
                Floor = new LoadRequest(server.Port, connections, Http("/floor/204", body, "application/json")),
            });
        }

        double sync = SyncMicroseconds(folder);
        LoadResult open = LoadProcess.Start(
            new LoadRequest(server.Port, 256, Http($"/v1/events/{AdEvents.Log}", body, "application/json"))
            {
                Rate = EventsPerSecondOpen, Seconds = setup.Seconds * 2,
            });
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{"P1 open loop, 20,000/s",-42} {open.Rate,12:N0} p50 {open.P50Microseconds:N0} us = "
            + $"{open.P50Microseconds / sync:N1} x fdatasync (<= 3), p99 {open.P99Microseconds:N0} us (<= 5,000)"));
        server.Trim();
    }

    private static void Batches(Setup setup, ServerProcess server, Lines lines)
    {
        (string name, int events, string query, double target) = lines;
        byte[] body = AdEvents.Lines(events);
        foreach (int connections in new[] { 64, 256 })
        {
            Measure(setup, server, new Row($"{name}, {events} a request, {connections} conns", events, target)
            {
                Naru = new LoadRequest(
                    server.Port, connections, Http($"/v1/events/{AdEvents.Log}{query}", body, "application/x-ndjson")),
                Floor = new LoadRequest(server.Port, connections, Http("/floor/discard", body, "application/x-ndjson")),
            });
        }
    }

    private static void Measure(Setup setup, ServerProcess server, Row row)
    {
        List<LoadResult> naru = [];
        List<LoadResult> floor = [];
        for (int i = 0; i < setup.Rounds; i++)
        {
            floor.Add(server.Load(row.Floor with { Seconds = setup.Seconds }));
            naru.Add(server.Load(row.Naru with { Seconds = setup.Seconds }));
            server.Trim();
        }

        LoadResult mine = Median(naru);
        LoadResult theirs = Median(floor);
        string failed = naru.Concat(floor).Sum(static result => result.Failed) is > 0 and long count
            ? $"  FAILED ANSWERS: {count}"
            : "";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{row.Name,-42} {mine.Rate * row.Events,12:N0} {theirs.Rate * row.Events,12:N0} "
            + $"{mine.Rate / theirs.Rate,6:F2} {row.Target,7:F2} "
            + $"{mine.P50Microseconds,8:N0} {mine.P99Microseconds,7:N0} "
            + $"{mine.ServerMicroseconds,7:N1} : {theirs.ServerMicroseconds:N1}{failed}"));
    }

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

    private sealed record Lines(string Name, int Events, string Query, double Target);

    private sealed record Row(string Name, int Events, double Target)
    {
        public required LoadRequest Naru { get; init; }

        public required LoadRequest Floor { get; init; }
    }

    private sealed record Setup(string[] Rows, double Seconds, int Rounds, string Folder)
    {
        public static Setup Of(string[] arguments) => new(
            [.. arguments.Where(static text => text.StartsWith('P'))],
            double.Parse(Value(arguments, "--seconds", "2"), CultureInfo.InvariantCulture),
            int.Parse(Value(arguments, "--rounds", "3"), CultureInfo.InvariantCulture),
            Value(arguments, "--dir", Directory.GetCurrentDirectory()));

        public bool Has(string row) => Rows.Length == 0 || Rows.Contains(row);

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
