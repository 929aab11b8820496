using System.Net;
using System.Text.Json;
using Naru.Access;
using Naru.Core.Files;
using Naru.Tests.Access;

namespace Naru.Tests.Archive;

/// <summary>Saved queries over HTTP: who sees, saves, changes and removes them.</summary>
[Trait("Size", "Slow")]
public sealed class ArchiveRoutesTests(AccessServer server) : IClassFixture<AccessServer>
{
    private const string Orders = "-- title: orders\n-- owner: kim\nSELECT count(*) FROM kr_shop.order\n";

    [Fact]
    public async Task An_owner_saves_changes_and_removes_and_others_do_not()
    {
        Answer made = await KimAsync(HttpMethod.Put, "DATA-1", Orders, ("If-None-Match", "*"));
        Assert.Equal(HttpStatusCode.OK, made.Status);
        Assert.Equal("DATA-1", made.Text("number"));
        Assert.Equal("kim", made.Text("saved_by"));
        Assert.Equal(Orders, await File.ReadAllTextAsync($"{server.Paths.Queries}/DATA-1.sql"));
        Assert.Equal(
            HttpStatusCode.PreconditionFailed,
            (await KimAsync(HttpMethod.Put, "DATA-1", Orders, ("If-None-Match", "*"))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await KimAsync(HttpMethod.Put, "DATA-1", Orders)).Status);

        // Nobody gives what is theirs to others, nor takes what is others'.
        string mine = Orders.Replace("kim", "root", StringComparison.Ordinal);
        (string, string) seen = ("If-Match", $"\"{made.Text("sha256")}\"");
        Assert.Equal(HttpStatusCode.Forbidden, (await KimAsync(HttpMethod.Put, "DATA-1", mine, seen)).Status);
        Assert.Equal(HttpStatusCode.OK, (await RootAsync(HttpMethod.Put, "DATA-1", mine, seen)).Status);
        Answer now = await KimAsync(HttpMethod.Get, "DATA-1", null);
        Assert.Equal("root", now.Text("owner"));
        Assert.False(now.Json.GetProperty("may_change").GetBoolean());
        (string, string) newest = ("If-Match", now.Text("sha256"));
        Assert.Equal(HttpStatusCode.Forbidden, (await KimAsync(HttpMethod.Delete, "DATA-1", null, newest)).Status);
        Answer versions = await KimAsync(HttpMethod.Get, "DATA-1/versions", null);
        Assert.Equal(
            ["2 root", "1 kim"],
            versions.Json.GetProperty("versions").EnumerateArray().Select(static each =>
                $"{each.GetProperty("version")} {each.GetProperty("saved_by")}"));
        Assert.Equal(HttpStatusCode.OK, (await RootAsync(HttpMethod.Delete, "DATA-1", null, newest)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await RootAsync(HttpMethod.Get, "DATA-1", null)).Status);
        Assert.Equal(
            ["kim query.change", "root query.change", "root query.remove"],
            AuditTrail.Read(new PosixFileSystem(), server.Paths.State)
                .Where(static entry => entry.Detail.GetValueOrDefault("query") == "DATA-1")
                .Select(static entry => $"{entry.Who} {entry.What}"));
    }

    [Fact]
    public async Task What_names_tables_that_are_not_ones_own_is_not_there()
    {
        const string Secret = "-- title: people\n-- owner: root\nSELECT user_agent FROM naru.audit\n";
        const string Hidden = "-- title: people\n-- owner: kim\nSELECT count(*) FROM naru.audit\n";
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (await KimAsync(HttpMethod.Put, "DATA-2", Hidden, ("If-None-Match", "*"))).Status);
        Answer check = await KimAsync(HttpMethod.Post, "DATA-2/check", Hidden);
        JsonElement mistake = Assert.Single(check.Json.GetProperty("mistakes").EnumerateArray());
        Assert.Equal("table \"naru.audit\" does not exist", mistake.GetProperty("message").GetString());
        Assert.Equal(3, mistake.GetProperty("line").GetInt32());

        // In place of a text that all may see comes one that not all may: its owner's versions stay hidden too.
        Assert.Equal(
            HttpStatusCode.OK,
            (await RootAsync(HttpMethod.Put, "DATA-2", Secret, ("If-None-Match", "*"))).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await KimAsync(HttpMethod.Get, "DATA-2", null)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await KimAsync(HttpMethod.Get, "DATA-2/versions", null)).Status);
        Assert.DoesNotContain("DATA-2", await ListAsync("kim", server.Kim));
        Assert.Contains("DATA-2", await ListAsync("root", server.Root));
        string seen = (await RootAsync(HttpMethod.Get, "DATA-2", null)).Text("sha256");
        string plain = Orders.Replace("kim", "root", StringComparison.Ordinal);
        Assert.Equal(
            HttpStatusCode.OK, (await RootAsync(HttpMethod.Put, "DATA-2", plain, ("If-Match", seen))).Status);
        Answer versions = await KimAsync(HttpMethod.Get, "DATA-2/versions", null);
        Assert.Equal(
            [plain, null],
            versions.Json.GetProperty("versions").EnumerateArray()
                .Select(static each => each.GetProperty("text").GetString()));
    }

    [Theory]
    [InlineData("..%2Froles", "-- title: x\nSELECT 1")]
    [InlineData("A.B", "-- title: x\nSELECT 1")]
    [InlineData("DATA-3", "SELECT 1")]
    [InlineData("DATA-3", "-- title: x\nSELECT * FROM kr_shop.ordr")]
    [InlineData("DATA-3", "-- title: x\nSELECT 1; SELECT 2")]
    [InlineData("DATA-3", "-- title: x\nCOPY kr_shop.order TO '/tmp/x'")]
    public async Task A_wrong_number_or_text_is_refused_and_writes_nothing(string number, string text)
    {
        Answer answer = await RootAsync(HttpMethod.Put, number, text, ("If-None-Match", "*"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.NotEmpty(answer.Json.GetProperty("error").GetProperty("message").GetString()!);
        Assert.False(File.Exists($"{server.Paths.Queries}/{number}.sql"));
    }

    [Fact]
    public async Task The_short_address_leads_to_the_query_and_a_stranger_sees_nothing()
    {
        using HttpResponseMessage there = await server.SendAsync(HttpMethod.Get, "/archive/DATA-1042", null);
        Assert.Equal("/console/archive/DATA-1042", there.Headers.Location!.ToString());
        using HttpResponseMessage stranger = await server.SendAsync(HttpMethod.Get, "/v1/archive", null);
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
        using HttpResponseMessage ticket = await server.SendAsync(
            HttpMethod.Get, "/archive/DATA-1042/ticket", null, AccessServer.Basic("kim", server.Kim));
        Assert.Equal("https://tracker.example.com/browse/DATA-1042", ticket.Headers.Location!.ToString());
    }

    private async Task<string[]> ListAsync(string name, string password) =>
    [
        .. (await SendAsync(HttpMethod.Get, "/v1/archive", null, AccessServer.Basic(name, password))).Json
            .GetProperty("queries").EnumerateArray().Select(static query => query.GetProperty("number").GetString()!),
    ];

    private Task<Answer> KimAsync(
        HttpMethod method, string path, string? text, params (string, string)[] headers) => SendAsync(
            method, $"/v1/archive/{path}", text, [.. headers, AccessServer.Basic("kim", server.Kim)]);

    private Task<Answer> RootAsync(
        HttpMethod method, string path, string? text, params (string, string)[] headers) => SendAsync(
            method, $"/v1/archive/{path}", text, [.. headers, AccessServer.Basic("root", server.Root)]);

    private async Task<Answer> SendAsync(
        HttpMethod method, string path, string? text, params (string, string)[] headers)
    {
        using HttpResponseMessage answer = await server.SendAsync(
            method, path, text, text is null ? headers : [.. headers, ("Content-Type", "application/sql")]);
        return new Answer(
            answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement);
    }

    private sealed record Answer(HttpStatusCode Status, JsonElement Json)
    {
        public string Text(string name) => Json.GetProperty(name).GetString()!;
    }
}
