using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Models;

/// <summary>What people are told when a model cannot be filled: the fact, and the mend.</summary>
[Trait("Size", "Slow")]
public sealed class ModelMessagesTests
{
    private const string Log = """
        log: kr_shop.tick
        description: One number of one shop.
        owner: test
        fields:
          n: {type: int64, required: true}
        max_past: unlimited
        late_after: 1s
        """;

    [Fact]
    public async Task Rows_that_cannot_be_the_intervals_say_which_and_how_to_mend_the_query()
    {
        using PlatformProject project = new(Log);
        ModelServer.Write(project, "daily", "SELECT 7 AS n, $day + 1 AS p_ymd");
        ModelServer.Write(
            project, "hourly", "-- every: hour\nSELECT 7 AS n, $day AS p_ymd, unnest([$hour, 23]) AS p_hour");
        ModelServer.Write(project, "ranged", "SELECT 7 AS n, $to::DATE AS p_ymd");
        ModelServer.Write(project, "typed", "SELECT 7 AS n");
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        Assert.Equal(
            "the query gives rows of p_ymd 2026-03-02 for 2026-03-01; keep those from $from to $to: "
            + "WHERE p_ymd >= $from::DATE AND p_ymd < $to::DATE",
            await WhyAsync(platform, "daily", "from=2026-03-01&to=2026-03-02"));
        Assert.Equal(
            "the query gives rows of p_ymd 2026-03-04 for 2026-03-01 to 2026-03-03; keep those from $from to $to: "
            + "WHERE p_ymd >= $from::DATE AND p_ymd < $to::DATE",
            await WhyAsync(platform, "ranged", "from=2026-03-01&to=2026-03-04&single=true"));
        Assert.Equal(
            "the query gives rows of p_ymd/p_hour 2026-03-01/23 for 2026-03-01T05+09:00; keep those from $from to "
            + "$to: WHERE p_ymd = $day AND p_hour = $hour",
            await WhyAsync(platform, "hourly", "from=2026-03-01T05:00&to=2026-03-01T06:00"));

        // A column that was a number becomes a text.
        JsonElement[] filled = await ModelServer.RunAsync(platform, "typed", "from=2026-03-01&to=2026-03-02");
        Assert.True(filled.Single().GetProperty("done").GetBoolean());
        ModelServer.Write(project, "typed", "SELECT 'seven' AS n");
        string path = "/v1/models/typed/intervals?from=2026-03-01&to=2026-03-02";
        while (!(await platform.Http.GetStringAsync(path)).Contains("the model changed", StringComparison.Ordinal))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.Equal(
            "the table cannot take the rows: column 'n' is INTEGER in the table and cannot become VARCHAR; cast it to "
            + "what the table has, or give it another name",
            await WhyAsync(platform, "typed", "from=2026-03-01&to=2026-03-02"));
        Assert.Equal(7, await platform.CountAsync("SELECT n::BIGINT FROM typed"));
        await platform.StopAsync();
    }

    [Fact]
    public async Task A_plan_says_what_is_not_over_and_why_there_is_nothing_to_plan()
    {
        using PlatformProject project = new(Log);
        ModelServer.Write(project, "by_hand", "SELECT 7 AS n");
        ModelServer.Write(project, "later", "-- start: 2099-01-01\nSELECT 7 AS n");
        ModelServer.Write(project, "fed", "-- start: data\nSELECT n FROM kr_shop.tick WHERE p_ymd = $day");
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        Assert.Equal(
            "no interval yet: it has no `start`, so only `naru run` fills it\n", await PlanAsync(project, "by_hand"));
        Assert.Equal("no interval yet: it starts at 2099-01-01 00:00\n", await PlanAsync(project, "later"));
        Assert.Equal(
            "no interval yet: it starts with the first day of which an input has rows, and none has any\n",
            await PlanAsync(project, "fed"));
        await ModelServer.RunAsync(platform, "by_hand", "from=2026-03-01&to=2026-03-02");
        string[] lines = (await PlanAsync(project, "by_hand")).TrimEnd().Split('\n');
        Assert.Equal("done     2026-03-01", lines[0]);
        Assert.StartsWith("missing  2026-03-02 to ", lines[1], StringComparison.Ordinal);
        Assert.EndsWith(": it is not over yet", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("waiting ", lines[2], StringComparison.Ordinal);
        Assert.Equal("it has no `start`, so only `naru run` fills it", lines[^1]);
        await platform.StopAsync();
    }

    private static async Task<string> PlanAsync(PlatformProject project, string model)
    {
        (int exitCode, string output) = await PlatformProcess.RunAsync("plan", model, "--project", project.Root);
        Assert.True(exitCode == 0, output);
        return output;
    }

    private static async Task<string> WhyAsync(PlatformProcess platform, string model, string how)
    {
        JsonElement ended = Assert.Single(await ModelServer.RunAsync(platform, model, how));
        Assert.False(ended.GetProperty("done").GetBoolean());
        return ended.GetProperty("why").GetString()!;
    }
}
