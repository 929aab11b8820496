-- title: Impressions, clicks and CTR of campaigns
-- description: What was shown and tapped on each day, with the interval in which the CTR lies at 95%
-- owner: ads-team
-- tags: ads, template
-- chart: line x=day y=ctr_percent group=campaign_id
WITH shown AS (
    SELECT p_ymd AS day, campaign_id, count(*) AS impressions
    FROM kr_ad.impression
    WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}}
    GROUP BY day, campaign_id
), tapped AS (
    SELECT p_ymd AS day, campaign_id, count(*) AS clicks, sum(cost) AS cost
    FROM kr_ad.click
    WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}}
    GROUP BY day, campaign_id
)
SELECT
    day, campaign_id, impressions, coalesce(clicks, 0) AS clicks,
    round(100 * ctr(coalesce(clicks, 0), impressions), 2) AS ctr_percent,
    round(100 * ctr_interval(coalesce(clicks, 0), impressions).low, 2) AS ctr_low,
    round(100 * ctr_interval(coalesce(clicks, 0), impressions).high, 2) AS ctr_high,
    cost
FROM shown LEFT JOIN tapped USING (day, campaign_id)
WHERE {{campaign:text=}} IN ('', campaign_id)
ORDER BY day, campaign_id
