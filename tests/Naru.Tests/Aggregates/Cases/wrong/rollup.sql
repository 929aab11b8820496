SELECT window_start, window_end, ad_id, count(*) AS n
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end, ROLLUP (ad_id)
