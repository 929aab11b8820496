using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Stream;
using Naru.Tests.Platform;

namespace Naru.Tests.Tiers;

/// <summary>Moves between volumes on the real platform, with worker processes that read meanwhile.</summary>
[Trait("Size", "Slow")]
public sealed class TierPlatformTests : IDisposable
{
    private const string Settings = "tiers:\n  warm: ../warm\n  cold: ../cold\n  moved_kept: 0s\n  warm_price: 0.02\n";

    private static readonly string[] Questions =
    [
        "SELECT count(*), sum(n), count(DISTINCT shop) FROM kr_shop.tick",
        "SELECT p_ymd, count(*), sum(n) FROM kr_shop.tick GROUP BY p_ymd ORDER BY p_ymd",
        "SELECT shop, max(n) FROM kr_shop.tick WHERE p_ymd < current_date - 9 GROUP BY shop ORDER BY shop",
        """
        SELECT count(*), sum(t.n), min(s.phone) FROM kr_shop.tick t JOIN kr_shop."tick$secure" s
          ON t._topic_partition = s._topic_partition AND t._topic_offset = s._topic_offset
        """,
    ];

    private string? _root;

    public void Dispose()
    {
        if (_root is not null)
        {
            Directory.Delete(_root, recursive: true);
        }
    }

    [Fact]
    public async Task A_move_and_a_compaction_under_query_load_fail_no_query_and_change_no_answer()
    {
        _root = TierServer.MakeProject(Settings);
        await using TierServer server = await TierServer.StartAsync(_root);
        await server.SendDaysAsync(days: 30, landings: 9, perDay: 4);
        string[] expected = [.. await Task.WhenAll(Questions.Select(server.AskAsync))];
        ConcurrentBag<string> wrong = [];
        int asked = 0;
        using CancellationTokenSource enough = new();
        Task[] load = [.. Enumerable.Range(0, 3).Select(each => Task.Run(() => LoadAsync(each)))];

        // Every pass merges, moves, and unlinks what no query holds: `moved_kept` is 0.
        await Wait.ForAsync(
            async () =>
            {
                await server.Maintenance.PassAsync(TestContext.Current.CancellationToken);
                JsonElement tiers = await server.GetAsync("/v1/tiers");
                return tiers.GetProperty("moves").GetArrayLength() == 0 && asked > 60 && Merged(server) <= 8;
            },
            TimeSpan.FromSeconds(180),
            () => $"{asked} asked, {Merged(server)} merged files hot");
        await enough.CancelAsync();
        await Task.WhenAll(load);
        Assert.Empty(wrong);
        Assert.Equal(expected, await Task.WhenAll(Questions.Select(server.AskAsync)));
        Assert.True(await CountAsync(server, "merged") > 0);
        Assert.True(await CountAsync(server, "warm") > 0);
        Assert.True(await CountAsync(server, "cold") > 0);

        async Task LoadAsync(int at)
        {
            while (!enough.IsCancellationRequested)
            {
                int question = at++ % Questions.Length;
                (bool ok, string text) = await server.TryAskAsync(Questions[question]);
                Interlocked.Increment(ref asked);
                if (!ok || text != expected[question])
                {
                    wrong.Add($"{Questions[question]}: {text}");
                }
            }
        }
    }

    /// <summary>What the test above would find: a file that goes although a query holds it.</summary>
    [Fact]
    public async Task A_file_stays_while_a_query_holds_it_and_one_that_does_not_fails_the_query_that_needs_it()
    {
        _root = TierServer.MakeProject(Settings);
        await using TierServer server = await TierServer.StartAsync(_root);
        await server.SendDaysAsync(days: 12, landings: 1, perDay: 2);
        ILakeCatalog catalog = server.Services.GetRequiredService<ILakeCatalog>();
        TableName name = new("kr_shop", "tick");
        using (ISnapshotLease lease = await catalog.LeaseAsync([name], TestContext.Current.CancellationToken))
        {
            await PassesAsync(server);
            Assert.All(lease.Tables[0].Files, static file => Assert.True(File.Exists(file)));
            Assert.Equal(12, lease.Tables[0].Files.Length);
        }

        await PassesAsync(server);
        Assert.Equal(8, server.FilesIn("shop/data/lake/kr_shop/tick/fields").Count());
        string sum = await server.AskAsync(Questions[0]);

        // A mover that unlinks without asking who reads.
        string moved = server.FilesIn("warm/kr_shop/tick/fields").First();
        byte[] bytes = await File.ReadAllBytesAsync(moved);
        File.Delete(moved);
        (bool ok, string text) = await server.TryAskAsync(Questions[0]);
        Assert.False(ok);
        Assert.Contains("lake_file", text, StringComparison.Ordinal);
        await File.WriteAllBytesAsync(moved, bytes);
        Assert.Equal(sum, await server.AskAsync(Questions[0]));
    }

    [Fact]
    public async Task Tiers_says_what_is_where_and_what_is_to_move_and_a_restart_and_a_project_at_rest_read_all_of_it()
    {
        _root = TierServer.MakeProject(
            Settings,
            ("models/daily.sql", """
                -- description: Ticks of each day.
                -- lifetime: hot 3d, warm 6d
                SELECT shop, count(*) AS ticks FROM kr_shop.tick
                WHERE _event_time >= $from AND _event_time < $to GROUP BY shop
                """));
        string project = Path.Combine(_root, "shop");
        string sum;
        await using (TierServer server = await TierServer.StartAsync(_root))
        {
            await server.SendDaysAsync(days: 12, landings: 1, perDay: 2);
            using HttpResponseMessage ran = await server.Http.PostAsync(
                $"/v1/models/daily/runs?force=true&from={Day(9)}&to={Day(0)}", null);
            Assert.Contains("\"failed\":0", await ran.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            sum = await server.AskAsync(Questions[0]);
            string models = await server.AskAsync("SELECT sum(ticks) FROM mart.daily");
            string address = server.Http.BaseAddress!.ToString();
            (int code, string text) = await PlatformProcess.RunAsync("tiers", "--server", address);
            Assert.True(code == 0, text);
            Assert.Contains("to be moved:", text, StringComparison.Ordinal);
            Assert.Contains($"kr_shop.tick {Day(11)} to warm: 1 files", text, StringComparison.Ordinal);
            Assert.Contains($"mart.daily {Day(9)} to cold: 1 files", text, StringComparison.Ordinal);
            (code, text) = await PlatformProcess.RunAsync(
                "tiers", "move", "kr_shop.tik", "--server", address);
            Assert.Equal(1, code);
            Assert.Contains("did you mean kr_shop.tick?", text, StringComparison.Ordinal);
            (code, text) = await PlatformProcess.RunAsync("tiers", "move", "--server", address);
            Assert.True(code == 0, text);
            Assert.Contains("moved: ", text, StringComparison.Ordinal);
            Assert.Equal(sum, await server.AskAsync(Questions[0]));
            Assert.Equal(models, await server.AskAsync("SELECT sum(ticks) FROM mart.daily"));

            await PinAsync(server, address, sum);

            // A day of a model that is run again is hot again.
            using HttpResponseMessage again = await server.Http.PostAsync(
                $"/v1/models/daily/runs?force=true&all=true&from={Day(9)}&to={Day(8)}", null);
            Assert.Contains("\"failed\":0", await again.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal(models, await server.AskAsync("SELECT sum(ticks) FROM mart.daily"));
            Assert.Equal(
                """[["cold",2],["hot",4],["warm",3]]""",
                (await server.AskAsync("""
                    SELECT tier, count(*) FROM naru.files WHERE "table" = 'daily' GROUP BY tier ORDER BY tier
                    """)).ReplaceLineEndings(""));
        }

        await using (TierServer server = await TierServer.StartAsync(_root))
        {
            Assert.Equal(sum, await server.AskAsync(Questions[0]));
        }

        (int exit, string rows) = await PlatformProcess.RunAsync(
            "sql", Questions[0], "--project", project, "--format", "csv");
        Assert.True(exit == 0, rows);
        Assert.Contains(JsonDocument.Parse(sum).RootElement[0][1].ToString(), rows, StringComparison.Ordinal);
        (exit, rows) = await PlatformProcess.RunAsync("doctor", project);
        Assert.True(exit == 0, rows);
    }

    [Theory]
    [InlineData("", "warm")]
    [InlineData("", "cold")]
    [InlineData("tiers:\n  warm: ../warm\n", "cold")]
    public async Task A_move_to_a_volume_that_is_not_there_is_refused_and_pins_nothing(string settings, string tier)
    {
        _root = TierServer.MakeProject(settings);
        await using TierServer server = await TierServer.StartAsync(_root);
        await server.SendDaysAsync(days: 2, landings: 1, perDay: 1);
        string days = $"/v1/tiers/moves?table=kr_shop.tick&from={Day(1)}&to={Day(0)}&tier=";
        foreach (string more in (string[])["", "&dry_run=true"])
        {
            using HttpResponseMessage refused = await server.Http.PostAsync(days + tier + more, null);
            string text = await refused.Content.ReadAsStringAsync();
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains($"there is no {tier} volume", text, StringComparison.Ordinal);
            Assert.Contains($"set tiers.{tier} in naru.yaml", text, StringComparison.Ordinal);
        }

        Assert.Equal(0, (await server.GetAsync("/v1/tiers")).GetProperty("pins").GetArrayLength());

        // What is always there can be wanted, and nothing any more, too: also of days pinned to a volume that went.
        foreach (string known in (string[])["hot", "rules"])
        {
            using HttpResponseMessage taken = await server.Http.PostAsync(days + known, null);
            Assert.True(taken.IsSuccessStatusCode, await taken.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task A_backup_has_what_is_on_other_volumes_and_is_restored_into_one_folder()
    {
        _root = TierServer.MakeProject(Settings);
        string sum;
        await using (TierServer server = await TierServer.StartAsync(_root))
        {
            await server.SendDaysAsync(days: 30, landings: 1, perDay: 2);
            await PassesAsync(server);
            sum = await server.AskAsync(Questions[1]);
            (int code, string text) = await PlatformProcess.RunAsync(
                "backup", $"{_root}/backups", "--project", $"{_root}/shop");
            Assert.True(code == 0, text);
        }

        Directory.Delete($"{_root}/shop", recursive: true);
        Directory.Delete($"{_root}/warm", recursive: true);
        Directory.Delete($"{_root}/cold", recursive: true);
        (int exit, string said) = await PlatformProcess.RunAsync("restore", $"{_root}/backups", $"{_root}/shop");
        Assert.True(exit == 0, said);
        await using (TierServer server = await TierServer.StartAsync(_root))
        {
            Assert.Equal(sum, await server.AskAsync(Questions[1]));
            await PassesAsync(server);
            Assert.Equal(sum, await server.AskAsync(Questions[1]));
            Assert.True(await CountAsync(server, "cold") > 0);
        }
    }

    /// <summary>Days that somebody wants hot come back and stay, until the rules decide again.</summary>
    private static async Task PinAsync(TierServer server, string address, string sum)
    {
        string[] days = ["--from", Day(11), "--to", Day(9)];
        string[] pin = ["tiers", "move", "kr_shop.tick", .. days, "--server", address];
        (int code, string text) = await PlatformProcess.RunAsync([.. pin, "--tier", "hot", "--dry-run"]);
        Assert.Contains($"kr_shop.tick {Day(11)} to hot: 1 files", text, StringComparison.Ordinal);
        (code, text) = await PlatformProcess.RunAsync([.. pin, "--tier", "hot"]);
        Assert.True(code == 0, text);
        await PassesAsync(server);
        Assert.Equal("[[2]]", await OnAsync(server, "hot"));
        Assert.Equal(sum, await server.AskAsync(Questions[0]));
        (_, text) = await PlatformProcess.RunAsync("tiers", "kr_shop.tick", "--server", address);
        Assert.Contains(
            $"pinned hot by local: kr_shop.tick from {Day(11)} to {Day(9)}", text, StringComparison.Ordinal);
        (code, text) = await PlatformProcess.RunAsync([.. pin, "--tier", "rules"]);
        Assert.True(code == 0, text);
        Assert.Equal("[[0]]", await OnAsync(server, "hot"));
        (code, text) = await PlatformProcess.RunAsync([.. pin, "--tier", "lukewarm"]);
        Assert.Equal(1, code);
        Assert.Contains("write hot, warm or cold", text, StringComparison.Ordinal);
        Assert.Equal(sum, await server.AskAsync(Questions[0]));
    }

    /// <summary>Of two old days.</summary>
    private static async Task<string> OnAsync(TierServer server, string tier) => (await server.AskAsync($"""
        SELECT count(*) FROM naru.files WHERE schema = 'kr_shop' AND column_group = 'fields' AND tier = '{tier}'
          AND (contains(path, 'p_ymd={Day(11)}') OR contains(path, 'p_ymd={Day(10)}'))
        """)).ReplaceLineEndings("");

    private static string Day(int ago) => TierServer.DayText(TierServer.Today().AddDays(-ago));

    /// <summary>One a day, until it is moved and no query holds it.</summary>
    private static int Merged(TierServer server) => server.FilesIn("shop/data/lake/kr_shop/tick/raw")
        .Count(static path => Path.GetFileName(path).StartsWith("compact-", StringComparison.Ordinal));

    /// <summary>Enough for what was moved to be unlinked.</summary>
    private static async Task PassesAsync(TierServer server)
    {
        for (int pass = 0; pass < 2; pass++)
        {
            await server.Maintenance.PassAsync(TestContext.Current.CancellationToken);
        }
    }

    private static async Task<long> CountAsync(TierServer server, string what)
    {
        string where = what == "merged" ? "contains(path, 'compact-')" : $"tier = '{what}'";
        string rows = await server.AskAsync($"SELECT count(*) FROM naru.files WHERE {where}");
        return JsonDocument.Parse(rows).RootElement[0][0].GetInt64();
    }
}
