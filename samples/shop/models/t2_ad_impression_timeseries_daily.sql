-- description: Every showing of an ad with its tap and its price, if it was tapped.
-- owner: ads-team
-- every: day
-- start: data
-- wait_for_late: 1m
-- restate: auto
SELECT i._event_time AS shown_at, i.impression_id, i.ad_id, i.campaign_id, i.placement,
       c.impression_id IS NOT NULL AS tapped, coalesce(c.cost, 0) AS cost
FROM kr_ad.impression i
LEFT JOIN kr_ad.click c ON c.impression_id = i.impression_id AND c.p_ymd >= $day AND c.p_ymd <= $day + 1
WHERE i.p_ymd = $day
