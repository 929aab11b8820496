-- aggregates/ad_clicks_1m.sql
-- description: taps and cost of every ad, per minute
-- owner: ads-team
-- lateness: 10m
SELECT window_start, window_end, ad_id, count(*) AS clicks, sum(cost) AS cost
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end, ad_id
