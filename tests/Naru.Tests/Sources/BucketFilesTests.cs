using System.Text;
using Naru.Connections;
using Naru.Tests.External;
using Naru.Tests.Tiers;
using Naru.Tiers;

namespace Naru.Tests.Sources;

/// <summary>Files that others put into a bucket of a server that speaks S3.</summary>
[Trait("Size", "Slow")]
public sealed class BucketFilesTests : IAsyncDisposable
{
    private const string Orders = "t1_db_inbox_orders_snapshot_daily";

    private readonly ExternalRig _files = new();
    private SnapshotRig? _rig;
    private S3Server? _store;

    public async ValueTask DisposeAsync()
    {
        _rig?.Dispose();
        await _files.DisposeAsync();
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }

    private string Copies => Directory.CreateDirectory($"{_rig!.Root}/data/fetched").FullName;

    [Fact]
    public async Task Objects_of_a_day_become_its_snapshot_and_their_copies_go()
    {
        await StartAsync();
        await PutAsync("in/2026-11-01/shop=s1/a.csv", "id,name\n1,x\n");
        await PutAsync("in/2026-11-01/shop=s2/deep/er/b.csv", "name,id\ny,2\n");
        await PutAsync("in/2026-11-01/shop=s2/_part.csv", "id\nno\n");
        await PutAsync("in/2026-11-02/shop=s2/c.csv", "id,name\n3,z\n");
        Assert.Contains(
            "orders is not ready", (await _rig!.RunAsync(Orders, SnapshotRig.Day(1))).Why, StringComparison.Ordinal);
        await PutAsync("in/2026-11-01/_SUCCESS", "");
        Assert.Equal(2, await _rig.FillAsync(Orders, SnapshotRig.Day(1)));
        Assert.Equal(
            ["1|x|s1|2026-11-01", "2|y|s2|2026-11-01"],
            _rig.Ask($"SELECT id, name, shop, p_ymd FROM {{{Orders}}} ORDER BY id"));
        Assert.Empty(Directory.GetFileSystemEntries(Copies));
    }

    [Fact]
    [Trait("Size", "Long")]
    public async Task A_store_that_dies_leaves_the_day_before_and_nothing_of_this_one()
    {
        await StartAsync();
        await PutAsync("in/2026-11-01/shop=s1/a.csv", "id,name\n1,x\n");
        await PutAsync("in/2026-11-01/_SUCCESS", "");
        await PutAsync("in/2026-11-02/shop=s2/c.csv", "id,name\n3,z\n");
        await PutAsync("in/2026-11-02/_SUCCESS", "");
        Assert.Equal(1, await _rig!.FillAsync(Orders, SnapshotRig.Day(1)));
        await _store!.FailAsync("wrong");
        Assert.False((await _rig.RunAsync(Orders, SnapshotRig.Day(2))).Done);
        await _store.StopAsync();
        string away = (await _rig.RunAsync(Orders, SnapshotRig.Day(2))).Why!;
        Assert.Contains("`endpoint` of source inbox", away, StringComparison.Ordinal);
        Assert.DoesNotContain(S3Server.Keys, away, StringComparison.Ordinal);
        Assert.Equal(["1"], _rig.Ask($"SELECT count(*) FROM {{{Orders}}}"));
        Assert.Empty(Directory.GetFileSystemEntries(Copies));
    }

    private async Task PutAsync(string name, string text)
    {
        using Bucket bucket = Bucket.Open(
            new BucketAddress("lake", "") { Endpoint = _store!.Address },
            "the test",
            static (_, _) => S3Server.Keys);
        await bucket.PutAsync(
            name,
            () => new MemoryStream(Encoding.UTF8.GetBytes(text)),
            replaces: true,
            TestContext.Current.CancellationToken);
    }

    private async Task StartAsync()
    {
        _store = await S3Server.StartAsync($"{_files.Root}/store");
        string key = $"{_files.Root}/key";
        await File.WriteAllTextAsync(key, S3Server.Keys, TestContext.Current.CancellationToken);
        _rig = new SnapshotRig(
            $$"""
            source: inbox
            kind: files
            path: s3://lake/in
            endpoint: {{_store.Address}}
            access_key: file:{{key}}
            secret_key: file:{{key}}
            start: 2026-11-01
            retries: 0
            tables:
              - table: orders
                location: "{ymd}/shop=*/**/*.csv"
                ready: "{ymd}/_SUCCESS"
                fields: {id: int64}
            """,
            tools: _files.ToolsOfSources(() => Copies));
    }
}
