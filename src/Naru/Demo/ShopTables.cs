using System.Globalization;
using System.Text;

namespace Naru.Demo;

/// <summary>What stands in the shop's own database.</summary>
internal static class ShopTables
{
    private static readonly string[] Advertisers =
        ["한강문구", "Namsan Coffee", "동대문패션", "Bukhan Outdoor", "제주감귤", "Haeundae Surf", "강남치과", "Itaewon Records"];

    /// <summary>Makes and fills the tables that are not there yet, and those that reports go to.</summary>
    public static string Sql { get; } = Make();

    private static string Make()
    {
        StringBuilder sql = new(
            """
            CREATE SCHEMA IF NOT EXISTS report;
            CREATE TABLE IF NOT EXISTS advertiser (
                advertiser_id integer PRIMARY KEY, name text NOT NULL, contact text NOT NULL);
            CREATE TABLE IF NOT EXISTS campaign (
                campaign_id text PRIMARY KEY, advertiser_id integer NOT NULL REFERENCES advertiser,
                daily_budget numeric(12,2) NOT NULL, paused boolean NOT NULL DEFAULT false,
                changed_at timestamptz NOT NULL DEFAULT now());

            """);
        for (int i = 0; i < ShopWorld.CampaignCount; i++)
        {
            sql.Append(
                CultureInfo.InvariantCulture,
                $"""
                INSERT INTO advertiser VALUES ({i + 1}, '{Advertisers[i]}', 'ads{i + 1}@example.com')
                    ON CONFLICT DO NOTHING;
                INSERT INTO campaign VALUES ('{ShopWorld.Campaign(i)}', {i + 1}, {(i + 2) * 25_000})
                    ON CONFLICT DO NOTHING;

                """);
        }

        return sql.ToString();
    }
}
