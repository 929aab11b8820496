SELECT window_start, window_end, count(*) AS n
FROM hop(kr_ad.click, event_time, INTERVAL '5 minutes', INTERVAL '1 minute') GROUP BY 1, 2
