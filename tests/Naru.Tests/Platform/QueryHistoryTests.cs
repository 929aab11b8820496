using System.Text.Json;

namespace Naru.Tests.Platform;

/// <summary>`naru.queries` on the real process.</summary>
[Trait("Size", "Slow")]
public sealed class QueryHistoryTests
{
    [Fact]
    public async Task Every_query_is_there_once_after_flushes_a_kill_and_a_restart()
    {
        using PlatformProject project = new(TickLoad.Log);
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(project.Root))
        {
            for (int i = 0; i < 20; i++)
            {
                await platform.AskAsync($"SELECT {i} AS mark");
            }

            using HttpResponseMessage wrong =
                await platform.Http.PostAsync("/v1/sql", new StringContent("SELECT nothing AS mark FROM kr_shop.tick"));
            Assert.Equal(400, (int)wrong.StatusCode);

            // At once, before the lake has them.
            await VerifyAsync(platform);
            await platform.KillAsync();
        }

        await using (PlatformProcess platform = await PlatformProcess.StartAsync(project.Root))
        {
            await VerifyAsync(platform);
            await platform.StopAsync();
        }

        await using PlatformProcess last = await PlatformProcess.StartAsync(project.Root);
        await VerifyAsync(last);
        JsonElement files = await last.AskAsync("SELECT count(*) FROM naru.files WHERE \"table\" = 'queries'");
        Assert.True(files[0][0].GetInt64() > 0, "nothing was brought into the lake");
        (int exit, string text) = await PlatformProcess.RunAsync("audit", "--server", last.Address);
        Assert.True(exit == 0, text);
        (exit, text) = await PlatformProcess.RunAsync("queries", "--server", last.Address);
        Assert.True(exit == 0 && text.Contains("FROM naru.files", StringComparison.Ordinal), text);
        (exit, text) = await PlatformProcess.RunAsync("kill", "20260101_000000_00000_aaaaa", "--server", last.Address);
        Assert.True(exit == 1 && text.Contains("no query", StringComparison.Ordinal), text);
    }

    private static async Task VerifyAsync(PlatformProcess platform)
    {
        JsonElement rows = await platform.AskAsync(
            "SELECT count(*), count(DISTINCT query_id), count(DISTINCT sql), sum(rows)::BIGINT, "
            + "count(*) FILTER (error = 'unknown_column' AND state = 'failed') "
            + "FROM naru.queries WHERE sql LIKE '%AS mark%' AND sql NOT LIKE '%naru.queries%'");
        Assert.Equal("[21,21,21,20,1]", rows[0].GetRawText());
    }
}
