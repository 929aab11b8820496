SELECT window_start, window_end, count(*) AS n
FROM tumbel(kr_ad.click, event_time, INTERVAL '1 minute') GROUP BY 1, 2
