using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Cli;

/// <summary>`GET /v1/tail/{log}` and `naru tail`: what landed, once, to those who may see it.</summary>
[Trait("Size", "Slow")]
public sealed class TailTests : IDisposable
{
    private readonly PlatformProject _project = new(
        """
        log: t.tap
        fields:
          n: {type: int64, required: true}
          who: {type: string, sensitive: true}
        lifetime: {secure: 90d}
        """,
        """
        log: t.other
        fields:
          n: int64
        lifetime: {secure: 90d}
        """);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task A_reader_gets_each_valid_event_once_as_it_lands_and_nothing_it_may_not_see()
    {
        await using PlatformProcess platform = await PlatformProcess.StartAsync(_project.Root);
        string admin = await KeyAsync("admin", "--admin", "--read", "*", "--secure", "*", "--write", "*");
        string reader = await KeyAsync("reader", "--read", "t.tap");
        string other = await KeyAsync("other", "--read", "t.other");
        await SendAsync(platform, admin, 1, 2, 2, -1, 3);

        string[] all = await LinesAsync(platform, admin, "from=start", 3);
        Assert.Equal([1, 2, 3], all.Select(N).Order());
        Assert.All(all, static line => Assert.Contains("\"who\":\"canary\"", line, StringComparison.Ordinal));
        Assert.All(all, static line => Assert.Contains("\"extra\":", line, StringComparison.Ordinal));

        string[] some = await LinesAsync(platform, reader, "from=1h", 3);
        Assert.Equal([1, 2, 3], some.Select(N).Order());
        Assert.All(some, static line => Assert.DoesNotContain("canary", line, StringComparison.Ordinal));
        Assert.All(some, static line => Assert.DoesNotContain("extra", line, StringComparison.Ordinal));

        Assert.Equal(2, N(Assert.Single(await LinesAsync(platform, reader, "from=start&where=n=2", 1))));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(platform, reader, "where=who=canary"));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(platform, reader, "where=nn=1"));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(platform, reader, "from=yesterdayish"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(platform, other, ""));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(platform, "nk_x_y", ""));

        Task<string[]> later = LinesAsync(platform, reader, "", 2, () => SendAsync(platform, admin, 3, 4, 5));
        Assert.Equal([4, 5], (await later).Select(N).Order());

        (int code, string output) = await PlatformProcess.RunAsync(
            "tail", "t.tap", "--project", _project.Root, "--from", "start", "--limit", "5", "--json");
        Assert.True(code == 0, output);
        Assert.Equal([1, 2, 3, 4, 5], output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(N).Order());
    }

    private static int N(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        return document.RootElement.GetProperty("event").GetProperty("n").GetInt32();
    }

    private static async Task SendAsync(PlatformProcess platform, string key, params int[] numbers)
    {
        foreach (int n in numbers)
        {
            string value = n < 0 ? "\"broken\"" : $"{n}";
            using HttpRequestMessage request = new(HttpMethod.Post, "/v1/events/t.tap?ack=lake")
            {
                Content = new StringContent(
                    $"{{\"n\":{value},\"who\":\"canary\",\"extra\":\"canary\",\"event_id\":\"{n}\"}}"),
            };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            using HttpResponseMessage answer = await platform.Http.SendAsync(request, Stop);
            Assert.True(n < 0 || answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Stop));
        }
    }

    private static async Task<string[]> LinesAsync(
        PlatformProcess platform, string key, string query, int count, Func<Task>? meanwhile = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/v1/tail/t.tap?{query}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using HttpResponseMessage answer =
            await platform.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        if (meanwhile is not null)
        {
            await meanwhile();
        }

        using StreamReader lines = new(await answer.Content.ReadAsStreamAsync(Stop));
        List<string> read = [];
        while (read.Count < count)
        {
            read.Add((await lines.ReadLineAsync(Stop))!);
        }

        return [.. read];
    }

    private static async Task<HttpStatusCode> StatusAsync(PlatformProcess platform, string key, string query)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/v1/tail/t.tap?{query}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using HttpResponseMessage answer =
            await platform.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        return answer.StatusCode;
    }

    private async Task<string> KeyAsync(string name, params string[] rights)
    {
        (int code, string output) = await PlatformProcess.RunAsync(
            ["key", "add", name, .. rights, "--project", _project.Root, "--json"]);
        Assert.True(code == 0, output);
        return System.Text.RegularExpressions.Regex.Match(output, "nk_[A-Za-z0-9_-]+").Value;
    }
}
