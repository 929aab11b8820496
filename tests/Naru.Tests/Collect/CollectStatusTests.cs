using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Naru.Collect;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Sim;

namespace Naru.Tests.Collect;

/// <summary>Every refusal, with its status and code.</summary>
public class CollectStatusTests
{
    private const string Path = "/v1/events/kr_shop.page_view";
    private const string Event = """{"page":"/"}""";

    [Theory]
    [InlineData("")]
    [InlineData("Bearer nk_shop_wrong")]
    [InlineData("Bearer nk_unknown_secret")]
    [InlineData("Basic bm9ib2R5Og==")]
    public async Task Missing_unknown_and_wrong_keys_get_one_answer(string authorization)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        host.Http.DefaultRequestHeaders.Remove("Authorization");
        host.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);
        Answer known = await host.PostAsync(Path, Event);
        Answer unknown = await host.PostAsync("/v1/events/kr_shop.nothing", Event);
        Assert.Equal(HttpStatusCode.Unauthorized, known.Status);
        Assert.Equal(known.Text, unknown.Text);
        Assert.Equal("unauthorized", known.Error);
        Assert.Empty(host.Topic.Batches);
    }

    [Fact]
    public async Task A_key_writes_to_its_logs_only()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        host.Http.DefaultRequestHeaders.Remove("Authorization");
        host.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {CollectHost.AdKey}");
        Answer refused = await host.PostAsync(Path, Event);
        Assert.Equal((HttpStatusCode.Forbidden, "forbidden"), (refused.Status, refused.Error));
        Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/v1/events/kr_ad.click", Event)).Status);
        Answer mixed = await host.PostAsync(
            "/v1/events", """[{"_log":"kr_shop.page_view"},{"_log":"kr_ad.click"},{"_log":"kr_shop.nothing"}]""");
        Assert.Equal([(0, "not_allowed"), (2, "not_allowed")], mixed.Rejected.Select(static r => (r.Index, r.Reason)));
        Assert.Equal(1, mixed.Accepted);
    }

    [Fact]
    public async Task A_mistyped_log_is_answered_with_the_nearest_one()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        Answer answer = await host.PostAsync("/v1/events/kr_shop.page_veiw", Event);
        Assert.Equal((HttpStatusCode.NotFound, "unknown_log"), (answer.Status, answer.Error));
        Assert.Contains("did you mean 'kr_shop.page_view'?", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 400, "empty_body")]
    [InlineData(" \r\n\t ", 400, "empty_body")]
    [InlineData("\ufeff", 400, "empty_body")]
    [InlineData("hello", 400, "nothing_readable")]
    [InlineData("{\"a\":1", 400, "nothing_readable")]
    [InlineData("{\"a\":1}{\"b\":2}", 400, "nothing_readable")]
    [InlineData("[1,2]", 400, "nothing_readable")]
    [InlineData("[{\"a\":1},", 200, null)]
    [InlineData("[]", 200, null)]
    [InlineData("{\"a\":1}\n{\"b\":2}", 200, null)]
    public async Task Bodies_of_which_nothing_can_be_read_are_refused(string body, int status, string? code)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        Answer answer = await host.PostAsync(Path, body);
        Assert.Equal((status, code), (answer.Code, answer.Error));
    }

    [Theory]
    [InlineData("application/xml", 415, "unsupported_media_type")]
    [InlineData("multipart/form-data; boundary=x", 415, "unsupported_media_type")]
    [InlineData("application/json; charset=utf-8", 200, null)]
    [InlineData("application/x-ndjson", 200, null)]
    [InlineData("application/x-www-form-urlencoded", 200, null)]
    [InlineData("text/plain;charset=UTF-8", 200, null)]
    [InlineData(null, 200, null)]
    public async Task Content_types_are_known_or_refused(string? type, int status, string? code)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        Answer answer = await host.PostAsync(Path, Event, type);
        Assert.Equal((status, code), (answer.Code, answer.Error));
    }

    [Theory]
    [InlineData("Naru-Source", "", "bad_header")]
    [InlineData("Naru-Source", "a\tb", "bad_header")]
    [InlineData("Naru-History", "yes", "bad_header")]
    [InlineData("Naru-First-Index", "3", "bad_header")]
    [InlineData("Content-Encoding", "zstd", "unsupported_encoding")]
    [InlineData("Content-Encoding", "gzip, gzip", "unsupported_encoding")]
    [InlineData("Content-Encoding", "gzip", "broken_encoding")]
    [InlineData("Content-Encoding", "br", "broken_encoding")]
    [InlineData("Content-Encoding", "deflate", "broken_encoding")]
    public async Task Headers_that_say_nonsense_are_refused(string name, string value, string code)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        Assert.Equal(code, (await host.PostAsync(Path, Event, "application/json", (name, value))).Error);
        Assert.Empty(host.Topic.Batches);
    }

    [Theory]
    [InlineData("ack=never")]
    [InlineData("ack=lake")]
    [InlineData("validate=1")]
    [InlineData("valdate=true")]
    public async Task Parameters_that_are_not_known_are_refused(string query)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        Answer answer = await host.PostAsync($"{Path}?{query}", Event);
        Assert.Equal((400, "bad_parameter"), (answer.Code, answer.Error));
    }

    [Fact]
    public async Task A_topic_that_takes_nothing_is_503_with_the_time_to_wait()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        host.Topic.Refuse = static () => new TopicUnavailableException("the disk reserve is reached", 7);
        Answer answer = await host.PostAsync(Path, Event);
        Assert.Equal((503, "unavailable"), (answer.Code, answer.Error));
        Assert.Equal(TimeSpan.FromSeconds(7), answer.RetryAfter);
        Assert.Equal(0, answer.Accepted);
        host.Topic.Refuse = null;
        Assert.Equal(200, (await host.PostAsync(Path, Event)).Code);
    }

    [Fact]
    public async Task A_key_past_its_rate_is_429()
    {
        await using CollectHost host = await CollectHost.StartAsync(new CollectOptions { KeyBytesPerSecondMax = 1024 });
        Assert.Equal(200, (await host.PostAsync(Path, $$"""{"page":"{{new string('x', 100_000)}}"}""")).Code);
        Answer answer = await host.PostAsync(Path, Event);
        Assert.Equal((429, "too_many_bytes"), (answer.Code, answer.Error));
        Assert.InRange(answer.RetryAfter!.Value.TotalSeconds, 80, 100);
    }

    [Fact]
    public async Task Sizes_are_bounded()
    {
        await using CollectHost host = await CollectHost.StartAsync(
            new CollectOptions { EventBytesMax = 1000, BodyBytesMax = 3 << 20 });
        string large = $$"""{"page":"{{new string('x', 1000)}}"}""";
        Assert.Equal("event_too_large", (await host.PostAsync(Path, large)).Error);
        Assert.Equal("body_too_large", (await host.PostAsync(Path, new string(' ', (3 << 20) + 1) + Event)).Error);
        Assert.Empty(host.Topic.Batches);

        Answer lines = await host.PostAsync(Path, $"{Event}\n{large}\n{Event}", "application/x-ndjson");
        Assert.Equal(2, lines.Accepted);
        Assert.Equal((1, "too_large"), lines.Rejected.Select(static r => (r.Index, r.Reason)).Single());
        Answer array = await host.PostAsync(Path, $"[{Event},{large},{Event}]");
        Assert.Equal(2, array.Accepted);
        Assert.Equal((1, "too_large"), array.Rejected.Select(static r => (r.Index, r.Reason)).Single());
        Assert.Equal([0, 0, 2, 2], host.Kept().Select(static kept => kept.Index).Order());
        Assert.All(host.KeptRejected(), rejected => Assert.Equal(large, rejected.Text));
    }

    [Fact]
    public async Task An_event_larger_than_a_chunk_does_not_cost_its_neighbours()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        string large = $$"""{"page":"{{new string('}', 3 << 20)}}","x":[{"\"":"]"}]}""";
        Answer lines = await host.PostAsync(Path, $"{Event}\n{large}\n{Event}", "application/x-ndjson");
        Answer array = await host.PostAsync(Path, $"[{Event},{large},{Event}]");
        foreach (Answer answer in new[] { lines, array })
        {
            Assert.Equal((200, 2), (answer.Code, answer.Accepted));
            Assert.Equal((1, "too_large"), answer.Rejected.Select(static r => (r.Index, r.Reason)).Single());
        }

        Assert.Equal([(0, Event), (0, Event), (2, Event), (2, Event)], host.Kept().Order());
        Assert.All(host.KeptRejected(), rejected => Assert.Equal(large[..(64 << 10)], rejected.Text));
    }

    [Fact]
    public async Task While_the_server_drains_new_requests_are_refused_and_those_in_flight_are_acknowledged()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        TaskCompletionSource gate = new();
        host.Topic.Gate = gate.Task;
        Task<Answer> flying = host.PostAsync(Path, Event);
        using HttpClient second = new() { BaseAddress = host.Http.BaseAddress };
        await second.GetAsync("/warm");
        while (host.Services.GetRequiredService<ChunkBudget>().Bytes == 0)
        {
            await Task.Yield();
        }

        Task stopping = host.StopAsync();
        Assert.True(host.Services.GetRequiredService<CollectRuntime>().IsDraining);
        Assert.False(flying.IsCompleted);
        gate.SetResult();
        Assert.Equal(200, (await flying).Code);
        await stopping;
        Assert.Single(host.Topic.Batches);
    }

    [Fact]
    public async Task A_draining_server_answers_503()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        host.Services.GetRequiredService<CollectRuntime>().Drain();
        Answer answer = await host.PostAsync(Path, Event);
        Assert.Equal((503, "draining"), (answer.Code, answer.Error));
        Assert.NotNull(answer.RetryAfter);
    }

    [Fact]
    public async Task Pages_of_any_origin_may_send()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        using HttpRequestMessage preflight = new(HttpMethod.Options, Path);
        preflight.Headers.TryAddWithoutValidation("Origin", "https://shop.example");
        preflight.Headers.TryAddWithoutValidation("Access-Control-Request-Method", "POST");
        using HttpResponseMessage allowed = await host.Http.SendAsync(preflight);
        Assert.Equal(HttpStatusCode.NoContent, allowed.StatusCode);
        Assert.Equal("*", allowed.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.False(allowed.Headers.Contains("Access-Control-Allow-Credentials"));

        using HttpRequestMessage post = new(HttpMethod.Post, Path) { Content = new StringContent(Event) };
        post.Headers.TryAddWithoutValidation("Origin", "https://shop.example");
        using HttpResponseMessage answer = await host.Http.SendAsync(post);
        Assert.Equal("*", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
    }
}
