using System.Text;
using System.Text.Json;
using Naru.Tests.Platform;
using Npgsql;

namespace Naru.Tests.Exports;

/// <summary>Exports of the real platform into a real PostgreSQL: by command and by schedule.</summary>
public sealed class ExportPlatformTests
{
    private const string Log = """
        log: kr_shop.tick
        description: One number of one shop.
        owner: test
        fields:
          shop: {type: string, required: true}
          n: {type: int64, required: true}
        max_past: unlimited
        late_after: 1s
        """;

    private const string Daily = """
        -- description: Ticks of each shop, per day.
        -- start: data
        -- restate: auto
        -- retry_after: 1s
        SELECT shop, count(*) AS ticks, sum(n) AS total FROM kr_shop.tick
        WHERE p_ymd = $day GROUP BY shop
        """;

    private const string Canary = "canary-8c1f6e2b";

    [Fact]
    [Trait("Size", "Slow")]
    public async Task What_a_model_filled_goes_out_by_schedule_and_a_late_event_goes_after_it()
    {
        string connection = await PostgresServer.SchemaAsync();
        using PlatformProject project = new(Log);
        Write(project, "models/daily.sql", Daily);
        Write(project, "exports/shops.yaml", Export("shops", "upsert", connection));
        Write(project, "secret", Canary);
        string[] outputs;
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(project.Root))
        {
            await SendAsync(platform, "2026-03-01", "2026-03-02");
            await UntilAsync(async () => await CountAsync(connection) == 4);
            Assert.Equal(await LakeAsync(platform), await TargetAsync(connection));

            const string Other = "SELECT generation FROM naru.intervals WHERE thing = 'export/shops' "
                + "AND interval = '2026-03-02'";
            await UntilAsync(async () => (await platform.AskAsync(Other)).GetArrayLength() == 1);
            long generation = await platform.CountAsync(Other);
            await SendAsync(platform, "2026-03-01");
            await UntilAsync(async () => await TargetAsync(connection) == await LakeAsync(platform));
            Assert.Equal(generation, await platform.CountAsync(Other));

            // Sent again, it reads the lake: no model runs.
            string attempts = "SELECT sum(attempt)::BIGINT FROM naru.intervals WHERE thing = 'model/daily'";
            long before = await platform.CountAsync(attempts);
            await PostgresServer.ExecuteAsync(connection, "DELETE FROM shops");
            (int code, string told) = await PlatformProcess.RunAsync(
                "export", "shops", "--from", "2026-03-01", "--to", "2026-03-03", "--all", "--project", project.Root);
            Assert.True(code == 0, told);
            Assert.Contains("export/shops 2026-03-02: 2 rows", told);
            Assert.Equal(await LakeAsync(platform), await TargetAsync(connection));
            Assert.Equal(before, await platform.CountAsync(attempts));
            (code, string sampled) = await PlatformProcess.RunAsync(
                "export", "shops", "--from", "2026-03-01", "--to", "2026-03-03", "--target", "dev", "--sample", "100%",
                "--project", project.Root);
            Assert.True(code == 0, sampled);
            Assert.Equal(4, await PostgresServer.ExecuteAsync(connection, "SELECT count(*) FROM dev"));
            await UntilAsync(async () => 1 == await platform.CountAsync(
                "SELECT count(*) FROM naru.audit WHERE what = 'export' AND CAST(detail AS VARCHAR) LIKE '%dev%'"));
            (code, string listed) = await PlatformProcess.RunAsync("export", "--project", project.Root);
            Assert.True(code == 0, listed);
            string json = await platform.Http.GetStringAsync("/v1/exports");
            outputs = [told, sampled, listed, json, platform.Output];
            await platform.StopAsync();
        }

        (int checks, string checkedText) = await PlatformProcess.RunAsync("check", project.Root, "--no-impact");
        Assert.True(checks == 0, checkedText);
        Assert.Contains("1 export", checkedText);
        Assert.All(outputs, static output => Assert.DoesNotContain(Canary, output));
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_server_that_is_killed_while_it_sends_leaves_all_or_nothing_and_goes_on()
    {
        const string Busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'naru export'";
        string connection = await PostgresServer.SchemaAsync();
        using PlatformProject project = new(Log);
        Write(project, "secret", Canary);
        string export = Export("shops", "swap", connection)
            .Replace("table: mart.daily", "sql: SELECT i AS n, 'x' || i AS name FROM unnest(range(200000)) AS t(i)",
                StringComparison.Ordinal)
            .Replace("start: data", "", StringComparison.Ordinal).Replace("key: [shop, p_ymd]", "key: n");
        Write(project, "exports/shops.yaml", export);
        for (int kill = 0; kill < 3; kill++)
        {
            await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
            Task<HttpResponseMessage> run = platform.Http.PostAsync("/v1/exports/shops/runs?all=true", null);
            await UntilAsync(async () =>
                await PostgresServer.ExecuteAsync(connection, Busy) > 0 || run.IsCompleted);
            await platform.KillAsync();
            await run.ContinueWith(static _ => { }, TaskScheduler.Default);
            Assert.Contains(await CountAsync(connection), (long[])[0, 200_000]);
        }

        await using PlatformProcess last = await PlatformProcess.StartAsync(project.Root);
        string text = "";
        await UntilAsync(async () =>
        {
            using HttpResponseMessage answer = await last.Http.PostAsync("/v1/exports/shops/runs?all=true", null);
            text = await answer.Content.ReadAsStringAsync();
            return text.Contains("\"done\":true", StringComparison.Ordinal);
        });
        Assert.Equal(200_000, await CountAsync(connection));
        Assert.Equal(1, await PostgresServer.ExecuteAsync(
            connection, "SELECT count(*) FROM _naru_exports WHERE rows = 200000"));
        Assert.Equal(1, await last.CountAsync(
            "SELECT count(*) FROM naru.exports WHERE state = 'sent' AND rows = 200000 AND who = 'local'"));
        await last.StopAsync();
    }

    private static string Export(string name, string mode, string connection)
    {
        NpgsqlConnectionStringBuilder settings = new(connection);
        return $"""
            export: {name}
            description: Ticks of each shop, for the shop's own database.
            owner: local
            table: mart.daily
            start: data
            restate: auto
            retry_after: 1s
            mode: {mode}
            key: [shop, p_ymd]
            target:
              kind: postgresql
              host: {settings.Host}
              database: postgres
              user: naru
              password: file:secret
              table: {settings.SearchPath}.{name}
            targets:
              dev:
                kind: postgresql
                host: {settings.Host}
                database: postgres
                user: naru
                table: {settings.SearchPath}.dev
            """;
    }

    private static void Write(PlatformProject project, string path, string text)
    {
        string whole = Path.Combine(project.Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
        File.WriteAllText(whole, text);
    }

    private static async Task SendAsync(PlatformProcess platform, params string[] days)
    {
        IEnumerable<string> events =
            from day in days
            from n in Enumerable.Range(0, 10)
            select $"{{\"shop\":\"s{n % 2}\",\"n\":{n},\"event_time\":\"{day}T12:00:00+09:00\"}}";
        using StringContent content = new(string.Join('\n', events), Encoding.UTF8, "application/x-ndjson");
        using HttpResponseMessage answer = await platform.Http.PostAsync("/v1/events/kr_shop.tick", content);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        await platform.CaughtUpAsync();
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        while (!await condition())
        {
            await Task.Delay(50, limit.Token);
        }
    }

    private static async Task<long> CountAsync(string connection)
    {
        try
        {
            return await PostgresServer.ExecuteAsync(connection, "SELECT count(*) FROM shops");
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return 0;
        }
    }

    private static async Task<string> LakeAsync(PlatformProcess platform)
    {
        JsonElement rows = await platform.AskAsync(
            "SELECT shop, p_ymd::VARCHAR, count(*), sum(n)::BIGINT FROM kr_shop.tick GROUP BY ALL ORDER BY ALL");
        return string.Join(
            '\n', rows.EnumerateArray().Select(static row => string.Join(' ', row.EnumerateArray())));
    }

    private static async Task<string> TargetAsync(string connection)
    {
        await using NpgsqlConnection open = new(connection);
        await open.OpenAsync();
        await using NpgsqlCommand command = new(
            "SELECT string_agg(shop || ' ' || p_ymd || ' ' || ticks || ' ' || total, E'\\n' "
            + "ORDER BY shop COLLATE \"C\", p_ymd) FROM shops",
            open);
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
