using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Text;
using Naru.Demo;

namespace Naru.Tests.Demo;

public class ShopRunTests
{
    private static readonly ShopOptions Options =
        ShopTrafficTests.Options with { HistoryDays = 1, EventsPerDay = 2_000 };

    [Fact]
    public async Task Every_batch_arrives_though_the_platform_is_away_now_and_then()
    {
        int number = 0;
        FakeCollect collect = new(() => (Interlocked.Increment(ref number) % 7) switch
        {
            1 => HttpStatusCode.ServiceUnavailable,
            3 => null,
            _ => HttpStatusCode.OK,
        });
        (ShopRun run, ShopTraffic traffic) = Make(collect);
        await run.SendHistoryAsync(CancellationToken.None);

        ShopBatch[] sent = [.. traffic.History()];
        long lines = sent.Sum(static batch => (long)batch.Copies * batch.Events.Length);
        Assert.Equal(lines, collect.Accepted.Sum(static post => post.Lines));
        Assert.Equal(
            sent.Select(static batch => batch.Name).Order(),
            collect.Accepted.Select(static post => post.Name).Distinct().Order());
        ShopTruth truth = new(Options);
        Array.ForEach(sent, batch => truth.Add(batch, batch.Copies));
        Assert.Equal(Encoding.UTF8.GetString(truth.ToJson()), Encoding.UTF8.GetString(run.Truth()));
        Assert.Equal(collect.Accepted.Sum(static post => post.Lines), run.Progress.HistorySent);
    }

    [Fact]
    public async Task A_refusal_stops_the_run_and_says_why()
    {
        FakeCollect collect = new(static () => HttpStatusCode.NotFound);
        (ShopRun run, _) = Make(collect);
        ShopRefusedException refused = await Assert.ThrowsAsync<ShopRefusedException>(
            () => run.SendHistoryAsync(CancellationToken.None));
        Assert.Contains("was refused with 404: unknown log", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_in_flight_when_stopped_is_in_doubt_and_not_in_the_truth()
    {
        using CancellationTokenSource stop = new();
        int answered = 0;
        FakeCollect collect = new(() => Interlocked.Increment(ref answered) <= 10 ? HttpStatusCode.OK : null)
        {
            OnBroken = stop.Cancel,
        };
        (ShopRun run, _) = Make(collect);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.SendHistoryAsync(stop.Token));
        ShopTruthDocument truth = run.TruthDocument();
        Assert.Equal(collect.Accepted.Sum(static post => post.Lines), truth.Logs.Values.Sum(static log => log.Sent));
        Assert.InRange(truth.BatchesInDoubt, 1, 4);
    }

    private static (ShopRun Run, ShopTraffic Traffic) Make(FakeCollect collect)
    {
        ShopTraffic traffic = new(Options);
        HttpClient http = new(collect) { BaseAddress = new Uri("http://localhost") };
        return (new ShopRun(traffic, new ShopSender(http, new HastyTime()), TimeProvider.System), traffic);
    }

    private sealed record Post(string Log, string Name, long Lines);

    /// <summary>Answers as collect does; null breaks the connection.</summary>
    private sealed class FakeCollect(Func<HttpStatusCode?> next) : HttpMessageHandler
    {
        public ConcurrentBag<Post> Accepted { get; } = [];

        public Action OnBroken { get; init; } = static () => { };

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            byte[] body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            if (request.Content.Headers.ContentEncoding.Contains("gzip"))
            {
                using GZipStream gzip = new(new MemoryStream(body), CompressionMode.Decompress);
                using MemoryStream plain = new();
                await gzip.CopyToAsync(plain, cancellationToken);
                body = plain.ToArray();
            }

            HttpStatusCode? status = next();
            if (status is null)
            {
                OnBroken();
                throw new HttpRequestException("connection reset");
            }

            long lines = body.Count(static value => value == '\n');
            if (status == HttpStatusCode.OK)
            {
                string log = request.RequestUri!.AbsolutePath["/v1/events/".Length..];
                Accepted.Add(new Post(log, request.Headers.GetValues("Naru-Batch").Single(), lines));
                Assert.Equal("true", request.Headers.GetValues("Naru-History").Single());
            }

            string answer = status == HttpStatusCode.OK ? $$"""{"accepted":{{lines}},"rejected":[]}""" : "unknown log";
            return new HttpResponseMessage(status.Value) { Content = new StringContent(answer) };
        }
    }

    /// <summary>Every wait is over at once.</summary>
    private sealed class HastyTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.FromTicks(1) : dueTime, period);
    }
}
