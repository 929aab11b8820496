using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Core.Events;
using Naru.Server;
using Naru.Stream.Aggregate;
using Naru.Tests.Stream.Batch;

namespace Naru.Tests.Platform;

/// <summary>The live API over HTTP, on windows that the test writes.</summary>
public sealed class LiveApiTests : IAsyncLifetime
{
    private static readonly long Start =
        DateTimeOffset.Parse("2026-11-21T10:00:00+09:00", CultureInfo.InvariantCulture).ToUnixTimeMilliseconds() * 1000;

    private readonly FakeLive _live = new();
    private readonly HttpClient _http = new();
    private WebApplication? _application;

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton<ILiveAggregates>(_live);
        builder.Services.AddSingleton<IAuthenticator>(new Keys());
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddLiveAggregates(ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul")));
        _application = builder.Build();
        _application.MapLiveAggregates();
        await _application.StartAsync(TestContext.Current.CancellationToken);
        _http.BaseAddress = new Uri(_application.Urls.First());
        _http.DefaultRequestHeaders.Add("Authorization", "all");
        _live.Watermark = Start + (3 * FakeLive.Minute) + 1;
        _live.Add(Start, "ad-1", 2, 3_000_000);
        _live.Add(Start, "ad-2", 1, 0);
        _live.Add(Start + FakeLive.Minute, "ad-1", 4, 1_000_000);
        _live.Add(Start + (3 * FakeLive.Minute), "광고 \"하나\"", 9, 500_000);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _application!.DisposeAsync();
    }

    [Fact]
    public async Task One_keys_windows_come_in_order_with_their_state()
    {
        JsonElement answer = await AskAsync("/v1/aggregates/ad_clicks?key.ad_id=ad-1");
        Assert.Equal(
            """
            {"window_start":"2026-11-21T10:00:00+09:00","window_end":"2026-11-21T10:01:00+09:00",
            "ad_id":"ad-1","clicks":2,"cost":3.000000,"cost_per_click":1.5,"_final":true,"_revision":0};
            {"window_start":"2026-11-21T10:01:00+09:00","window_end":"2026-11-21T10:02:00+09:00",
            "ad_id":"ad-1","clicks":4,"cost":1.000000,"cost_per_click":0.25,"_final":true,"_revision":0}
            """.Replace(",\n", ",", StringComparison.Ordinal).Replace(";", "", StringComparison.Ordinal),
            Rows(answer));
        Assert.Equal("2026-11-21T10:03:00.000001+09:00", answer.GetProperty("watermark").GetString());
        Assert.False(answer.GetProperty("building").GetBoolean());
        Assert.Equal("", Rows(await AskAsync("/v1/aggregates/ad_clicks?key.ad_id=nobody")));
        string quoted = Uri.EscapeDataString("광고 \"하나\"");
        answer = await AskAsync($"/v1/aggregates/ad_clicks?key.ad_id={quoted}");
        Assert.Contains("\"clicks\":9", Rows(answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_says_how_often_its_window_was_revised()
    {
        _live.Revisions = _live.Revisions.Add(Start + FakeLive.Minute, 2);
        Assert.Equal(["0", "2"], Revisions(await AskAsync("/v1/aggregates/ad_clicks?key.ad_id=ad-1")));
        Assert.Equal(["0", "0", "2", "0"], Revisions(await AskAsync("/v1/aggregates/ad_clicks")));
    }

    [Theory]
    [InlineData("", "2 1 4 9")]
    [InlineData("from=2026-11-21T10:01", "4 9")]
    [InlineData("to=2026-11-21T10:01", "2 1")]
    [InlineData("from=2026-11-21T01:01:00Z&to=2026-11-21T10:02:00%2B09:00", "4")]
    [InlineData("last=1m", "9")]
    [InlineData("last=3m", "4 9")]
    [InlineData("last=3m&key.ad_id=ad-1", "4")]
    [InlineData("limit=2", "4 9")]
    public async Task A_range_is_of_window_starts(string query, string clicks)
    {
        JsonElement answer = await AskAsync($"/v1/aggregates/ad_clicks?{query}");
        Assert.Equal(clicks, string.Join(' ', answer.GetProperty("rows").EnumerateArray()
            .Select(static row => row.GetProperty("clicks").GetRawText())));
        Assert.Equal(query == "limit=2", answer.GetProperty("truncated").GetBoolean());
    }

    [Theory]
    [InlineData("top=2", "광고 \"하나\"=9 ad-1=6")]
    [InlineData("top=9&by=clicks&order=asc", "ad-2=1 ad-1=6 광고 \"하나\"=9")]
    [InlineData("top=9&by=cost", "ad-1=6 광고 \"하나\"=9 ad-2=1")]
    [InlineData("top=9&by=cost_per_click&last=5m", "ad-1=6 광고 \"하나\"=9 ad-2=1")]
    [InlineData("top=9&last=3m", "광고 \"하나\"=9 ad-1=4")]
    [InlineData("top=9&key.ad_id=ad-2", "ad-2=1")]
    public async Task A_ranking_is_of_keys_over_the_whole_range(string query, string expected)
    {
        JsonElement answer = await AskAsync($"/v1/aggregates/ad_clicks?{query}");
        Assert.True(answer.GetProperty("merged").GetBoolean());
        Assert.Equal(expected, string.Join(' ', answer.GetProperty("rows").EnumerateArray()
            .Select(static row => $"{row.GetProperty("ad_id").GetString()}={row.GetProperty("clicks").GetRawText()}")));
    }

    [Theory]
    [InlineData("ad_clicks?lst=5m", 400, "there is no parameter `lst`", "did you mean last?")]
    [InlineData("ad_clicks?ad_id=1", 400, "there is no parameter `ad_id`", "write key.ad_id=…")]
    [InlineData("ad_clicks?key.add_id=1", 400, "`add_id` is no key of ad_clicks", "did you mean key.ad_id?")]
    [InlineData("ad_clicks?key.clicks=1", 400, "`clicks` is no key of ad_clicks", "its keys: ad_id")]
    [InlineData("ad_clicks?top=5&by=click", 400, "`by` names no column \"click\" of ad_clicks", "did you mean clicks?")]
    [InlineData("ad_clicks?by=clicks", 400, "`by` and `order` rank rows and `top` is missing", "write &top=100")]
    [InlineData("ad_clicks?last=soon", 400, "`last` is \"soon\", which is no duration", "write it as last=5m")]
    [InlineData("ad_clicks?top=0", 400, "`top` is \"0\"", "write a number from 1 to 100000")]
    [InlineData("ad_clicks?top=1&top=2", 400, "`top` is given 2 times", "give it once")]
    [InlineData("ad_click", 404, "there is no aggregate \"ad_click\"", "did you mean ad_clicks?")]
    public async Task What_is_wrong_is_told_with_a_hint(string path, int status, string message, string hint)
    {
        using HttpResponseMessage response = await _http.GetAsync(
            new Uri($"/v1/aggregates/{path}", UriKind.Relative), TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        JsonElement error = JsonDocument.Parse(text).RootElement.GetProperty("error");
        Assert.Equal(
            (status, message, hint),
            ((int)response.StatusCode, Text(error, "message"), Text(error, "hint")));
    }

    [Fact]
    public async Task Rights_are_those_of_the_table_in_SQL()
    {
        foreach ((string key, int one, int listed) in ((string, int, int)[])
            [("all", 200, 1), ("agg", 200, 1), ("other", 403, 0)])
        {
            Assert.Equal(one, await StatusAsync("/v1/aggregates/ad_clicks", key));
            Assert.Equal(one, await StatusAsync("/v1/aggregates/ad_clicks?key.ad_id=ad-1", key));
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/aggregates");
            request.Headers.Add("Authorization", key);
            using HttpClient http = new() { BaseAddress = _http.BaseAddress };
            using HttpResponseMessage response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            using JsonDocument list = JsonDocument.Parse(
                await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            Assert.Equal(listed, list.RootElement.GetProperty("aggregates").GetArrayLength());
        }

        Assert.Equal(401, await StatusAsync("/v1/aggregates/ad_clicks", "nobody"));
        Assert.Equal(401, await StatusAsync("/v1/aggregates/ad_clicks/stream", "nobody"));
    }

    [Fact]
    public async Task The_list_says_what_each_is_and_how_it_stands()
    {
        JsonElement item = Assert.Single((await AskAsync("/v1/aggregates")).GetProperty("aggregates").EnumerateArray());
        Assert.Equal("tumble 1m", item.GetProperty("window").GetString());
        Assert.Equal("""["ad_id"]""", item.GetProperty("keys").GetRawText());
        Assert.Equal("""["kr_shop.ad_click"]""", item.GetProperty("logs").GetRawText());
        Assert.Equal("2026-11-21T10:03:00.000001+09:00", item.GetProperty("watermark").GetString());
    }

    [Fact]
    public async Task Many_requests_at_once_read_the_stream_once()
    {
        int before = _live.Reads;
        await Task.WhenAll(Enumerable.Range(0, 64).Select(i =>
            AskAsync(i % 2 == 0 ? "/v1/aggregates/ad_clicks?key.ad_id=ad-1" : "/v1/aggregates/ad_clicks?top=10")));

        // One view and one ranking; on a slow machine each is refreshed while requests still come.
        Assert.InRange(_live.Reads - before, 2, 32);
    }

    [Fact]
    public async Task A_stream_begins_with_everything_and_goes_on_with_what_changes()
    {
        using CancellationTokenSource end =
            CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using System.IO.Stream body = await _http.GetStreamAsync(
            new Uri("/v1/aggregates/ad_clicks/stream", UriKind.Relative), end.Token);
        using StreamReader lines = new(body);
        (string name, JsonElement data) = await EventAsync(lines);
        Assert.Equal(("snapshot", 4), (name, data.GetProperty("rows").GetArrayLength()));
        _live.Add(Start + FakeLive.Minute, "ad-1", 1, 0);
        _live.Add(Start + FakeLive.Minute, "ad-3", 1, 0);
        _live.Drop(Start);
        List<string> changed = [];
        List<string> gone = [];
        while (changed.Count < 2 || gone.Count < 2)
        {
            (name, data) = await EventAsync(lines);
            Assert.Equal("change", name);
            changed.AddRange(data.GetProperty("rows").EnumerateArray().Select(static row =>
                $"{row.GetProperty("ad_id").GetString()}={row.GetProperty("clicks").GetRawText()}"));
            gone.AddRange(data.GetProperty("gone").EnumerateArray().Select(static row => row.GetRawText()));
        }

        Assert.Equal(["ad-1=5", "ad-3=1"], changed.Order());
        Assert.Equal(
            [
                """{"window_start":"2026-11-21T10:00:00+09:00","ad_id":"ad-1"}""",
                """{"window_start":"2026-11-21T10:00:00+09:00","ad_id":"ad-2"}""",
            ],
            gone.Order());
        await end.CancelAsync();
    }

    [Fact]
    public async Task A_ranking_is_followed_whole_and_followers_share_one_computation()
    {
        Uri address = new("/v1/aggregates/ad_clicks/stream?top=1", UriKind.Relative);
        using StreamReader first = new(await _http.GetStreamAsync(address, TestContext.Current.CancellationToken));
        using StreamReader second = new(await _http.GetStreamAsync(address, TestContext.Current.CancellationToken));
        Assert.Equal("snapshot", (await EventAsync(first)).Name);
        Assert.Equal("snapshot", (await EventAsync(second)).Name);
        _live.Add(Start, "ad-2", 100, 0);
        foreach (StreamReader each in (StreamReader[])[first, second])
        {
            (string name, JsonElement data) = await EventAsync(each);
            JsonElement row = Assert.Single(data.GetProperty("rows").EnumerateArray());
            Assert.Equal(("snapshot", "ad-2", 101),
                (name, row.GetProperty("ad_id").GetString(), row.GetProperty("clicks").GetInt32()));
        }
    }

    [Fact]
    public async Task A_stream_ends_when_the_aggregate_is_no_more()
    {
        using StreamReader lines = new(await _http.GetStreamAsync(
            new Uri("/v1/aggregates/ad_clicks/stream", UriKind.Relative), TestContext.Current.CancellationToken));
        Assert.Equal("snapshot", (await EventAsync(lines)).Name);
        _live.IsGone = true;
        Assert.Equal("", (await lines.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim());
    }

    [Fact]
    public async Task What_was_said_last_stands_while_the_stream_is_opened_anew()
    {
        string[] paths = ["/v1/aggregates/ad_clicks?key.ad_id=ad-1", "/v1/aggregates/ad_clicks?top=1"];
        string[] before = await Task.WhenAll(paths.Select(async path => Rows(await AskAsync(path))));
        _live.IsUnreadable = true;
        int reads = _live.Reads;

        // Until every answer is older than what may be given without another attempt.
        while (_live.Reads < reads + 6)
        {
            for (int i = 0; i < paths.Length; i++)
            {
                Assert.Equal(before[i], Rows(await AskAsync(paths[i])));
            }
        }
    }

    private static async Task<(string Name, JsonElement Data)> EventAsync(StreamReader lines)
    {
        string name = "";
        while (await lines.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
            {
                name = line["event: ".Length..];
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                return (name, JsonDocument.Parse(line["data: ".Length..]).RootElement);
            }
        }

        throw new InvalidOperationException("the stream ended");
    }

    private static IEnumerable<string> Revisions(JsonElement answer) =>
        answer.GetProperty("rows").EnumerateArray().Select(static row => row.GetProperty("_revision").GetRawText());

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static string Rows(JsonElement answer) => string.Join(
        '\n', answer.GetProperty("rows").EnumerateArray().Select(static row => row.GetRawText()));

    private async Task<JsonElement> AskAsync(string path) => JsonDocument.Parse(await _http.GetStringAsync(
        new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken)).RootElement;

    private async Task<int> StatusAsync(string path, string key)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        request.Headers.Add("Authorization", key);
        using HttpClient http = new() { BaseAddress = _http.BaseAddress };
        using HttpResponseMessage response = await http.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return (int)response.StatusCode;
    }

    private sealed class Keys : IAuthenticator
    {
        public Principal? Authenticate(string? authorization, IPAddress? remote) => authorization switch
        {
            "all" => Principal.Open,
            "agg" => new Principal { Name = "agg", Read = ["agg.*"] },
            "other" => new Principal { Name = "other", Read = ["kr_shop.*"] },
            _ => null,
        };
    }
}
