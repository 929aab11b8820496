using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Backup;

/// <summary>The whole way: a platform under load, its backup, a restore, and the audit of what came back.</summary>
[Trait("Size", "Slow")]
public sealed class RestoreDrillTests : IDisposable
{
    private const string Log = """
        log: t.tap
        fields:
          n: {type: int64, required: true}
          who: {type: string, sensitive: true}
        lifetime: {secure: 90d}
        """;

    private readonly PlatformProject _project = new(Log);
    private readonly string _root = Directory.CreateTempSubdirectory("naru-drill-").FullName;

    public void Dispose()
    {
        _project.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_backup_under_load_restores_every_event_that_was_acknowledged_before_it()
    {
        await RunAsync("backup", "key", $"{_root}/key");
        ConcurrentBag<int> acknowledged = [];
        int[] before;
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(_project.Root))
        {
            using CancellationTokenSource stop = new();
            Task[] load =
                [.. Enumerable.Range(0, 4).Select(client => LoadAsync(platform, client, acknowledged, stop.Token))];
            await UntilAsync(() => acknowledged.Count > 2000);
            await BackupAsync();
            await UntilAsync(() => acknowledged.Count > 6000);
            before = [.. acknowledged];
            await BackupAsync();
            int after = acknowledged.Count;
            await UntilAsync(() => acknowledged.Count > after + 500);
            await stop.CancelAsync();
            await Task.WhenAll(load);
            Assert.Empty(Directory.GetDirectories($"{_project.Root}/data/frozen"));
            await platform.KillAsync();
        }

        await RunAsync("backup", "verify", $"{_root}/backups", "--key-file", $"{_root}/key");
        await RunAsync("restore", $"{_root}/backups", $"{_root}/restored", "--key-file", $"{_root}/key");
        HashSet<int> restored = await RestoredAsync($"{_root}/restored");
        Assert.Subset(restored, new HashSet<int>(before));
        Assert.True(restored.Count < acknowledged.Count, "the backup holds what came after it");
    }

    [Fact]
    public async Task A_project_that_was_killed_is_backed_up_at_rest_and_restored()
    {
        ConcurrentBag<int> acknowledged = [];
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(_project.Root))
        {
            using CancellationTokenSource stop = new();
            Task load = LoadAsync(platform, 1, acknowledged, stop.Token);
            string landed = $"{_project.Root}/data/lake/t/tap/fields/_delta_log";
            await UntilAsync(() => acknowledged.Count > 1500 && File.Exists($"{landed}/{1:d20}.json"));
            await platform.KillAsync();
            await stop.CancelAsync();
            await load;
        }

        BackupFolderTests.AddOld($"{_root}/plain");
        Assert.Contains(
            "of 2020-01-02 and holds sensitive fields that have expired",
            await RunAsync("backup", $"{_root}/plain", "--project", _project.Root),
            StringComparison.Ordinal);
        Assert.DoesNotContain(
            "expired",
            await RunAsync("backup", $"{_root}/plain", "--project", _project.Root, "--keep", "1"),
            StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles($"{_root}/plain/backups"));
        await RunAsync("restore", $"{_root}/plain", $"{_root}/restored");
        HashSet<int> restored = await RestoredAsync($"{_root}/restored");
        Assert.Subset(restored, new HashSet<int>(acknowledged));

        string victim = Directory.GetFiles($"{_project.Root}/data/lake/t/tap/fields", "*.parquet",
            SearchOption.AllDirectories)[0];
        byte[] bytes = await File.ReadAllBytesAsync(victim);
        bytes[^20] ^= 1;
        await File.WriteAllBytesAsync(victim, bytes);
        (int code, string output) = await PlatformProcess.RunAsync(
            "backup", $"{_root}/other", "--project", _project.Root);
        Assert.Equal(1, code);
        Assert.Contains(Path.GetFileName(victim), output, StringComparison.Ordinal);
        (int listed, _) = await PlatformProcess.RunAsync("restore", $"{_root}/other", $"{_root}/nothing");
        Assert.Equal(1, listed);
        Assert.False(Path.Exists($"{_root}/nothing"));
    }

    [Fact]
    public async Task What_is_frozen_is_cleared_when_the_one_who_asked_goes_and_at_the_next_start()
    {
        string frozen = $"{_project.Root}/data/frozen";
        Directory.CreateDirectory($"{frozen}/left-by-a-crash");
        await using PlatformProcess platform = await PlatformProcess.StartAsync(_project.Root);
        Assert.False(Path.Exists($"{frozen}/left-by-a-crash"));
        using (HttpResponseMessage refused = await FreezeAsync(platform, "cross-site"))
        {
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        using (HttpResponseMessage answer = await FreezeAsync(platform, "none"))
        {
            using StreamReader lines = new(
                await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
            string line = (await lines.ReadLineAsync(TestContext.Current.CancellationToken))!;
            string folder = JsonDocument.Parse(line).RootElement.GetProperty("folder").GetString()!;
            Assert.True(File.Exists($"{folder}/frozen.json"));
        }

        await UntilAsync(() => Directory.GetDirectories(frozen).Length == 0);
    }

    private static Task<HttpResponseMessage> FreezeAsync(PlatformProcess platform, string site)
    {
        HttpRequestMessage request = new(HttpMethod.Post, "/v1/backup/freeze");
        request.Headers.Add("Sec-Fetch-Site", site);
        return platform.Http.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    private static async Task<HashSet<int>> RestoredAsync(string root)
    {
        await using PlatformProcess platform = await PlatformProcess.StartAsync(root);
        await platform.SeenAsync();
        JsonElement rows = await platform.AskAsync("SELECT n, count(*) FROM t.tap GROUP BY n");
        HashSet<int> found = [];
        foreach (JsonElement row in rows.EnumerateArray())
        {
            Assert.Equal(1, row[1].GetInt64());
            found.Add(row[0].GetInt32());
        }

        (int code, string output) = await PlatformProcess.RunAsync("audit", "--project", root, "--json");
        Assert.True(code == 0, output);
        using JsonDocument audit = JsonDocument.Parse(output);
        Assert.Equal(0, audit.RootElement.GetProperty("difference").GetInt64());
        return found;
    }

    private static async Task LoadAsync(
        PlatformProcess platform, int client, ConcurrentBag<int> acknowledged, CancellationToken stop)
    {
        const int Lines = 20;
        for (int batch = 0; !stop.IsCancellationRequested; batch++)
        {
            int first = (client * 1_000_000) + (batch * Lines);
            StringBuilder body = new();
            foreach (int n in Enumerable.Range(first, Lines))
            {
                body.Append($"{{\"n\":{n},\"who\":\"u{n}\",\"event_id\":\"{n}\"}}\n");
            }

            try
            {
                using HttpResponseMessage answer =
                    await platform.Http.PostAsync(
                        "/v1/events/t.tap", new StringContent(body.ToString()), CancellationToken.None);
                if (answer.IsSuccessStatusCode)
                {
                    foreach (int n in Enumerable.Range(first, Lines))
                    {
                        acknowledged.Add(n);
                    }
                }
            }
            catch (HttpRequestException)
            {
                return;
            }
        }
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        (int code, string output) = await PlatformProcess.RunAsync(arguments);
        Assert.True(code == 0, $"naru {string.Join(' ', arguments)}: {output}");
        return output;
    }

    private static async Task UntilAsync(Func<bool> done)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20));
        while (!done())
        {
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    private Task<string> BackupAsync() =>
        RunAsync("backup", $"{_root}/backups", "--project", _project.Root, "--key-file", $"{_root}/key");
}
