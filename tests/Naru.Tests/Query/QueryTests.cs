using Naru.Query;
using Naru.Query.Worker;

namespace Naru.Tests.Query;

public class QueryTests(ShopLake shop) : IClassFixture<ShopLake>
{
    [Fact]
    public async Task Landed_files_and_the_tail_are_one_table()
    {
        string answer = await shop.AskAsync("""
            SELECT p_ymd, count(*) AS n, sum(cost) AS cost, min(placement) AS p
            FROM kr_shop.ad_click GROUP BY ALL ORDER BY 1
            """);
        Assert.Equal(
            """
            p_ymd,n,cost,p
            2026-01-01,1000,249750.000000,
            2026-01-02,500,625.000000,home
            2026-01-03,10,20.000000,home

            """.ReplaceLineEndings("\n"),
            answer);
    }

    [Theory]
    [InlineData("SELECT approx_count_distinct(i) AS n FROM range(200000) t(i)", 200_000)]
    [InlineData("SELECT APPROX_Count_Distinct ( i ) AS n FROM range(200000) t(i)", 200_000)]
    [InlineData("SELECT \"approx_count_distinct\"('user ' || i) AS n FROM range(200000) t(i)", 200_000)]
    [InlineData("SELECT approx_count_distinct(i) FILTER (i % 2 = 0) AS n FROM range(200000) t(i)", 100_000)]
    [InlineData("SELECT approx_count_distinct(DISTINCT i % 50000) AS n FROM range(200000) t(i)", 50_000)]
    [InlineData(
        "SELECT max(n) FROM (SELECT approx_count_distinct(i) n FROM range(200000) t(i) GROUP BY i % 2 HAVING n > 9)",
        100_000)]
    [InlineData("SELECT (SELECT approx_count_distinct(i) FROM range(200000) t(i)) AS n", 200_000)]
    public async Task Different_values_are_counted_to_a_few_percent(string sql, int exact)
    {
        string answer = await shop.AskAsync(sql);
        Assert.InRange(long.Parse(answer.Split('\n')[1]), (long)(exact * 0.94), (long)(exact * 1.06));
    }

    [Fact]
    public async Task Calls_that_only_DuckDB_can_run_stay_its_own()
    {
        string answer = await shop.AskAsync(
            """
            SELECT max(n), max(p), max(s), max(o) FROM (
                SELECT approx_count_distinct(i) OVER () AS n, approx_count_distinct(i) OVER (PARTITION BY i % 2) AS p,
                    (SELECT main.approx_count_distinct(j) FROM range(10) t(j)) AS s,
                    (SELECT approx_count_distinct(j ORDER BY j) FROM range(10) t(j)) AS o
                FROM range(1000) t(i))
            """);
        long[] counts = [.. answer.Split('\n')[1].Split(',').Select(long.Parse)];
        Assert.InRange(counts[0], 500, 1500);
        Assert.InRange(counts[1], 250, 750);
        Assert.InRange(counts[2], 5, 15);
        Assert.InRange(counts[3], 5, 15);
    }

    [Fact]
    public async Task Columns_and_errors_name_a_function_as_it_was_written()
    {
        const string Sql = "SELECT approx_count_distinct(ad_id), count(*) FROM kr_shop.ad_click";
        Assert.StartsWith("approx_count_distinct(ad_id),count_star()\n10,", await shop.AskAsync(Sql));
        Assert.Contains("approx_count_distinct(ad_id)", await shop.AskAsync(Sql, ResultFormat.Json));
        string parquet = await shop.AskAsync(Sql, ResultFormat.Parquet);
        Assert.Contains("approx_count_distinct(ad_id)", parquet, StringComparison.Ordinal);
        Assert.DoesNotContain("naru_approx", parquet, StringComparison.Ordinal);
        QueryError type = await shop.RefusedAsync("SELECT approx_count_distinct(tags) FROM kr_shop.ad_click");
        Assert.Contains("cast them to VARCHAR", type.Message, StringComparison.Ordinal);
        QueryError arguments = await shop.RefusedAsync("SELECT approx_count_distinct(1, 2)");
        Assert.Contains("approx_count_distinct", arguments.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("naru_approx", arguments.Message, StringComparison.Ordinal);
        QueryError own = await shop.RefusedAsync("SELECT naru_approx_distincts(1)");
        Assert.Equal(QueryCodes.UnknownFunction, own.Code);
    }
}
