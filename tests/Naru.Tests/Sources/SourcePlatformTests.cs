using System.Globalization;
using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Sources;

/// <summary>Sources on the real platform: by schedule, and under models.</summary>
public sealed class SourcePlatformTests
{
    private const string Canary = "canary-5f2e91b7";

    private const string Log = """
        log: kr_shop.tick
        description: One number of one shop.
        owner: test
        fields:
          shop: {type: string, required: true}
        """;

    [Fact]
    [Trait("Size", "Slow")]
    public async Task The_schedule_takes_a_snapshot_and_a_restated_one_makes_exactly_its_readers_stale()
    {
        string schema = await PostgresServer.SchemaAsync();
        string own = PostgresSnapshotTests.SchemaOf(schema);
        await PostgresServer.ExecuteAsync(
            schema,
            """
            CREATE TABLE orders (id int PRIMARY KEY, cost numeric(10,2));
            CREATE TABLE stock (id int PRIMARY KEY, n int);
            INSERT INTO orders SELECT g, g * 1.5 FROM generate_series(1, 10) g;
            INSERT INTO stock SELECT g, g FROM generate_series(1, 3) g;
            """);
        using PlatformProject project = new(Log);
        DateTimeOffset now = TimeZoneInfo.ConvertTime(
            DateTimeOffset.UtcNow, TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));
        string day = now.AddDays(-1).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        string start = now.AddDays(-3).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        string today = now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        Write(project, "secret.txt", Canary);
        Write(project, "sources/shop.yaml", PostgresSnapshotTests.Source(
            schema,
            [$"{{table: {own}.orders, name: orders}}", $"{{table: {own}.stock, name: stock}}"],
            $"password: file:secret.txt\nstart: {start}\n"));
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        await DoneAsync(platform, "orders", day);
        await DoneAsync(platform, "stock", day);
        Assert.Equal(1, await platform.CountAsync("SELECT count(DISTINCT p_ymd) FROM orders"));

        Write(project, "models/spent.sql", "SELECT sum(cost) AS cost FROM orders WHERE p_ymd = $day");
        Write(project, "models/stored.sql", "SELECT sum(n) AS n FROM stock WHERE p_ymd = $day");
        foreach (string model in (string[])["spent", "stored"])
        {
            await RunAsync(platform, model, $"from={day}&to={today}");
        }

        Assert.Equal(1, await platform.CountAsync("SELECT count(*) FROM spent WHERE cost = 82.5"));
        await PostgresServer.ExecuteAsync(schema, "UPDATE orders SET cost = 1");
        await RunAsync(platform, "orders", $"from={day}&to={today}&all=true&force=true");
        Assert.Equal("stale", await StatusAsync(platform, "spent", day));
        Assert.Equal("done", await StatusAsync(platform, "stored", day));
        await RunAsync(platform, "spent", $"from={day}&to={today}&downstream=true");
        Assert.Equal("done", await StatusAsync(platform, "spent", day));
        Assert.Equal(1, await platform.CountAsync("SELECT count(*) FROM spent WHERE cost = 10"));

        await AssertListedAsync(platform, own);
        await platform.StopAsync();
        Assert.DoesNotContain(Canary, platform.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(
            Directory.EnumerateFiles(project.Root, "*", SearchOption.AllDirectories),
            static file => Path.GetFileName(file) != "secret.txt"
                && File.ReadAllText(file).Contains(Canary, StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_server_that_dies_in_one_table_keeps_those_that_were_done_and_reads_that_one_anew()
    {
        const int Rows = 20_000;
        string schema = await PostgresServer.SchemaAsync();
        string own = PostgresSnapshotTests.SchemaOf(schema);
        await PostgresServer.ExecuteAsync(
            schema,
            $"""
            CREATE TABLE small (id int PRIMARY KEY);
            CREATE TABLE big (id int PRIMARY KEY, filler text);
            INSERT INTO small SELECT g FROM generate_series(1, 10) g;
            INSERT INTO big SELECT g, repeat('x', 300) FROM generate_series(1, {Rows}) g;
            ANALYZE big
            """);
        using PlatformProject project = new(Log);
        DateTimeOffset yesterday = TimeZoneInfo.ConvertTime(
            DateTimeOffset.UtcNow, TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul")).AddDays(-1);
        string day = yesterday.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        string Slow(string rate) => PostgresSnapshotTests.Source(
            schema,
            [$"{{table: {own}.small, name: small}}", $"{{table: {own}.big, name: big}}"],
            $"start: {day}\nchunk_rows: 2000\n{rate}");
        Write(project, "sources/shop.yaml", Slow("rate: 64KB\n"));
        await using (PlatformProcess first = await PlatformProcess.StartAsync(project.Root))
        {
            await DoneAsync(first, "small", day);
            while (await StatusAsync(first, "big", day) != "running")
            {
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }

            await first.KillAsync();
        }

        Write(project, "sources/shop.yaml", Slow(""));
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        await DoneAsync(platform, "big", day);
        Assert.Equal(Rows, await platform.CountAsync("SELECT count(DISTINCT id) FROM big"));
        Assert.Equal(Rows, await platform.CountAsync("SELECT count(*) FROM big"));
        Assert.Equal(1, await platform.CountAsync(
            $"SELECT attempt FROM naru.intervals WHERE thing = 'source/small' AND interval = '{day}'"));
        Assert.Equal(2, await platform.CountAsync(
            $"SELECT attempt FROM naru.intervals WHERE thing = 'source/big' AND interval = '{day}'"));
        Assert.Equal(1, await platform.CountAsync("SELECT max(generation) FROM naru.intervals"));
        await platform.StopAsync();
    }

    private static async Task AssertListedAsync(PlatformProcess platform, string own)
    {
        JsonElement tables = JsonDocument.Parse(await platform.Http.GetStringAsync("/v1/sources/shop/tables"))
            .RootElement.GetProperty("tables");
        JsonElement orders = tables.EnumerateArray().Single(each =>
            each.GetProperty("table").GetString() == $"{own}.orders");
        Assert.Equal("orders", orders.GetProperty("fills")[0].GetString());
        Assert.True(orders.GetProperty("bytes").GetInt64() > 0);
        JsonElement table = JsonDocument.Parse(
            await platform.Http.GetStringAsync($"/v1/sources/shop/tables/{own}.orders")).RootElement;
        Assert.Equal("DECIMAL(10,2)", table.GetProperty("columns")[1].GetProperty("type").GetString());
        Assert.Equal("id", table.GetProperty("key")[0].GetString());
        string databases = await platform.Http.GetStringAsync("/v1/sources/shop/databases");
        Assert.Contains("postgres", databases, StringComparison.Ordinal);
    }

    private static void Write(PlatformProject project, string path, string text)
    {
        string whole = Path.Combine(project.Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
        File.WriteAllText(whole, text);
    }

    private static async Task DoneAsync(PlatformProcess platform, string table, string day)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        string status;
        while ((status = await StatusAsync(platform, table, day)) != "done")
        {
            Assert.False(limit.IsCancellationRequested, $"{table} is {status}: {platform.Output}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<string> StatusAsync(PlatformProcess platform, string table, string day)
    {
        using HttpResponseMessage answer = await platform.Http.GetAsync(
            $"/v1/models/{table}/intervals?from={day}", TestContext.Current.CancellationToken);
        return !answer.IsSuccessStatusCode ? "unknown" : JsonDocument.Parse(await answer.Content.ReadAsStringAsync())
            .RootElement.GetProperty("intervals")[0].GetProperty("status").GetString()!;
    }

    /// <summary>Runs; a model that was just saved is taken within seconds.</summary>
    private static async Task RunAsync(PlatformProcess platform, string table, string how)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        while (true)
        {
            using HttpResponseMessage answer = await platform.Http.PostAsync($"/v1/models/{table}/runs?{how}", null);
            string text = await answer.Content.ReadAsStringAsync();
            if (!answer.IsSuccessStatusCode)
            {
                Assert.False(limit.IsCancellationRequested, text + platform.Output);
                await Task.Delay(50, TestContext.Current.CancellationToken);
                continue;
            }

            Assert.Contains("\"done\":true", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\"done\":false", text, StringComparison.Ordinal);
            return;
        }
    }
}
