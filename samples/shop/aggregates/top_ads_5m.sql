-- description: taps of every ad over five minutes, every minute; `naru top top_ads_5m --by clicks` shows the first 100
-- owner: ads-team
-- live: 15m
SELECT window_start, window_end, ad_id, count(*) AS clicks, sum(cost) AS cost, last(placement) AS placement
FROM hop(kr_ad.click, event_time, INTERVAL '1 minute', INTERVAL '5 minutes')
GROUP BY window_start, window_end, ad_id
