using System.Diagnostics;
using System.Globalization;
using System.Text;
using Naru.Collect;

namespace Naru.Tests.Collect;

/// <summary>Sockets that keep no rule, beside a good client that must not notice.</summary>
public class HostileClientTests
{
    private const string Path = "/v1/events/kr_shop.page_view";
    private const string Event = """{"page":"/"}""";

    private static readonly int[] Documented =
        [0, 200, 204, 400, 401, 404, 405, 408, 411, 413, 414, 415, 431, 501, 505];

    /// <summary>Each with whether an event may be accepted from it.</summary>
    public static TheoryData<string> Requests =>
    [
        "GET / HTTP/0.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "POST {path} HTTP/1.1\r\n\r\n",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\n\r\n{\"a\":1}",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: -1\r\n\r\n{}",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: 2\r\nTransfer-Encoding: xchunked\r\n\r\n{}",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: 100\r\n\r\n{\"page\":",
        "POST {path} HTTP/1.1\r\nHost: x\r\nHost: y\r\n{key}\r\nContent-Length: 2\r\n\r\n{}",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\n folded: a\r\nContent-Length: 2\r\n\r\n{}",
        "POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nNaru-Source: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
        "POST {path} HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n",
        "POST /v1/events/{long} HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: 2\r\n\r\n{}",
        "POST /v1/events/../../etc/passwd HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: 2\r\n\r\n{}",
        "POST /v1/events/%00 HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: 2\r\n\r\n{}",
        "POST /v1/events/%2e%2e%2f HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: 2\r\n\r\n{}",
        "POST http://evil/v1/events/kr_shop.page_view HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        "PUT {path} HTTP/1.1\r\nHost: x\r\n{key}\r\nContent-Length: 2\r\n\r\n{}",
        "TRACE {path} HTTP/1.1\r\nHost: x\r\n\r\n",
    ];

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_request_that_breaks_HTTP_gets_a_documented_status_or_none(string request)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        string text = request
            .Replace("{path}", Path, StringComparison.Ordinal)
            .Replace("{key}", $"Authorization: Bearer {CollectHost.WriteKey}", StringComparison.Ordinal)
            .Replace("{long}", new string('a', 60_000), StringComparison.Ordinal);
        using RawHttp socket = new(host.Port);
        await socket.Stream.WriteAsync(Encoding.Latin1.GetBytes(text), TestContext.Current.CancellationToken);
        socket.CloseSending();
        string answer = await socket.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Contains(RawHttp.StatusOf(answer), Documented);
        Assert.Equal(200, (await host.PostAsync(Path, Event)).Code);
        Assert.Single(host.Topic.Batches);
        Assert.Empty(host.Logs.Lines);
    }

    [Fact]
    public async Task A_smuggled_second_request_is_its_own_request_or_refused()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        using RawHttp socket = new(host.Port);
        byte[] inner = RawHttp.Post(Path, Encoding.UTF8.GetBytes(Event));
        string outer = $"POST {Path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CollectHost.WriteKey}\r\n"
            + string.Create(CultureInfo.InvariantCulture, $"Content-Length: {inner.Length + 5}\r\n")
            + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        byte[] both = [.. Encoding.ASCII.GetBytes(outer), .. inner];
        await socket.Stream.WriteAsync(both, TestContext.Current.CancellationToken);
        socket.CloseSending();
        string answer = await socket.ReadAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain(" 200 ", answer, StringComparison.Ordinal);
        Assert.Empty(host.Topic.Batches);
    }

    [Fact]
    public async Task A_body_is_read_the_same_wherever_the_network_cuts_it()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        byte[] lines = Encoding.UTF8.GetBytes("\ufeff{\"a\":1}\r\n\n{\"b\":\"가\"}\n{\"c\":3}");
        byte[] array = Encoding.UTF8.GetBytes("[ {\"a\":1} ,7,{\"b\":\"\\ud83d\\ude00\"}]");
        foreach ((byte[] body, string type) in new[] { (lines, "application/x-ndjson"), (array, "application/json") })
        {
            byte[] request = RawHttp.Post(Path, body, $"Content-Type: {type}\r\n");
            string? whole = null;
            for (int cut = request.Length - body.Length; cut <= request.Length; cut++)
            {
                using RawHttp socket = new(host.Port);
                await socket.Stream.WriteAsync(request.AsMemory(0, cut), TestContext.Current.CancellationToken);
                await Task.Yield();
                await socket.Stream.WriteAsync(request.AsMemory(cut), TestContext.Current.CancellationToken);
                string answer = await socket.ReadAsync(TestContext.Current.CancellationToken);
                string json = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
                whole ??= json;
                Assert.Equal(whole, json);
            }
        }
    }

    [Theory]
    [InlineData("application/x-ndjson")]
    [InlineData("application/json")]
    public async Task Events_around_the_end_of_a_chunk_stay_whole(string type)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        for (int shift = -4; shift <= 4; shift++)
        {
            // The second event ends about where the first chunk of 1 MB does.
            string first = $$"""{"page":"{{new string('x', 1 << 19)}}"}""";
            string second = $$"""{"page":"{{new string('y', (1 << 20) - first.Length - 14 + shift)}}"}""";
            string[] events = [first, second, Event, Event];
            string body = type == "application/json" ? $"[{string.Join(',', events)}]" : string.Join('\n', events);
            Answer answer = await host.PostAsync(Path, body, type);
            Assert.Equal((200, 4), (answer.Code, answer.Accepted));
            Assert.Equal(
                events.Order(StringComparer.Ordinal),
                host.Kept().Select(static kept => kept.Text).Order(StringComparer.Ordinal));
            host.Topic.Clear();
        }
    }

    [Fact]
    public async Task Idle_and_slow_sockets_do_not_keep_a_good_client_waiting_and_are_closed()
    {
        await using CollectHost host = await CollectHost.StartAsync(
            new CollectOptions { HeaderTimeout = TimeSpan.FromSeconds(6), IdleTimeout = TimeSpan.FromSeconds(6) });
        List<RawHttp> sockets = [.. Enumerable.Range(0, 500).Select(_ => new RawHttp(host.Port))];
        byte[] begun = Encoding.ASCII.GetBytes($"POST {Path} HTTP/1.1\r\nHost: x\r\nX-Slow: ");
        foreach (RawHttp socket in sockets.Where(static (_, i) => i % 2 == 0))
        {
            await socket.Stream.WriteAsync(begun, TestContext.Current.CancellationToken);
        }

        int waited = 0;
        for (int i = 0; i < 50; i++)
        {
            long started = Stopwatch.GetTimestamp();
            Assert.Equal(200, (await host.PostAsync(Path, Event)).Code);
            waited += Stopwatch.GetElapsedTime(started).TotalSeconds >= 5 ? 1 : 0;
        }

        // Were they waited for, it would be until they are thrown out; a busy machine alone may hold up a few.
        Assert.InRange(waited, 0, 10);
        foreach (RawHttp socket in sockets)
        {
            int status = RawHttp.StatusOf(await socket.ReadAsync(TestContext.Current.CancellationToken));
            Assert.Contains(status, new[] { 0, 408 });
            socket.Dispose();
        }

        Assert.Equal(50, host.Topic.Records);
    }

    [Fact]
    public async Task A_body_that_trickles_is_given_up_and_what_it_sent_is_not_kept()
    {
        await using CollectHost host = await CollectHost.StartAsync(
            new CollectOptions { BodyRateGrace = TimeSpan.FromSeconds(1.1), BodyRateBytesMin = 240 });
        using RawHttp socket = new(host.Port);
        byte[] request = RawHttp.Post(Path, Encoding.UTF8.GetBytes(Event));
        await socket.Stream.WriteAsync(request.AsMemory(0, request.Length - 3), TestContext.Current.CancellationToken);
        string answer = await socket.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(408, RawHttp.StatusOf(answer));
        Assert.Contains("body_too_slow", answer, StringComparison.Ordinal);
        Assert.Empty(host.Topic.Batches);
    }

    [Fact]
    public async Task Memory_for_bodies_is_bounded()
    {
        await using CollectHost host = await CollectHost.StartAsync(new CollectOptions { BufferBytesMax = 3 << 20 });
        List<RawHttp> sockets = [];
        for (int i = 0; i < 6; i++)
        {
            RawHttp socket = new(host.Port);
            sockets.Add(socket);
            byte[] request = RawHttp.Post(Path, new byte[(1 << 20) - 100], "Content-Type: application/x-ndjson\r\n");
            await socket.Stream.WriteAsync(
                request.AsMemory(0, request.Length - 1), TestContext.Current.CancellationToken);
        }

        string refused = await Task.WhenAny(
            sockets.Select(socket => socket.ReadAsync(TestContext.Current.CancellationToken))).Unwrap();
        Assert.Equal(503, RawHttp.StatusOf(refused));
        Assert.Contains("Retry-After: 1", refused, StringComparison.Ordinal);
        sockets.ForEach(static socket => socket.Dispose());
    }
}
