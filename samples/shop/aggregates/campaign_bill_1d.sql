-- description: what every campaign owes, per day of the project's zone
-- owner: ads-team
-- lateness: 6h
SELECT window_start, window_end, campaign_id, count(*) AS clicks, sum(cost) AS cost
FROM tumble(kr_ad.click, event_time, INTERVAL '1 day')
GROUP BY window_start, window_end, campaign_id
