using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Naru.Access;
using Naru.Sim;

namespace Naru.Tests.Access;

/// <summary>Refused requests in the trail, of senders as of askers, and never more than a disk bears.</summary>
public sealed class RefusalTests(AccessServer server) : IClassFixture<AccessServer>
{
    [Fact]
    public async Task A_flood_is_told_in_part_and_counted_whole()
    {
        ManualTimeProvider time = new();
        Notes notes = new();
        RefusalTrail trail = new(notes, time);
        for (int i = 0; i < 10_000; i++)
        {
            await trail.RecordAsync(Request("10.0.0.1", $"/v1/{new string('x', 5_000)}"), null, 401);
        }

        Assert.Equal(RefusalTrail.SourceMax, notes.Count);
        Assert.All(notes, static note => Assert.True(note.Detail["path"].Length <= 200));

        // Another address is told besides, until all have had their share.
        for (int i = 0; i < 10_000; i++)
        {
            await trail.RecordAsync(Request($"10.0.{i / 250}.{i % 250}", "/v1/keys"), null, 401);
        }

        Assert.Equal(RefusalTrail.AllMax, notes.Count);
        time.Advance(TimeSpan.FromMinutes(1));
        await trail.CloseAsync();
        Assert.Equal(("more", "19800"), (notes[^1].Detail["outcome"], notes[^1].Detail["count"]));
        await trail.RecordAsync(Request("10.0.0.1", "/v1/keys"), new Principal { Name = "kim" }, 403);
        Assert.Equal(("kim", "denied", "forbidden"), (notes[^1].Who, notes[^1].What, notes[^1].Detail["outcome"]));
    }

    [Theory]
    [InlineData("/v1/keys")]
    [InlineData("/v1/alerts/")]
    [InlineData("/v1/models/x/intervals")]
    public async Task A_method_that_an_address_has_not_is_said_to_be_that(string address)
    {
        using HttpResponseMessage answer = await server.SendAsync(HttpMethod.Patch, address, null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Contains("GET", answer.Content.Headers.Allow);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task Who_sends_without_the_right_is_in_the_trail_and_a_keys_ticket_bounds_what_it_sends()
    {
        (string, string) root = AccessServer.Basic("root", server.Root);
        string key = await KeyAsync("""{"name":"small","write":["kr_shop.order"],"ticket":"small"}""", root);
        const string Events = """[{"region":"seoul"},{"region":"busan"}]""";
        Assert.Equal(200, await PostAsync("/v1/events/kr_shop.order", Events, key));
        Assert.Equal(200, await PostAsync("/v1/events/kr_shop.order", Events, key));
        Assert.Equal(429, await PostAsync("/v1/events/kr_shop.order", Events, key));
        Assert.Equal(403, await PostAsync("/v1/events/kr_shop.other", Events, key));
        Assert.Equal(401, await PostAsync("/v1/events/kr_shop.order", Events, "nk_abcdefghij_wrong"));
        using (HttpResponseMessage unknown = await server.SendAsync(HttpMethod.Get, "/v1/keys", null))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, unknown.StatusCode);
        }

        using (HttpResponseMessage undefined = await server.SendAsync(
            HttpMethod.Post, "/v1/keys", """{"name":"k","write":["*"],"ticket":"nosuch"}""", root))
        {
            string text = await undefined.Content.ReadAsStringAsync();
            Assert.Equal(HttpStatusCode.BadRequest, undefined.StatusCode);
            Assert.Contains("there is no ticket 'nosuch'", text, StringComparison.Ordinal);
        }

        string trail = "";
        string[] wanted =
        [
            "small,forbidden,/v1/events/kr_shop.other", ",unauthorized,/v1/events/kr_shop.order",
            ",unauthorized,/v1/keys",
        ];
        await Platform.Wait.ForAsync(
            async () =>
            {
                using HttpResponseMessage answer = await server.SendAsync(
                    HttpMethod.Post,
                    "/v1/sql?format=csv&raw=1",
                    JsonSerializer.Serialize(new
                    {
                        sql = "SELECT who, outcome, detail->>'path' AS path FROM naru.audit WHERE what = 'denied'",
                    }),
                    root);
                trail = await answer.Content.ReadAsStringAsync();
                return wanted.All(line => trail.Contains(line, StringComparison.Ordinal));
            },
            TimeSpan.FromSeconds(30),
            () => trail);
    }

    private async Task<string> KeyAsync(string body, (string, string) who)
    {
        using HttpResponseMessage made = await server.SendAsync(HttpMethod.Post, "/v1/keys", body, who);
        string text = await made.Content.ReadAsStringAsync();
        Assert.True(made.StatusCode == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("key").GetString()!;
    }

    private async Task<int> PostAsync(string path, string events, string key)
    {
        using HttpResponseMessage answer = await server.SendAsync(
            HttpMethod.Post, path, events, ("Authorization", $"Bearer {key}"));
        return (int)answer.StatusCode;
    }

    private static DefaultHttpContext Request(string address, string path)
    {
        DefaultHttpContext http = new();
        http.Connection.RemoteIpAddress = IPAddress.Parse(address);
        http.Request.Method = "GET";
        http.Request.Path = path;
        return http;
    }

    private sealed class Notes : List<AuditNote>, IActivity
    {
        public ValueTask RecordAsync(string who, string what, ImmutableSortedDictionary<string, string> detail)
        {
            Add(new AuditNote(default, who, what, detail));
            return ValueTask.CompletedTask;
        }
    }
}
