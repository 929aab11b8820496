-- description: visits
-- disorder: 30s
SELECT window_start, window_end, ad_id, count(*) AS events, last(placement) AS leaves_from
FROM session(kr_ad.click, event_time, INTERVAL '30 minutes')
GROUP BY window_start, window_end, ad_id;
