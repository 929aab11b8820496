-- title: Which ad had the best CTR
-- description: The ads of one day, best first; those shown less often than least are left out
-- owner: ads-team
-- tags: ads
-- chart: table
WITH shown AS (
    SELECT ad_id, campaign_id, count(*) AS impressions
    FROM kr_ad.impression
    WHERE p_ymd = {{day:date=yesterday}}
    GROUP BY ad_id, campaign_id
), tapped AS (
    SELECT ad_id, count(*) AS clicks, sum(cost) AS cost
    FROM kr_ad.click
    WHERE p_ymd = {{day:date=yesterday}}
    GROUP BY ad_id
)
SELECT
    ad_id, campaign_id, impressions, coalesce(clicks, 0) AS clicks,
    round(100 * ctr(coalesce(clicks, 0), impressions), 2) AS ctr_percent,
    coalesce(cost, 0) AS cost
FROM shown LEFT JOIN tapped USING (ad_id)
WHERE impressions >= {{least:number=20}}
ORDER BY ctr_percent DESC, impressions DESC, ad_id
