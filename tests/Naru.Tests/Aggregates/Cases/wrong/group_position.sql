SELECT window_start, window_end, count(*) AS n
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY 1, 2, 7
