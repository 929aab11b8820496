using System.Net;
using System.Text.Json;
using Naru.Tests.Access;

namespace Naru.Tests.Watch;

/// <summary>An alert on a query has its owner's rights, and is kept by its owner or an administrator only.</summary>
public sealed class AlertRightsTests(AccessServer server) : IClassFixture<AccessServer>
{
    [Theory]
    [InlineData("SELECT count(*) AS n FROM kr_shop.order", null, "0")]
    [InlineData("SELECT count(*) AS n FROM naru.audit", "does not exist", null)]
    [InlineData("SELECT count(*) AS m FROM kr_shop.order", "no column \"n\"", null)]
    public async Task A_try_sees_what_its_owner_sees(string sql, string? failure, string? value)
    {
        JsonElement told = await TryAsync("kim", sql, server.Kim, "kim");
        Assert.Equal(value, told.GetProperty("value").GetString());
        Assert.Contains(failure ?? "", told.GetProperty("failure").GetString() ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("nobody")]
    [InlineData("local")]
    public async Task An_owner_who_is_no_user_now_asks_nothing(string owner)
    {
        JsonElement told = await TryAsync(owner, "SELECT 1 AS n", server.Root, "root");
        Assert.Equal(
            $"the owner \"{owner}\" is no user who may ask now", told.GetProperty("failure").GetString());
    }

    [Fact]
    public async Task Only_the_owner_and_administrators_keep_an_alert()
    {
        (string, string) kim = AccessServer.Basic("kim", server.Kim);
        (string, string) root = AccessServer.Basic("root", server.Root);
        Assert.Equal(HttpStatusCode.Forbidden, await PutAsync("theirs", Text("theirs", "root"), kim));
        Assert.Equal(
            HttpStatusCode.Forbidden,
            await PutAsync("hook", Text("hook", "kim") + "webhook: env:HOOK\n", kim));
        Assert.Equal(
            HttpStatusCode.Forbidden, await PutAsync("quiet", "alert: quiet\nkind: silence\nafter: 1h\n", kim));
        Assert.Equal(HttpStatusCode.BadRequest, await PutAsync("..%2Fnaru", Text("naru", "kim"), kim));
        Assert.Equal(HttpStatusCode.OK, await PutAsync("roots", Text("roots", "root"), root));
        Assert.Equal(HttpStatusCode.Forbidden, await PutAsync("roots", Text("roots", "kim"), kim));
        Assert.Equal(HttpStatusCode.OK, await PutAsync("mine", Text("mine", "kim"), kim));
        Assert.Equal(
            HttpStatusCode.PreconditionFailed, await PutAsync("mine", Text("mine", "kim") + "pool: etl\n", kim));
        Assert.Equal(
            ["mine.yaml", "roots.yaml"],
            Directory.GetFiles(server.Paths.Alerts).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private static string Text(string name, string owner, string sql = "SELECT 1 AS n") =>
        $"alert: {name}\nkind: query\nowner: {owner}\nsql: {sql}\ncolumn: n\ncondition: above\nvalue: 5\nevery: 1h\n";

    private async Task<JsonElement> TryAsync(string owner, string sql, string password, string who)
    {
        using HttpResponseMessage answer = await server.SendAsync(
            HttpMethod.Post,
            "/v1/alerts/try",
            JsonSerializer.Serialize(new { name = "a", text = Text("a", owner, sql) }),
            AccessServer.Basic(who, password));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private async Task<HttpStatusCode> PutAsync(string name, string text, (string Name, string Value) who)
    {
        using HttpResponseMessage answer = await server.SendAsync(
            HttpMethod.Put, $"/v1/alerts/{name}", JsonSerializer.Serialize(new { text }), who);
        return answer.StatusCode;
    }
}
