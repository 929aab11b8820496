using System.Collections.Immutable;
using Naru.Access;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query;
using Naru.Query.Worker;

namespace Naru.Tests.Query;

/// <summary>Row filters and masks are part of what a caller's tables are: no statement sees behind them.</summary>
public class RowRuleTests(ShopLake shop) : IClassFixture<ShopLake>
{
    private const string Table = "kr_shop.ad_click";

    private static readonly Principal Home = With(Rows("home", "placement = 'home'"));

    private static readonly Principal Masked = With(Masks("masked", ("ad_id", "left(ad_id, 3)"), ("cost", "NULL")));

    [Fact]
    public async Task A_row_filter_gives_the_same_rows_in_every_form()
    {
        const string Sql = "SELECT count(*) AS n, count(DISTINCT placement) AS p FROM kr_shop.ad_click";
        Assert.Equal("n,p\n177,1\n", await shop.AskAsync(Sql, principal: Home));
        string ids = await shop.AskAsync("SELECT _id FROM kr_shop.ad_click", principal: Home);
        Assert.Equal(178, ids.Count(static letter => letter == '\n'));
        string json = await shop.AskAsync("SELECT _id FROM kr_shop.ad_click", ResultFormat.Ndjson, Home);
        Assert.Equal(177, json.Count(static letter => letter == '\n'));
        MemorySink parquet = await shop.RunAsync(new QueryRequest
        {
            Sql = "SELECT _id FROM kr_shop.ad_click", Principal = Home, Format = ResultFormat.Parquet,
        });
        Assert.Equal(177, parquet.Summary!.Rows);
    }

    [Theory]
    [InlineData("SELECT count(*) FROM kr_shop.ad_click "
        + "WHERE CASE WHEN placement = 'search' THEN error(_id) END IS NULL")]
    [InlineData("SELECT count(*) FROM kr_shop.ad_click WHERE (CASE WHEN cost <> 2 THEN _id ELSE '1' END)::INT = 1 "
        + "AND placement <> 'home'")]
    [InlineData("SELECT count(*) FROM kr_shop.ad_click "
        + "WHERE 1 / (CASE WHEN placement = 'search' THEN 0 ELSE 1 END) > 0 "
        + "AND regexp_matches(coalesce(_id, 'x'), CASE WHEN placement = 'search' THEN '(' ELSE '.' END)")]
    [InlineData("SELECT count(*) FROM kr_shop.ad_click "
        + "WHERE (CASE WHEN placement = 'home' THEN 1 ELSE _topic_offset END)::UTINYINT > 0")]
    [InlineData("SELECT count(*) FROM kr_shop.ad_click WHERE (_topic_offset - 1000)::UINTEGER >= 0")]
    public async Task A_condition_of_the_callers_never_meets_a_hidden_row(string sql)
    {
        // Run by one who sees every row, each of these fails on a row that is hidden here. The filter is dear and the
        // condition cheap, so that the engine would rather begin with the condition.
        Principal dear = With(Rows("home", "regexp_matches(lower(placement) || '!', '^home!$')"));
        await Assert.ThrowsAsync<QueryException>(() => shop.AskAsync(sql));
        await shop.AskAsync(sql, principal: Home);
        await shop.AskAsync(sql, principal: dear);
    }

    [Fact]
    public void Every_column_of_a_hidden_row_is_null_outside_its_view()
    {
        TableSchema schema = new(
        [
            new("ad_id", ColumnType.String, false, 1), new("cost", ColumnType.Int64, true, 2),
            new("p_ymd", ColumnType.Date, false, 3),
        ]);
        TableSnapshot table = new(ShopLake.Clicks, schema, ["p_ymd"], [], []);
        Principal principal = With(
            Rows("r", "cost > 1") with
            {
                Masks = ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ColumnMask>>.Empty.Add(
                    Table, ImmutableSortedDictionary<string, ColumnMask>.Empty.Add("ad_id", new("x", "'x'"))),
            });
        string view = TableViews.Sql([table], [], principal.RulesOf).Last().Sql;
        Assert.Contains(
            "CASE WHEN \"_naru_shown\" THEN TRY(CAST((CASE WHEN (cost > 1\n) THEN ('x'\n) END\n) AS VARCHAR)) END "
                + "AS \"ad_id\", CASE WHEN \"_naru_shown\" THEN \"cost\" END AS \"cost\", \"p_ymd\" AS \"p_ymd\" FROM",
            view,
            StringComparison.Ordinal);
        Assert.EndsWith(" WHERE \"_naru_shown\"", view, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Masks_stand_for_their_columns_wherever_they_are_used()
    {
        string seen = await shop.AskAsync(
            "SELECT DISTINCT ad_id, cost FROM kr_shop.ad_click WHERE ad_id <> 'x' ORDER BY ALL", principal: Masked);
        Assert.Equal("ad_id,cost\nad-,\n", seen);
        Assert.Equal("n\n0\n", await shop.AskAsync(
            "SELECT count(*) AS n FROM kr_shop.ad_click WHERE ad_id = 'ad-9' OR cost > 0", principal: Masked));
        Assert.Equal("a,b\nad-,\n", await shop.AskAsync(
            "SELECT max(ad_id) AS a, max(cost) AS b FROM kr_shop.ad_click", principal: Masked));
        string types = await shop.AskAsync(
            "SELECT column_name, data_type FROM information_schema.columns "
            + "WHERE table_name = 'ad_click' AND column_name = 'cost'", principal: Masked);
        Assert.Equal("column_name,data_type\ncost,\"DECIMAL(18,6)\"\n", types);
        Assert.Equal("t\n\"DECIMAL(18,6)\"\n", await shop.AskAsync(
            "SELECT DISTINCT typeof(cost) AS t FROM kr_shop.ad_click", principal: Masked));
    }

    [Fact]
    public async Task Roles_add_up_row_by_row()
    {
        // Home rows in full, all others with the ad masked: together never more than either shows.
        Principal both = With(
            Rows("home", "placement = 'home'"), Masks("masked", ("ad_id", "'masked'")));
        string seen = await shop.AskAsync(
            """
            SELECT coalesce(placement, 'none') AS p, ad_id = 'masked' AS m, count(*) AS n
            FROM kr_shop.ad_click GROUP BY ALL ORDER BY ALL
            """, principal: both);
        Assert.Equal("p,m,n\nhome,false,177\nnone,true,1000\nsearch,true,333\n", seen);

        Principal two = With(Rows("home", "placement = 'home'"), Rows("search", "placement = 'search'"));
        Assert.Equal("n\n510\n", await shop.AskAsync("SELECT count(*) AS n FROM kr_shop.ad_click", principal: two));
        Principal open = With(Rows("home", "placement = 'home'"), new Grant { Name = "all", Read = ["*"] });
        Assert.Equal("n\n1510\n", await shop.AskAsync("SELECT count(*) AS n FROM kr_shop.ad_click", principal: open));
    }

    [Fact]
    public async Task The_caller_stands_in_a_condition_as_a_text_and_nothing_else()
    {
        Principal quoted = new() { Name = "o'hara", Roles = [Rows("own", "placement = {{user}}")] };
        Assert.Equal("n\n0\n", await shop.AskAsync("SELECT count(*) AS n FROM kr_shop.ad_click", principal: quoted));
        Principal home = new() { Name = "home", Roles = [Rows("own", "placement = {{user}}")] };
        Assert.Equal("n\n177\n", await shop.AskAsync("SELECT count(*) AS n FROM kr_shop.ad_click", principal: home));
        Principal hostile = new()
        {
            Name = "x' OR true OR '' = '", Roles = [Rows("own", "placement = {{user}} -- own")],
        };
        Assert.Equal("n\n0\n", await shop.AskAsync("SELECT count(*) AS n FROM kr_shop.ad_click", principal: hostile));
    }

    [Fact]
    public async Task A_plan_of_a_table_with_rules_is_not_shown()
    {
        foreach (Principal principal in (Principal[])[Home, Masked])
        {
            foreach (string explain in (string[])["EXPLAIN", "EXPLAIN ANALYZE"])
            {
                QueryError error = await shop.RefusedAsync(
                    $"{explain} SELECT count(*) FROM kr_shop.ad_click", principal);
                Assert.Equal(QueryCodes.Forbidden, error.Code);
            }

            await shop.AskAsync("EXPLAIN SELECT count(*) FROM kr_shop.empty", principal: principal);
            await shop.AskAsync("DESCRIBE kr_shop.ad_click", principal: principal);
        }
    }

    [Fact]
    public async Task Raw_and_secure_rows_need_a_grant_that_hides_nothing()
    {
        Grant secure = new() { Name = "secure", Secure = ["kr_shop.*"] };
        foreach (Grant rule in (Grant[])[Rows("r", "placement = 'home'"), Masks("m", ("ad_id", "NULL"))])
        {
            Principal principal = With(rule, secure);
            QueryError raw = await shop.RefusedAsync("SELECT * FROM kr_shop.\"ad_click$raw\"", principal);
            Assert.Equal(QueryCodes.Forbidden, raw.Code);
        }

        QueryError filtered = await shop.RefusedAsync(
            "SELECT * FROM kr_shop.\"ad_click$secure\"", With(Rows("r", "placement = 'home'"), secure));
        Assert.Equal(QueryCodes.Forbidden, filtered.Code);

        // Read without a filter by one role and secured with one by another: the second's filter would be lost.
        Principal crossed = With(
            new Grant { Name = "a", Read = ["kr_shop.*"] },
            Rows("b", "placement = 'home'") with { Secure = ["kr_shop.*"] });
        Assert.Equal(QueryCodes.Forbidden, (await shop.RefusedAsync(
            "SELECT * FROM kr_shop.\"ad_click$secure\"", crossed)).Code);
        Principal masked = With(Masks("m", ("user_id", "left(user_id, 3)")) with { Secure = ["kr_shop.*"] });
        Assert.Equal("user_id\nsec\n", await shop.AskAsync(
            "SELECT user_id FROM kr_shop.\"ad_click$secure\"", principal: masked));
    }

    [Fact]
    public async Task A_rule_that_does_not_fit_its_table_shows_nothing_and_tells_nothing()
    {
        QueryError error = await shop.RefusedAsync(
            "SELECT count(*) FROM kr_shop.ad_click", With(Rows("r", "regio = 'secret-word'")));
        Assert.Equal(QueryCodes.Forbidden, error.Code);
        Assert.DoesNotContain("regio", error.ToString(), StringComparison.Ordinal);

        // One that fails on a row hides that row.
        Assert.Equal("n\n0\n", await shop.AskAsync(
            "SELECT count(*) AS n FROM kr_shop.ad_click", principal: With(Rows("r", "_id::INT > 0"))));
    }

    [Fact]
    public async Task With_rules_a_star_means_logs_and_nothing_that_was_counted_from_them()
    {
        Grant rule = Rows("r", "placement = 'home'") with { Read = ["*"] };
        await shop.AskAsync("SELECT * FROM kr_ad.impression", principal: With(rule));
        foreach (string table in (string[])["mart.ad_daily", "naru.logs"])
        {
            QueryError error = await shop.RefusedAsync($"SELECT * FROM {table}", With(rule));
            Assert.Equal(QueryCodes.UnknownTable, error.Code);
        }

        Grant named = rule with { Read = ["*", "mart.ad_daily"] };
        await shop.AskAsync("SELECT * FROM mart.ad_daily", principal: With(named));
    }

    [Fact]
    public async Task A_day_is_still_read_from_its_own_file_under_a_filter()
    {
        string plan = await shop.AskAsync(
            """
            EXPLAIN SELECT count(*) FROM (SELECT * FROM (SELECT *, TRY((placement = 'home')) AS shown
            FROM kr_shop.ad_click) WHERE shown) WHERE p_ymd = DATE '2026-01-02'
            """);
        Assert.Contains("1/2", plan, StringComparison.Ordinal);
    }

    private static Principal With(params Grant[] grants) => new() { Name = "someone", Roles = [.. grants] };

    private static Grant Rows(string name, string condition) => new()
    {
        Name = name,
        Read = ["kr_shop.*"],
        Rows = ImmutableSortedDictionary<string, string>.Empty.Add(Table, condition),
    };

    private static Grant Masks(string name, params (string Column, string Sql)[] masks) => new()
    {
        Name = name,
        Read = ["kr_shop.*"],
        Masks = ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ColumnMask>>.Empty.Add(
            Table,
            masks.ToImmutableSortedDictionary(
                static mask => mask.Column, static mask => new ColumnMask(mask.Sql, mask.Sql))),
    };
}
