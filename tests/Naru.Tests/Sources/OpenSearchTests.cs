using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Models;
using Naru.Sources;
using Naru.Sources.OpenSearch;

namespace Naru.Tests.Sources;

/// <summary>Snapshots of OpenSearch and Elasticsearch, played by <see cref="SearchCluster"/>.</summary>
public sealed class OpenSearchTests
{
    private const string Table = "t1_db_search_orders_snapshot_daily";
    private const string Canary = "canary-77aa";

    private const string Orders = """
        {"properties": {
          "n": {"type": "long"}, "small": {"type": "short"}, "huge": {"type": "unsigned_long"},
          "ratio": {"type": "float"}, "ok": {"type": "boolean"}, "at": {"type": "date"},
          "exact": {"type": "date_nanos"}, "ip": {"type": "ip"}, "place": {"type": "geo_point"},
          "name": {"type": "text", "fields": {"raw": {"type": "keyword"}}}, "other": {"type": "alias", "path": "n"},
          "shop": {"properties": {"city": {"type": "keyword"}, "floor": {"type": "integer"}}},
          "lines": {"type": "nested", "properties": {"sku": {"type": "keyword"}}}, "id": {"type": "keyword"}
        }}
        """;

    private static readonly Interval Yesterday = SnapshotRig.Day(19);
    private static readonly Interval Today = SnapshotRig.Day(20);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Values_of_all_types_are_those_of_the_documents(bool isOpenSearch)
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch);
        SearchIndex orders = cluster.Indices["orders"] = new SearchIndex(Orders);
        orders.Put("a", """
            {"n": 9007199254740993, "small": "5", "huge": 18446744073709551615, "ratio": 0.1, "ok": "true",
             "at": "2026-11-20T12:00:00.250Z", "exact": "2026-11-20T12:00:00.123456789Z", "ip": "::1",
             "place": {"lat": 37.5, "lon": 127}, "name": "김 \"철수\"\n", "shop.city": "Seoul", "shop": {"floor": 3},
             "lines": [{"sku": "x"}, {"sku": "y"}], "id": "A1"}
            """);
        orders.Put("b", """
            {"n": [7], "small": "", "ok": false, "at": 1000, "name": 12.50, "shop": [{"city": [null, "Busan"]}],
             "place": [127, 37.5], "extra": {"x": [1, 2]}, "shop.hours": "9-18"}
            """);
        orders.Put("c", """{"n": [], "name": null}""", routing: "far");
        using SnapshotRig rig = Rig(cluster, "[orders]");
        Assert.Equal(3, await rig.FillAsync(Table, Today));
        Assert.Equal(
            [
                "orders|a|NULL|9007199254740993|5|18446744073709551615|0.1|true|2026-11-20 12:00:00.25+00|"
                    + "2026-11-20T12:00:00.123456789Z|::1|{\"lat\":37.5,\"lon\":127}|김 \"철수\"\n|Seoul|3|"
                    + "[{\"sku\":\"x\"},{\"sku\":\"y\"}]|A1|NULL",
                "orders|b|NULL|7|NULL|NULL|NULL|false|1970-01-01 00:00:01+00|NULL|NULL|[127,37.5]|12.50|Busan|NULL|"
                    + "NULL|NULL|{\"extra\":{\"x\":[1,2]},\"shop.hours\":\"9-18\"}",
                "orders|c|far" + string.Concat(Enumerable.Repeat("|NULL", 15)),
            ],
            rig.Ask(
                $"SELECT _index, _id, _routing, n, small, huge, ratio, ok, \"at\", exact, ip, place, name, shop_city, "
                + $"shop_floor, lines, id, _unmapped FROM {{{Table}}} ORDER BY _id"));
        Assert.Empty(cluster.Odd);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_document_of_one_moment_comes_once_whatever_happens_meanwhile(bool isOpenSearch)
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch);
        SearchIndex orders = Filled(cluster, documents: 6_000, shards: 7);
        cluster.ResultWindow = 900;
        int pages = 0;
        cluster.OnPage = () =>
        {
            int page = Interlocked.Increment(ref pages);
            orders.Put($"d{page * 13}", """{"n": -1}""");
            orders.Put($"new{page}", """{"n": -1}""");
        };
        foreach (string fault in (string[])["", "429", "503", "", "breaker", "cut", "", "429"])
        {
            cluster.Faults.Enqueue(fault);
        }

        using SnapshotRig rig = Rig(cluster, "[orders]", "chunk_rows: 2000\nparallel: 2\n");
        Assert.Equal(6_000, await rig.FillAsync(Table, Today));
        Assert.Equal(
            ["6000|6000|0|17997000"],
            rig.Ask($"SELECT count(*), count(DISTINCT _id), min(n), sum(n) FROM {{{Table}}}"));
        Assert.Empty(cluster.Faults);
        Assert.Empty(cluster.Odd);
        rig.Dispose();
        Assert.Equal(0, cluster.OpenPoints);
    }

    [Theory]
    [InlineData(true, "forget", "the point in time is gone")]
    [InlineData(false, "forget", "the point in time is gone")]
    [InlineData(true, "late", "before it was whole")]
    [InlineData(false, "shard", "answered without 1 of 3 shards of orders")]
    [InlineData(true, "lose", "documents in all rows of orders, but gave")]
    [InlineData(false, "lose", "documents in all rows of orders, but gave")]
    [InlineData(false, "html", "with what is no JSON")]
    [InlineData(true, "die", "does not answer")]
    public async Task A_source_that_fails_leaves_what_was_there(bool isOpenSearch, string fault, string told)
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch);
        Filled(cluster, documents: 2_500, shards: 3);
        using SnapshotRig rig = Rig(cluster, "[orders]");
        await rig.FillAsync(Table, Yesterday);
        cluster.Faults.Enqueue("");
        for (int i = 0; i < 40; i++)
        {
            cluster.Faults.Enqueue(fault);
        }

        RunOutcome outcome = await rig.RunAsync(Table, Today);
        Assert.False(outcome.Done);
        Assert.Contains(told, outcome.Why, StringComparison.Ordinal);
        Assert.Equal(["2026-11-19|2500"], rig.Ask($"SELECT p_ymd, count(*) FROM {{{Table}}} GROUP BY p_ymd"));
        Assert.Empty(rig.Strays());
        Assert.Equal(FillState.Failed, rig.Ledger.Find($"source/{Table}", Today)!.Record.State);
        cluster.Faults.Clear();
        cluster.IsDead = false;
        Assert.Equal(2_500, await rig.FillAsync(Table, Today));
        Assert.Empty(cluster.Odd);
        rig.Dispose();
        Assert.InRange(cluster.OpenPoints, 0, fault == "die" ? 1 : 0);
    }

    [Fact]
    public async Task Lists_fail_the_run_and_are_named_together_and_read_as_JSON_where_the_file_says_so()
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch: true);
        SearchIndex orders = cluster.Indices["orders"] = new SearchIndex(Orders);
        orders.Put("a", """{"n": 1, "name": "x", "at": 1000, "shop": {"city": "Seoul"}}""");
        orders.Put("b", """{"n": 2, "name": ["x", "y"], "at": [1, 2], "shop": [{"city": "A"}, {"city": "B"}]}""");
        using SnapshotRig rig = Rig(cluster, "[orders]");
        RunOutcome outcome = await rig.RunAsync(Table, Today);
        Assert.Contains(
            "orders has documents with several values in at, name, shop (the first is b), which a column of one value "
            + "cannot hold; read them as JSON: `types: {at: json, name: json, shop: json}`",
            outcome.Why,
            StringComparison.Ordinal);

        rig.Define(Source(cluster, "[{table: orders, types: {at: json, name: json, shop: json}}]"));
        await rig.FillAsync(Table, Today);
        Assert.Equal(
            ["1|\"x\"|1000|{\"city\":\"Seoul\"}", "2|[\"x\",\"y\"]|[1,2]|[{\"city\":\"A\"},{\"city\":\"B\"}]"],
            rig.Ask($"SELECT n, name, \"at\", shop FROM {{{Table}}} ORDER BY n"));

        // What is not read does no harm, and the whole document is there for the asking.
        rig.Define(Source(cluster, "[{table: orders, columns: [n, _source], name: whole}]"));
        await rig.FillAsync("whole", Today);
        Assert.Equal(["2"], rig.Ask("SELECT json_array_length(_source, '$.name') FROM {whole} WHERE n = 2"));
        Assert.Empty(cluster.Odd);
    }

    [Fact]
    public async Task Indices_of_a_pattern_that_do_not_agree_on_a_field_give_it_as_JSON()
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch: false);
        cluster.Indices["log-1"] = new SearchIndex(
            """{"properties": {"a": {"type": "integer"}, "b": {"type": "keyword"}, "c": {"type": "date"}}}""");
        cluster.Indices["log-2"] = new SearchIndex(
            """
            {"properties": {"a": {"type": "long"}, "b": {"properties": {"x": {"type": "long"}}},
             "c": {"type": "keyword"}, "d": {"type": "boolean"}}}
            """);
        cluster.Indices["log-1"].Put("1", """{"a": 1, "b": "text", "c": "2026-11-20"}""");
        cluster.Indices["log-2"].Put("1", """{"a": 3000000000, "b": {"x": 5}, "c": "later", "d": true}""");
        cluster.DataStreams["stream"] = ["log-1", "log-2"];
        cluster.Aliases["both"] = ["log-1", "log-2"];
        using SnapshotRig rig = Rig(
            cluster, "[{table: log-*, name: pattern}, {table: stream, name: stream}, {table: both, name: both}]");
        foreach (string name in (string[])["pattern", "stream", "both"])
        {
            await rig.FillAsync(name, Today);
            Assert.Equal(
                ["log-1|1|1|\"text\"|\"2026-11-20\"|NULL", "log-2|1|3000000000|{\"x\":5}|\"later\"|true"],
                rig.Ask($"SELECT _index, _id, a, b, c, d FROM {{{name}}} ORDER BY 1"));
        }

        await using ISourceServer server = Open(rig);
        Assert.Equal(
            ["both 2 2000 view", "log-1 1 1000", "log-2 1 1000", "stream 2 2000"],
            (await server.TablesAsync(TestContext.Current.CancellationToken)).Select(static table =>
                $"{table.Name} {table.Rows} {table.Bytes}{(table.IsView ? " view" : "")}"));
        Assert.Empty(cluster.Odd);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task With_a_cursor_what_changed_takes_the_place_of_what_it_was(bool isOpenSearch)
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch);
        SearchIndex orders = cluster.Indices["orders"] = new SearchIndex(Orders, shards: 2);
        orders.Put("a", """{"n": 1, "at": "2026-11-18T00:00:00Z"}""");
        orders.Put("b", """{"n": 2, "at": "2026-11-18T10:00:00Z"}""");
        using SnapshotRig rig = Rig(cluster, "[{table: orders, cursor: at}]");
        await rig.FillAsync(Table, Yesterday);
        orders.Put("a", """{"n": 10, "at": "2026-11-19T00:00:00Z"}""");
        orders.Put("c", """{"n": 3, "at": "2026-11-19T01:00:00Z"}""");
        cluster.Requests.Clear();
        await rig.FillAsync(Table, Today);
        Assert.Contains(cluster.Requests, static request =>
            request.Contains(
                """{"range":{"at":{"gte":1794996000000,"format":"epoch_millis"}}}""", StringComparison.Ordinal));
        Assert.Equal(
            ["a|10", "b|2", "c|3"],
            rig.Ask($"SELECT _id, n FROM {{{Table}}} WHERE p_ymd = DATE '2026-11-20' ORDER BY 1"));
        Assert.Empty(cluster.Odd);
    }

    [Fact]
    public async Task A_field_that_the_mapping_has_from_now_on_is_told_and_taken()
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch: true);
        SearchIndex orders = cluster.Indices["orders"] = new SearchIndex(
            """{"properties": {"n": {"type": "long"}, "gone": {"type": "keyword"}}}""");
        orders.Put("a", """{"n": 1}""");
        using SnapshotRig rig = Rig(cluster, "[orders]");
        await rig.FillAsync(Table, Yesterday);
        orders.Mapping = """{"properties": {"n": {"type": "long"}, "fresh": {"type": "boolean"}}}""";
        orders.Put("b", """{"n": 2, "fresh": true}""");
        await rig.FillAsync(Table, Today);
        Assert.Equal(["column gone (keyword) is gone", "column fresh (boolean) was added"], rig.Told);
        Assert.Equal(["true"], rig.Ask($"SELECT fresh FROM {{{Table}}} WHERE n = 2"));
    }

    [Fact]
    public async Task What_opens_the_cluster_is_sent_and_never_told()
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch: false);
        Filled(cluster, documents: 3, shards: 1);
        using SnapshotRig rig = Rig(cluster, "[orders]", "api_key: file:secret\n");
        await File.WriteAllTextAsync($"{rig.Root}/secret", Canary, TestContext.Current.CancellationToken);
        cluster.Authorization = $"ApiKey {Canary}";
        await rig.FillAsync(Table, Yesterday);
        cluster.Authorization = "Basic bmFydTpjYW5hcnktNzdhYQ==";
        RunOutcome outcome = await rig.RunAsync(Table, Today);
        Assert.Contains("answered 401 (security_exception", outcome.Why, StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, outcome.Why, StringComparison.Ordinal);
        rig.Define(Source(cluster, "[orders]", "user: naru\npassword: file:secret\n"));
        await rig.FillAsync(Table, Today);
    }

    [Theory]
    [InlineData(true, "2.3.0")]
    [InlineData(false, "7.10.2")]
    public async Task A_cluster_without_points_in_time_is_told(bool isOpenSearch, string version)
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch);
        cluster.Version = version;
        using SnapshotRig rig = Rig(cluster, "[orders]");
        RunOutcome outcome = await rig.RunAsync(Table, Today);
        Assert.Contains("no points in time that can be read to their end", outcome.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_read_is_told_with_the_mend()
    {
        await using SearchCluster cluster = await SearchCluster.StartAsync(isOpenSearch: true);
        SearchIndex orders = cluster.Indices["orders"] = new SearchIndex(Orders);
        orders.Put("a", """{"n": 1.5}""");
        using SnapshotRig rig = Rig(cluster, "[orders, {table: none, name: none}, {table: _all, name: all_of_it}]");
        Assert.Contains(
            "orders: the document a has 1.5 in n, but a column of type BIGINT cannot hold it; read it as text or JSON: "
            + "`types: {n: text}`",
            (await rig.RunAsync(Table, Today)).Why,
            StringComparison.Ordinal);
        Assert.Contains("there is no table none", (await rig.RunAsync("none", Today)).Why, StringComparison.Ordinal);
        Assert.Contains(
            "is no name of an index", (await rig.RunAsync("all_of_it", Today)).Why, StringComparison.Ordinal);
        orders.Put("a", """{"n": 1, "at": "soon"}""");
        Assert.Contains(
            "the document a has a value in at that the server itself cannot read",
            (await rig.RunAsync(Table, Today)).Why,
            StringComparison.Ordinal);
        orders.Mapping = """{"_source": {"enabled": false}, "properties": {"n": {"type": "long"}}}""";
        Assert.Contains(
            "orders does not keep its documents", (await rig.RunAsync(Table, Today)).Why, StringComparison.Ordinal);
        Assert.Empty(cluster.Odd);
    }

    private static SearchIndex Filled(SearchCluster cluster, int documents, int shards)
    {
        SearchIndex orders = cluster.Indices["orders"] = new SearchIndex(
            """{"properties": {"n": {"type": "long"}, "name": {"type": "keyword"}}}""", shards);
        orders.Fill(documents, static i => $$"""{"n": {{i}}, "name": "{{new string('x', i % 50)}}"}""");
        return orders;
    }

    private static SnapshotRig Rig(SearchCluster cluster, string tables, string more = "") =>
        new(Source(cluster, tables, more), kinds: new SourceKinds([new OpenSearchKind(new HurriedTime())]));

    private static ISourceServer Open(SnapshotRig rig)
    {
        SourceDefinition source = rig.Current.Find("search")!;
        return rig.Connector.Open(source, source.Shards[0]);
    }

    private static string Source(SearchCluster cluster, string tables, string more = "") =>
        $"""
        source: search
        kind: opensearch
        host: 127.0.0.1
        port: {cluster.Port}
        tls: off
        start: 2026-11-01
        {more}tables: {tables}

        """;
}
