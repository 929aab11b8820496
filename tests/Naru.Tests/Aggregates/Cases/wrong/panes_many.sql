SELECT window_start, window_end, count(*) AS n
FROM hop(kr_ad.click, event_time, INTERVAL '1 second', INTERVAL '1 hour') GROUP BY 1, 2
