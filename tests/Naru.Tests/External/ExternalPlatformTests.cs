using System.Text.Json;
using Naru.Tests.Platform;
using Naru.Tests.Tiers;

namespace Naru.Tests.External;

/// <summary>External tables on the real platform: their files are saved, changed and deleted while it runs.</summary>
[Trait("Size", "Slow")]
public sealed class ExternalPlatformTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _root = TierServer.MakeProject(
        "",
        ("files/visits/p_ymd=2026-11-01/a.csv", "shop,n\ns1,1\n"),
        ("files/visits/p_ymd=2026-11-02/a.csv", "shop,n\ns1,10\ns2,20\n"),
        ("tables/visits.yaml", """
            table: visits
            description: Counted at the doors.
            location: files/visits/p_ymd=*/*.csv
            columns: {shop: string, n: int64}
            """),
        ("models/door_visit_aggr_daily.sql", """
            SELECT shop, sum(n) AS visits FROM ext.visits WHERE p_ymd = $day GROUP BY shop
            """));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task A_table_is_there_when_its_file_is_saved_and_gone_with_it_and_its_files_stay()
    {
        await using TierServer server = await TierServer.StartAsync(_root);
        Assert.Equal("[[31]]", Flat(await server.AskAsync("SELECT sum(n) FROM ext.visits")));
        Assert.Equal(
            """[["n","BIGINT"],["p_ymd","DATE"],["shop","VARCHAR"]]""",
            Flat(await server.AskAsync("""
                SELECT column_name, data_type FROM information_schema.columns
                WHERE table_schema = 'ext' AND table_name = 'visits' ORDER BY column_name
                """)));

        Assert.Equal(
            """[["ext.visits","files/visits/p_ymd=*/*.csv",2,null]]""",
            Flat(await server.AskAsync("SELECT \"table\", location, files, problem FROM naru.external_tables")));

        // Its columns are found out, which takes a worker.
        TierServer.Write(_root, "files/rates/1.ndjson", "{\"currency\":\"KRW\",\"rate\":1350.5}\n");
        TierServer.Write(_root, "tables/rates.yaml", "table: rates\nlocation: files/rates/*.ndjson\n");
        await Wait.ForAsync(
            async () => (await server.TryAskAsync("SELECT currency FROM ext.rates WHERE rate > 1000.0")).Ok,
            Patience,
            () => "ext.rates cannot be read");
        File.Delete(Path.Combine(_root, "shop/tables/rates.yaml"));
        await Wait.ForAsync(
            async () => (await server.TryAskAsync("SELECT * FROM ext.rates")).Text.Contains(
                "unknown_table", StringComparison.Ordinal),
            Patience,
            () => "ext.rates stays");
        Assert.True(File.Exists(Path.Combine(_root, "shop/files/rates/1.ndjson")));
        await AssertStaleAsync(server);
    }

    [Fact]
    [Trait("Size", "Long")]
    public async Task Check_names_the_file_and_the_column_and_a_project_at_rest_answers()
    {
        string project = Path.Combine(_root, "shop");
        (int code, string text) = await PlatformProcess.RunAsync("check", project);
        Assert.True(code == 0, text);
        Assert.Contains("1 external table", text, StringComparison.Ordinal);
        (code, text) = await PlatformProcess.RunAsync(
            "sql", "SELECT sum(n) AS n FROM ext.visits", "--project", project, "--format", "csv");
        Assert.True(code == 0, text);
        Assert.Contains("31", text, StringComparison.Ordinal);

        TierServer.Write(_root, "files/visits/p_ymd=2026-11-03/bad.csv", "shop,n\ns1,none\n");
        TierServer.Write(_root, "files/visits/p_ymd=2026-11-03/short.csv", "shop\ns1\n");
        TierServer.Write(
            _root, "tables/far.yaml", "table: far\nlocation: /nowhere/that/is/*.csv\ncolumns: {id: int64}\n");
        (code, text) = await PlatformProcess.RunAsync("check", project);
        Assert.Equal(1, code);
        Assert.Contains(
            "tables/visits.yaml: ext.visits: p_ymd=2026-11-03/bad.csv, line 2: column \"n\" holds \"none\", "
                + "which is no BIGINT",
            text,
            StringComparison.Ordinal);
        Assert.Contains(
            "warning: tables/visits.yaml: p_ymd=2026-11-03/short.csv lacks the column \"n\"",
            text,
            StringComparison.Ordinal);
        Assert.Contains(
            "warning: tables/far.yaml: the folder \"/nowhere/that/is\" is not on this machine",
            text,
            StringComparison.Ordinal);
    }

    /// <summary>A changed file makes exactly the intervals of its days stale.</summary>
    private async Task AssertStaleAsync(TierServer server)
    {
        using HttpResponseMessage ran = await server.Http.PostAsync(
            "/v1/models/door_visit_aggr_daily/runs?from=2026-11-01&to=2026-11-03", null);
        string text = await ran.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"failed\":0", text, StringComparison.Ordinal);
        Assert.Equal(["done", "done"], await StatesAsync(server));
        TierServer.Write(_root, "files/visits/p_ymd=2026-11-02/b.csv", "shop,n\ns1,5\n");
        Assert.Equal(["done", "stale"], await StatesAsync(server));
        JsonElement lineage = await server.GetAsync("/v1/lineage?table=ext.visits&direction=down");
        Assert.Contains("mart.door_visit_aggr_daily", lineage.GetRawText(), StringComparison.Ordinal);
    }

    private static async Task<string[]> StatesAsync(TierServer server)
    {
        JsonElement answer = await server.GetAsync(
            "/v1/models/door_visit_aggr_daily/intervals?from=2026-11-01&to=2026-11-03");
        return [.. answer.GetProperty("intervals").EnumerateArray()
            .Select(static each => each.GetProperty("status").GetString()!)];
    }

    private static string Flat(string json) => json.ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal);
}
