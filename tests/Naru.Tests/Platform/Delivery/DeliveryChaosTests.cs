using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Naru.Tests.Platform.Delivery;

/// <summary>
/// Clients behind a network that cuts, doubles, overtakes and never answers, who send again until they are told that
/// their events are kept: whatever has an id or a batch's name is there once, and the aggregate counts it once.
/// </summary>
public sealed class DeliveryChaosTests(ITestOutputHelper output)
{
    private const int Clients = 12;
    private const int BatchEvents = 20;
    private const double Share = 0.5;
    private const long Minute = 60_000_000;

    /// <summary>A client gives an answer up after this and sends again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(700);

    private static readonly string[] Logs = ["kr_shop.by_id", "kr_shop.by_batch", "kr_shop.by_nothing"];

    private static string LogText(string name) => $$"""
        log: {{name}}
        description: One number of one client.
        owner: test
        max_past: unlimited
        fields:
          n: {type: string, required: true}
          cost: {type: "decimal(18,6)", required: true}
        """;

    private static string AggregateText(string log) => $"""
        -- disorder: 30s
        -- lateness: 1h
        SELECT window_start, window_end, count(*) AS events, sum(cost) AS cost
        FROM tumble({log}, event_time, INTERVAL '1 minute')
        GROUP BY window_start, window_end
        """;

    [Fact]
    [Trait("Size", "Slow")]
    public Task Every_event_counts_once_through_a_bad_network() => RunAsync(batches: 20);

    [Fact]
    [Trait("Size", "Long")]
    public Task Every_event_counts_once_through_a_bad_network_for_long() => RunAsync(batches: 1_500);

    private async Task RunAsync(int batches)
    {
        Random random = TestSeed.Random(out int seed);
        using PlatformProject project = new([.. Logs.Select(LogText)]);
        Directory.CreateDirectory(Path.Combine(project.Root, "aggregates"));
        foreach (string log in Logs[..2])
        {
            string file = Path.Combine(project.Root, "aggregates", $"{log.Split('.')[1]}.sql");
            await File.WriteAllTextAsync(file, AggregateText(log));
        }

        await File.WriteAllTextAsync(
            Path.Combine(project.Root, "naru.yaml"), "timezone: Asia/Seoul\nstream:\n  landing_interval: 100ms\n");
        PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        try
        {
            Ledger ledger = new();
            await using (ChaosProxy proxy = new(random, Share))
            {
                proxy.Serve(platform.Address);
                Client[] clients =
                    [.. Enumerable.Range(0, Clients).Select(number => new Client(number, proxy, ledger))];
                await Task.WhenAll(clients.Select(client => client.SendAsync(batches / 2)));

                // What is under way when the server dies is sent again to the next one.
                Task[] second = [.. clients.Select(client => client.SendAsync(batches - (batches / 2)))];
                await Task.WhenAny(second);
                proxy.Hold();
                await platform.DisposeAsync();
                platform = await PlatformProcess.StartAsync(project.Root);
                proxy.Serve(platform.Address);
                await Task.WhenAll(second);
                await proxy.ReleaseAsync();
                output.WriteLine(string.Join(", ", proxy.Done.OrderBy(static each => each.Key)));
                Assert.All(Enum.GetValues<Mischief>(), each => Assert.True(proxy.Done.GetValueOrDefault(each) > 0));
            }

            await platform.CaughtUpAsync();
            await VerifyAsync(platform, ledger, seed);
        }
        finally
        {
            await platform.DisposeAsync();
        }
    }

    private async Task VerifyAsync(PlatformProcess platform, Ledger ledger, int seed)
    {
        (int exit, string text) = await PlatformProcess.RunAsync("aggregate", "flush", "--server", platform.Address);
        Assert.True(exit == 0, text);
        foreach (string log in Logs)
        {
            JsonElement rows = await platform.AskAsync(
                $"SELECT count(*), count(DISTINCT _id), count(DISTINCT n) FROM {log}");
            (long all, long ids, long numbers) = (rows[0][0].GetInt64(), rows[0][1].GetInt64(), rows[0][2].GetInt64());
            string told =
                $"{log}: {all} rows, {ids} ids, {numbers} numbers, {ledger.Sent(log)} sent (NARU_SEED={seed})";
            output.WriteLine(told);
            Assert.True(all == ids && numbers == ledger.Sent(log), told);

            // Without an id and a name every arrival is an event of its own.
            Assert.True(log == Logs[2] ? all >= numbers : all == numbers, told);
        }

        foreach (string log in Logs[..2])
        {
            string name = log.Split('.')[1];
            JsonElement windows = await platform.AskAsync(
                "SELECT concat_ws(' ', epoch_us(window_start), events, CAST(cost AS VARCHAR)) "
                + $"FROM agg.{name} ORDER BY window_start");
            string[] counted = [.. windows.EnumerateArray().Select(static row => row[0].GetString()!)];
            Assert.True(ledger.Minutes(log).SequenceEqual(counted), $"{name} (NARU_SEED={seed})");
            (exit, text) = await PlatformProcess.RunAsync("aggregate", "verify", name, "--server", platform.Address);
            Assert.True(exit == 0, $"{text}\n(NARU_SEED={seed})");
        }

        (exit, text) = await PlatformProcess.RunAsync("audit", "--server", platform.Address);
        Assert.True(exit == 0 && text.Contains("difference 0", StringComparison.Ordinal), text);
    }

    /// <summary>What was sent, once for each event, however often it went out.</summary>
    private sealed class Ledger
    {
        private readonly ConcurrentQueue<(string Log, long Time, decimal Cost)> _sent = [];

        public void Add(string log, long time, decimal cost) => _sent.Enqueue((log, time, cost));

        public int Sent(string log) => _sent.Count(each => each.Log == log);

        public IEnumerable<string> Minutes(string log) => _sent.Where(each => each.Log == log)
            .GroupBy(static each => each.Time / Minute * Minute).OrderBy(static minute => minute.Key)
            .Select(static minute => string.Create(
                CultureInfo.InvariantCulture,
                $"{minute.Key} {minute.Count()} {minute.Sum(static each => each.Cost):f6}"));
    }

    /// <summary>Sends one batch after the other, each until it is acknowledged.</summary>
    private sealed class Client(int number, ChaosProxy proxy, Ledger ledger)
    {
        /// <summary>2026-03-01 00:00 in UTC; each batch is three seconds later.</summary>
        private const long Start = 1_772_323_200_000_000;

        private int _batch;

        public async Task SendAsync(int batches)
        {
            using HttpClient http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero })
            {
                BaseAddress = new Uri(proxy.Address), Timeout = Patience,
            };
            http.DefaultRequestHeaders.ConnectionClose = true;
            for (int i = 0; i < batches; i++, _batch++)
            {
                string log = Logs[_batch % Logs.Length];
                string body = Body(log);
                for (int attempts = 0; !await TrySendAsync(http, log, body); attempts++)
                {
                    Assert.True(attempts < 200, $"client {number}, batch {_batch}: never acknowledged");
                }
            }
        }

        private string Body(string log)
        {
            StringBuilder body = new();
            for (int i = 0; i < BatchEvents; i++)
            {
                string n = string.Create(CultureInfo.InvariantCulture, $"{number}-{_batch}-{i}");
                long time = Start + (3_000_000L * _batch) + (1_000L * i);
                decimal cost = (number * 1000) + i + 0.000_001m;
                ledger.Add(log, time, cost);
                string id = log == Logs[0] ? $"\"event_id\":\"{n}\"," : "";
                body.Append(CultureInfo.InvariantCulture,
                    $$"""{{{id}}"n":"{{n}}","cost":"{{cost}}","event_time":{{time}}}""").Append('\n');
            }

            return body.ToString();
        }

        private async Task<bool> TrySendAsync(HttpClient http, string log, string body)
        {
            using HttpRequestMessage request = new(HttpMethod.Post, $"/v1/events/{log}")
            {
                Content = new StringContent(body, Encoding.UTF8, "application/x-ndjson"),
            };
            if (log == Logs[1])
            {
                request.Headers.Add("Naru-Batch", $"{number}-{_batch}");
            }

            try
            {
                using HttpResponseMessage response = await http.SendAsync(request);
                Assert.True(
                    response.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable,
                    $"{response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
                return response.IsSuccessStatusCode;
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        }
    }
}
