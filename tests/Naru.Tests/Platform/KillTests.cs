using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Naru.Tests.Platform;

/// <summary>
/// kill -9 under load, again and again, with clients that write down on disk what they sent and what was acknowledged.
/// </summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int Clients = 8;
    private const int BatchEvents = 10;

    private const string Log = """
        log: kr_shop.tick
        description: One number of one client.
        owner: test
        fields:
          n: {type: string, required: true}
        """;

    [Fact]
    [Trait("Size", "Slow")]
    public Task Nothing_acknowledged_is_lost_or_doubled_over_40_kills() => RunAsync(40, 5_000);

    [Fact]
    [Trait("Size", "Long")]
    public Task Nothing_acknowledged_is_lost_or_doubled_over_5_000_kills() => RunAsync(5_000, 1_000_000);

    /// <summary>
    /// Harness H4: strace kills the process in a thread's n-th call of a kind. Where that falls into the start, there
    /// is no server, and the next start finds what it left.
    /// </summary>
    [Fact]
    [Trait("Size", "Slow")]
    public Task Nothing_acknowledged_is_lost_whichever_call_it_dies_in() => DieInCallsAsync(63);

    [Fact]
    [Trait("Size", "Long")]
    public Task Nothing_acknowledged_is_lost_whichever_of_1_000_calls_it_dies_in() => DieInCallsAsync(1_000);

    private async Task DieInCallsAsync(int points)
    {
        string strace = Prerequisite.Strace();
        Random random = TestSeed.Random(out int seed);
        using PlatformProject project = new(Log);
        using Ledger ledger = new(Path.Combine(project.Root, "ledger"));
        await LandOftenAsync(project);

        // How often a thread makes each while it lives for a second.
        (string Name, int Most)[] calls =
        [
            ("fdatasync", 64), ("pwrite64", 64), ("fsync", 8), ("rename", 4), ("link", 4), ("unlink", 8),
            ("ftruncate", 2),
        ];
        int died = 0;
        for (int point = 0; point < points; point++)
        {
            (string call, int most) = calls[point % calls.Length];
            string inject = $"{call}:signal=KILL:when={random.Next(1, most + 1)}";
            string[] under =
                [strace, "-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={inject}"];
            died += await DieInAsync(project, ledger, under) ? 1 : 0;
        }

        await using PlatformProcess last = await PlatformProcess.StartAsync(project.Root);
        long landings = await last.CaughtUpAsync();
        await VerifyAsync(last, ledger, seed);
        output.WriteLine(
            $"{points} points, died in {died}, {ledger.Acknowledged.Count} events acknowledged, {landings} landings");
        Assert.True(died * 10 >= points, $"only {died} of {points} points were reached");
    }

    private static async Task<bool> DieInAsync(PlatformProject project, Ledger ledger, string[] under)
    {
        PlatformProcess platform;
        try
        {
            platform = await PlatformProcess.StartAsync(project.Root, under);
        }
        catch (InvalidOperationException)
        {
            return true;
        }

        await using (platform)
        {
            using CancellationTokenSource stop = new(TimeSpan.FromSeconds(1));
            await Task.WhenAll(Enumerable.Range(0, Clients)
                .Select(client => SendAsync(platform, ledger, client, stop.Token)));
            return platform.Ended;
        }
    }

    private async Task RunAsync(int kills, long acknowledgedMin)
    {
        Random random = TestSeed.Random(out int seed);
        using PlatformProject project = new(Log);
        await LandOftenAsync(project);
        using Ledger ledger = new(Path.Combine(project.Root, "ledger"));
        int inFlight = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
            using CancellationTokenSource stop = new();
            Task[] clients =
            [
                .. Enumerable.Range(0, Clients).Select(client => SendAsync(platform, ledger, client, stop.Token)),
            ];
            await ledger.NextAcknowledgementAsync();

            // The moment is the test's one random input; nothing waits for anything here.
            await Task.Delay(random.Next(20, 250), TestContext.Current.CancellationToken);
            inFlight += ledger.InFlight > 0 ? 1 : 0;
            await platform.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(clients);
        }

        await using PlatformProcess last = await PlatformProcess.StartAsync(project.Root);
        long landings = await last.CaughtUpAsync();
        await VerifyAsync(last, ledger, seed);
        output.WriteLine(
            $"{kills} kills, {inFlight} with requests in flight, {ledger.Acknowledged.Count} events acknowledged, "
            + $"{landings} landings");
        Assert.True(ledger.Acknowledged.Count >= acknowledgedMin,
            $"only {ledger.Acknowledged.Count} events were acknowledged");
        Assert.True(inFlight * 2 >= kills, $"only {inFlight} of {kills} kills met requests in flight");
    }

    /// <summary>So that kills meet landings too.</summary>
    private static Task LandOftenAsync(PlatformProject project) => File.WriteAllTextAsync(
        Path.Combine(project.Root, "naru.yaml"), "timezone: Asia/Seoul\nstream:\n  landing_interval: 100ms\n");

    private static async Task VerifyAsync(PlatformProcess platform, Ledger ledger, int seed)
    {
        JsonElement counts =
            await platform.AskAsync("SELECT count(*), count(DISTINCT _id), count(DISTINCT n) FROM kr_shop.tick");
        long rows = counts[0][0].GetInt64();
        Assert.Equal(rows, counts[0][1].GetInt64());
        Assert.Equal(rows, counts[0][2].GetInt64());

        using HttpRequestMessage request =
            new(HttpMethod.Post, "/v1/sql") { Content = new StringContent("SELECT n FROM kr_shop.tick") };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/csv"));
        using HttpResponseMessage response = await platform.Http.SendAsync(request);
        string csv = await response.Content.ReadAsStringAsync();
        HashSet<string> landed =
        [
            .. csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(static line => line.Trim()),
        ];
        string[] lost = [.. ledger.Acknowledged.Where(n => !landed.Contains(n)).Take(10)];
        Assert.True(rows == landed.Count, $"{rows} counted and {landed.Count} listed (NARU_SEED={seed})");
        string[] invented = [.. landed.Where(n => !ledger.Sent.ContainsKey(n)).Take(10)];
        Assert.True(
            lost.Length == 0,
            $"{rows} there, {ledger.Acknowledged.Count} acknowledged, lost among them: {string.Join(", ", lost)} "
            + $"(NARU_SEED={seed})");
        Assert.True(invented.Length == 0, $"never sent: {string.Join(", ", invented)} (NARU_SEED={seed})");

        (int exit, string text) = await PlatformProcess.RunAsync("audit", "--server", platform.Address);
        Assert.True(exit == 0 && text.Contains("difference 0", StringComparison.Ordinal), text);
    }

    /// <summary>
    /// Sends batches until the server is gone; a batch whose answer did not come is unknown: 0 or 1 times there.
    /// </summary>
    private static async Task SendAsync(PlatformProcess platform, Ledger ledger, int client, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            string[] numbers = ledger.Next(client, BatchEvents);
            StringBuilder body = new();
            foreach (string n in numbers)
            {
                body.Append(CultureInfo.InvariantCulture, $$"""{"event_id":"{{n}}","n":"{{n}}"}""").Append('\n');
            }

            try
            {
                using StringContent content = new(body.ToString(), Encoding.UTF8, "application/x-ndjson");
                using HttpResponseMessage response =
                    await platform.Http.PostAsync("/v1/events/kr_shop.tick", content, stop);
                if (response.IsSuccessStatusCode)
                {
                    ledger.Acknowledge(client, numbers);
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                return;
            }
            finally
            {
                ledger.Answered();
            }
        }
    }

    /// <summary>What clients know, one file a client, written before the next request.</summary>
    private sealed class Ledger : IDisposable
    {
        private readonly StreamWriter[] _files;
        private readonly long[] _next = new long[Clients];
        private volatile TaskCompletionSource _acknowledged = new();
        private int _inFlight;

        public Ledger(string directory)
        {
            Directory.CreateDirectory(directory);
            _files =
            [
                .. Enumerable.Range(0, Clients)
                    .Select(client => new StreamWriter(Path.Combine(directory, $"{client}.txt"))),
            ];
        }

        public ConcurrentDictionary<string, byte> Sent { get; } = new();

        public ConcurrentBag<string> Acknowledged { get; } = [];

        public int InFlight => Volatile.Read(ref _inFlight);

        public string[] Next(int client, int count)
        {
            string[] numbers =
            [
                .. Enumerable.Range(0, count)
                    .Select(_ => string.Create(CultureInfo.InvariantCulture, $"{client}-{_next[client]++}")),
            ];
            foreach (string n in numbers)
            {
                Sent.TryAdd(n, 0);
                _files[client].WriteLine($"sent {n}");
            }

            _files[client].Flush();
            Interlocked.Increment(ref _inFlight);
            return numbers;
        }

        public Task NextAcknowledgementAsync()
        {
            _acknowledged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _acknowledged.Task.WaitAsync(TimeSpan.FromSeconds(60));
        }

        public void Acknowledge(int client, string[] numbers)
        {
            _acknowledged.TrySetResult();
            foreach (string n in numbers)
            {
                Acknowledged.Add(n);
                _files[client].WriteLine($"acknowledged {n}");
            }

            _files[client].Flush();
        }

        public void Answered() => Interlocked.Decrement(ref _inFlight);

        public void Dispose()
        {
            foreach (StreamWriter file in _files)
            {
                file.Dispose();
            }
        }
    }
}
