using System.Net;
using System.Text.Json;

namespace Naru.Tests.Platform;

public sealed class RejectedTests
{
    private const string Log = """
        log: kr_shop.tick
        description: One number of one client.
        owner: test
        fields:
          n: {type: int64, required: true}
        """;

    [Fact]
    public async Task A_page_of_another_site_cannot_replay()
    {
        using PlatformProject project = new(Log);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/rejected/replay");
        request.Headers.Add("Sec-Fetch-Site", "cross-site");
        using HttpResponseMessage response = await platform.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    /// <summary>One event alone is checked before its answer; events of a batch are checked by the stream.</summary>
    [Theory]
    [InlineData("""{"n":"x"}""")]
    [InlineData("""[{"n":"x"},{"n":1}]""")]
    public async Task The_key_at_fault_is_known_wherever_an_event_was_checked(string body)
    {
        using PlatformProject project = new(Log);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        using StringContent content = new(body);
        using HttpResponseMessage response = await platform.Http.PostAsync("/v1/events/kr_shop.tick", content);
        await platform.SeenAsync();
        JsonElement row = (await platform.AskAsync("SELECT log, reason, path, message FROM naru.rejected"))[0];
        Assert.Equal(
            ("kr_shop.tick", "wrong_type", "n"),
            (row[0].GetString(), row[1].GetString(), row[2].GetString()));
        Assert.Equal("expected a whole number (int64), found a string that is none", row[3].GetString());
    }
}
