SELECT window_start, window_end, count(*) AS n
FROM tumble(kr_ad.click, event_time, INTERVAL '100000 days') GROUP BY 1, 2
