SELECT window_start, window_end, count(DISTINCT ad_id, placement) AS n
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
