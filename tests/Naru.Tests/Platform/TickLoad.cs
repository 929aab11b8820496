using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Naru.Tests.Platform;

/// <summary>One answer, or none (<see cref="Status"/> 0), and when its request began and ended.</summary>
internal readonly record struct TickAnswer(DateTime Began, DateTime Ended, int Status, TimeSpan? RetryAfter)
{
    public bool IsAccepted => Status == 200;
}

/// <summary>
/// Clients that send numbered events as long as they are let and remember every answer; afterwards what they know is
/// compared with the lake.
/// </summary>
internal sealed class TickLoad
{
    public const string Log = """
        log: kr_shop.tick
        description: One number of one client.
        owner: test
        fields:
          n: {type: string, required: true}
        """;

    private const int Clients = 6;
    private const int BatchEvents = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly ConcurrentQueue<TickAnswer> _answers = [];
    private readonly ConcurrentDictionary<string, byte> _acknowledged = [];
    private readonly ConcurrentDictionary<string, byte> _sent = [];
    private long _next;

    public IEnumerable<TickAnswer> Answers => _answers;

    public int Acknowledged => _acknowledged.Count;

    /// <summary>Sends until <paramref name="stop"/>; a request under way then still gets its answer.</summary>
    public Task RunAsync(PlatformProcess platform, CancellationToken stop) => Task.WhenAll(
        Enumerable.Range(0, Clients).Select(_ => Task.Run(() => SendAsync(platform, stop), CancellationToken.None)));

    /// <summary>Waits for an answer whose request begins from now on.</summary>
    public async Task<TickAnswer> NextAsync(Func<TickAnswer, bool> wanted, TimeSpan within)
    {
        DateTime now = DateTime.UtcNow;
        TickAnswer found = default;
        await Wait.ForAsync(
            () =>
            {
                found = _answers.FirstOrDefault(answer => answer.Began > now && wanted(answer));
                return Task.FromResult(found.Status != 0);
            },
            within,
            () => "no such answer; the last: " + string.Join(", ", _answers.TakeLast(Clients)));
        return found;
    }

    /// <summary>Waits until so many requests that begin from now on have an answer, whichever.</summary>
    public async Task MoreAsync(int answers, TimeSpan within)
    {
        DateTime now = DateTime.UtcNow;
        await Wait.ForAsync(
            () => Task.FromResult(_answers.Count(answer => answer.Began > now && answer.Status != 0) >= answers),
            within,
            () => "too few answers; the last: " + string.Join(", ", _answers.TakeLast(Clients)));
    }

    /// <summary>Everything acknowledged is there once, nothing that was not sent is, and the ledger adds up.</summary>
    public async Task VerifyAsync(PlatformProcess platform)
    {
        await platform.SeenAsync();
        JsonElement counts =
            await platform.AskAsync("SELECT count(*), count(DISTINCT _id), count(DISTINCT n) FROM kr_shop.tick");
        using HttpRequestMessage request =
            new(HttpMethod.Post, "/v1/sql") { Content = new StringContent("SELECT n FROM kr_shop.tick") };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/csv"));
        using HttpResponseMessage response = await platform.Http.SendAsync(request);
        string[] rows =
        [
            .. (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)
                .Select(static line => line.Trim()),
        ];
        HashSet<string> landed = [.. rows];
        Assert.Equal(rows.Length, landed.Count);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(rows.Length, counts[0][i].GetInt64());
        }

        Assert.Empty(_acknowledged.Keys.Except(landed).Take(10));
        Assert.Empty(landed.Except(_sent.Keys).Take(10));
        (int exit, string text) = await PlatformProcess.RunAsync("audit", "--server", platform.Address);
        Assert.True(exit == 0 && text.Contains("difference 0", StringComparison.Ordinal), text);
    }

    private async Task SendAsync(PlatformProcess platform, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            string[] numbers =
            [
                .. Enumerable.Range(0, BatchEvents)
                    .Select(_ => Interlocked.Increment(ref _next).ToString(CultureInfo.InvariantCulture)),
            ];
            StringBuilder body = new();
            foreach (string n in numbers)
            {
                _sent.TryAdd(n, 0);
                body.Append(CultureInfo.InvariantCulture, $$"""{"event_id":"{{n}}","n":"{{n}}"}""").Append('\n');
            }

            TickAnswer answer = await PostAsync(platform, body.ToString());
            foreach (string n in answer.IsAccepted ? numbers : [])
            {
                _acknowledged.TryAdd(n, 0);
            }

            _answers.Enqueue(answer);

            // Less than all that the machine can do: the rows must fit into one answer.
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private static async Task<TickAnswer> PostAsync(PlatformProcess platform, string body)
    {
        DateTime began = DateTime.UtcNow;
        try
        {
            using StringContent content = new(body, Encoding.UTF8, "application/x-ndjson");
            using HttpResponseMessage response = await platform.Http.PostAsync("/v1/events/kr_shop.tick", content);
            return new TickAnswer(
                began, DateTime.UtcNow, (int)response.StatusCode, response.Headers.RetryAfter?.Delta);
        }
        catch (HttpRequestException)
        {
            return new TickAnswer(began, DateTime.UtcNow, 0, null);
        }
    }
}

/// <summary>Waits for a condition of another process, which tells nobody when it changes.</summary>
internal static class Wait
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    public static async Task ForAsync(Func<Task<bool>> condition, TimeSpan within, Func<string> otherwise)
    {
        using PeriodicTimer timer = new(Look);
        for (DateTime end = DateTime.UtcNow + within; !await condition();)
        {
            Assert.True(DateTime.UtcNow < end, $"waited {within.TotalSeconds} s: {otherwise()}");
            await timer.WaitForNextTickAsync();
        }
    }
}
