using System.Net;
using System.Text.Json;
using Naru.Access;

namespace Naru.Tests.Access;

/// <summary>Every way that gives rows out of a running platform, asked by one whose role hides most of them.</summary>
[Trait("Size", "Slow")]
public sealed class WayOutTests(AccessServer server) : IClassFixture<AccessServer>
{
    private (string, string) Kim => AccessServer.Basic("kim", server.Kim);

    private (string, string) Root => AccessServer.Basic("root", server.Root);

    [Fact]
    public async Task Rows_come_out_filtered_or_not_at_all_and_all_of_it_is_in_the_trail()
    {
        await SendAsync();
        foreach (string format in (string[])["csv", "json", "ndjson"])
        {
            string rows = await AskAsync("SELECT region FROM kr_shop.order ORDER BY 1", format, Kim);
            Assert.DoesNotContain("busan", rows, StringComparison.Ordinal);
            Assert.Equal(3, rows.Split("seoul").Length - 1);
        }

        Assert.Equal("n\n5\n", await AskAsync("SELECT count(*) AS n FROM kr_shop.order", "csv", Root));
        Assert.Contains("PAR1", await AskAsync("FROM kr_shop.order", "parquet", Kim), StringComparison.Ordinal);
        (string Path, int Status)[] refused =
        [
            ("/v1/tail/kr_shop.order", 403), ("/v1/tail/kr_shop.order?from=start", 403),
            ("/v1/definitions/kr_shop.order", 403), ("/v1/audit", 403), ("/v1/keys", 403), ("/v1/users", 403),
            ("/v1/grants?who=root", 403), ("/v1/grants", 200), ("/v1/queries", 200),
        ];
        foreach ((string path, int status) in refused)
        {
            using HttpResponseMessage answer = await server.SendAsync(HttpMethod.Get, path, null, Kim);
            Assert.Equal((path, status), (path, (int)answer.StatusCode));
            string text = await answer.Content.ReadAsStringAsync();
            Assert.DoesNotContain("busan", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\"root\"", text, StringComparison.Ordinal);
        }

        string[] closed =
        [
            "EXPLAIN SELECT * FROM kr_shop.order", "EXPLAIN ANALYZE SELECT * FROM kr_shop.order",
            "SELECT * FROM kr_shop.\"order$raw\"", "SELECT * FROM naru.rejected", "SELECT * FROM naru.audit",
            "SELECT * FROM naru.files", "SELECT * FROM naru.\"rejected$secure\"",
        ];
        foreach (string sql in closed)
        {
            using HttpResponseMessage answer = await server.SendAsync(
                HttpMethod.Post, "/v1/sql", JsonSerializer.Serialize(new { sql }), Kim);
            bool refusal = answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest;
            Assert.True(refusal, $"{answer.StatusCode}: {sql}");
        }

        await TrailAsync();
    }

    private async Task TrailAsync()
    {
        string trail = "";
        for (int i = 0; i < 50 && !trail.Contains("rejected$secure", StringComparison.Ordinal); i++)
        {
            trail = await AskAsync(
                "SELECT who, what, outcome, tables, rows, sql, detail FROM naru.audit ORDER BY recorded_at, number",
                "ndjson",
                Root);
        }

        Assert.Contains("EXPLAIN ANALYZE SELECT * FROM kr_shop.order", trail, StringComparison.Ordinal);
        Assert.Contains("\"tables\":\"kr_shop.order\"", trail, StringComparison.Ordinal);
        Assert.Contains("\"what\":\"denied\"", trail, StringComparison.Ordinal);
        Assert.Contains("\"what\":\"sign_in\"", trail, StringComparison.Ordinal);
        Assert.Contains("\"what\":\"definition.change\"", trail, StringComparison.Ordinal);
        Assert.Contains("\"what\":\"user.add\"", trail, StringComparison.Ordinal);
        Assert.Contains("\"what\":\"access.change\"", trail, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Kim, trail, StringComparison.Ordinal);
    }

    private async Task SendAsync()
    {
        using HttpResponseMessage key = await server.SendAsync(
            HttpMethod.Post, "/v1/keys", "{\"name\":\"web\",\"roles\":[\"web\"]}", Root);
        string secret = JsonDocument.Parse(await key.Content.ReadAsStringAsync()).RootElement
            .GetProperty("key").GetString()!;
        string events = string.Join(',', ((string[])["seoul", "busan", "seoul", "busan", "seoul"]).Select(
            static region => $"{{\"region\":\"{region}\"}}"));
        using HttpResponseMessage sent = await server.SendAsync(
            HttpMethod.Post, "/v1/events/kr_shop.order", $"[{events}]", ("Authorization", $"Bearer {secret}"));
        Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        string count = "";
        for (int i = 0; i < 200 && !count.Contains('5', StringComparison.Ordinal); i++)
        {
            count = await AskAsync("SELECT count(*) AS n FROM kr_shop.order", "csv", Root);
        }

        Assert.Equal("n\n5\n", count);
    }

    private async Task<string> AskAsync(string sql, string format, (string, string) who)
    {
        using HttpResponseMessage answer = await server.SendAsync(
            HttpMethod.Post, $"/v1/sql?format={format}", JsonSerializer.Serialize(new { sql }), who);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        return text;
    }
}
