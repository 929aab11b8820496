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
}
