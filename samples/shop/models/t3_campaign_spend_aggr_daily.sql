-- description: What each campaign spent of its budget, per day. From logs and the shop's database.
-- owner: ads-team
-- every: day
-- start: 2026-11-01
-- restate: auto
SELECT c.campaign_id, c.advertiser, count(*) AS impressions, count(*) FILTER (i.tapped) AS clicks,
       sum(i.cost) AS cost, any_value(c.daily_budget) AS daily_budget,
       sum(i.cost) > any_value(c.daily_budget) AS over_budget, i.p_ymd
FROM t2_ad_impression_timeseries_daily i
JOIN t2_campaign_snapshot_daily c ON c.campaign_id = i.campaign_id AND c.p_ymd = i.p_ymd
WHERE i.p_ymd = $day
GROUP BY ALL
