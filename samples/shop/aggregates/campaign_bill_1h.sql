-- description: what every campaign owes, per hour
-- owner: ads-team
-- lateness: 6h
SELECT window_start, window_end, campaign_id, count(*) AS clicks, sum(cost) AS cost, max(cost) AS dearest
FROM tumble(kr_ad.click, event_time, INTERVAL '1 hour')
GROUP BY window_start, window_end, campaign_id
