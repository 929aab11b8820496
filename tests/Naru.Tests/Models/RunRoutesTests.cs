using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Models;

/// <summary>Runs that are under way, and what tables are made from, as the server tells them.</summary>
[Trait("Size", "Slow")]
public sealed class RunRoutesTests
{
    private const string Log = """
        log: kr_shop.tick
        description: One number of one shop.
        owner: test
        fields:
          n: {type: int64, required: true}
        """;

    [Fact]
    public async Task A_run_is_listed_and_cancelled_by_command_and_what_it_was_at_is_left_failed()
    {
        using PlatformProject project = new(Log);
        ModelServer.Write(project, "endless", """
            -- description: Never ends.
            SELECT sum(sqrt(i)) AS n FROM range(900000000000) r(i)
            """);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        (int code, string told) = await PlatformProcess.RunAsync("runs", "--server", platform.Address);
        Assert.Equal((0, "nothing runs"), (code, told.Trim()));
        (code, told) = await PlatformProcess.RunAsync("runs", "--cancel", "endless-1", "--server", platform.Address);
        Assert.Equal(1, code);
        Assert.Contains("no run \"endless-1\" is under way", told, StringComparison.Ordinal);

        Task<HttpResponseMessage> run = platform.Http.PostAsync(
            "/v1/models/endless/runs?from=2026-03-01&to=2026-03-02", null, TestContext.Current.CancellationToken);
        string? name = null;
        await Wait.ForAsync(
            async () =>
            {
                (_, string json) = await PlatformProcess.RunAsync("runs", "--json", "--server", platform.Address);
                name = JsonDocument.Parse(json).RootElement.GetProperty("runs").EnumerateArray()
                    .Select(static each => each.GetProperty("run").GetString()).FirstOrDefault();
                return name is not null;
            },
            TimeSpan.FromSeconds(60),
            () => platform.Output);
        (code, told) = await PlatformProcess.RunAsync("runs", "--server", platform.Address);
        Assert.Contains($"{name}  model/endless, by local since 20", told, StringComparison.Ordinal);
        (code, told) = await PlatformProcess.RunAsync("runs", "--cancel", name!, "--server", platform.Address);
        Assert.Equal((0, $"{name} is cancelled"), (code, told.Trim()));

        using HttpResponseMessage answer = await run;
        string lines = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"error\":\"the run was cancelled by local\"", lines, StringComparison.Ordinal);
        Assert.Equal(
            ["2026-03-01 failed"], await ModelServer.StatesAsync(platform, "endless", "from=2026-03-01&to=2026-03-02"));
        (_, told) = await PlatformProcess.RunAsync("runs", "--server", platform.Address);
        Assert.Equal("nothing runs", told.Trim());
        await platform.StopAsync();
    }

    [Fact]
    public async Task Lineage_tells_of_a_table_what_it_is_made_from_and_what_is_made_from_it()
    {
        using PlatformProject project = new(Log);
        ModelServer.Write(project, "raw", "SELECT count(*) AS n FROM kr_shop.tick WHERE p_ymd = $day");
        ModelServer.Write(project, "top", "SELECT max(n) AS n FROM raw WHERE p_ymd = $day");
        ModelServer.Write(project, "aside", "SELECT 1 AS n");
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        Assert.Equal(
            ["kr_shop.tick>mart.raw", "mart.raw>mart.top"], await EdgesAsync(platform, ""));
        Assert.Equal(["kr_shop.tick>mart.raw"], await EdgesAsync(platform, "?table=raw&direction=up"));
        Assert.Equal(["mart.raw>mart.top"], await EdgesAsync(platform, "?table=mart.raw&direction=down"));
        Assert.Equal(
            ["kr_shop.tick>mart.raw", "mart.raw>mart.top"], await EdgesAsync(platform, "?table=kr_shop.tick"));
        Assert.Empty(await EdgesAsync(platform, "?table=aside"));

        // A log has no intervals; a model has its name in the ledger, and how many stand how.
        JsonElement[] nodes = [.. (await ReadAsync(platform, "?table=raw")).GetProperty("nodes").EnumerateArray()];
        JsonElement log = nodes.Single(static node => node.GetProperty("name").GetString() == "kr_shop.tick");
        Assert.Equal(
            ("log", JsonValueKind.Null, JsonValueKind.Null),
            (log.GetProperty("kind").GetString(), log.GetProperty("thing").ValueKind,
                log.GetProperty("intervals").ValueKind));
        JsonElement model = nodes.Single(static node => node.GetProperty("name").GetString() == "mart.raw");
        Assert.Equal(
            ("model", "model/raw", "day"),
            (model.GetProperty("kind").GetString(), model.GetProperty("thing").GetString(),
                model.GetProperty("every").GetString()));
        Assert.Equal(0, model.GetProperty("intervals").GetProperty("failed").GetInt32());

        Assert.Contains("did you mean mart.raw?", await RefusedAsync(platform, "?table=mart.rwa", 404));
        Assert.Contains("write up, down or both", await RefusedAsync(platform, "?table=raw&direction=left", 400));
        await platform.StopAsync();
    }

    private static async Task<JsonElement> ReadAsync(PlatformProcess platform, string query) => JsonDocument.Parse(
        await platform.Http.GetStringAsync($"/v1/lineage{query}", TestContext.Current.CancellationToken)).RootElement;

    private static async Task<string[]> EdgesAsync(PlatformProcess platform, string query) =>
    [
        .. (await ReadAsync(platform, query)).GetProperty("edges").EnumerateArray()
            .Select(static edge => $"{edge.GetProperty("from").GetString()}>{edge.GetProperty("to").GetString()}")
            .Order(StringComparer.Ordinal),
    ];

    private static async Task<string> RefusedAsync(PlatformProcess platform, string query, int status)
    {
        using HttpResponseMessage answer = await platform.Http.GetAsync(
            $"/v1/lineage{query}", TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)answer.StatusCode);
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
