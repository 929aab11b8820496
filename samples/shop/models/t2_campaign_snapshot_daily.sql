-- description: Campaigns with the advertiser who pays for them, as of each day.
-- owner: ads-team
-- every: day
-- start: 2026-11-01
-- restate: auto
SELECT c.campaign_id, a.name AS advertiser, c.daily_budget, c.paused, c.p_ymd
FROM t1_db_campaign_snapshot_daily c
JOIN t1_db_advertiser_snapshot_daily a ON a.advertiser_id = c.advertiser_id AND a.p_ymd = c.p_ymd
WHERE c.p_ymd = $day
