SELECT window_start, window_end, count(*) AS n
FROM tumble(1, event_time, INTERVAL '1 minute') GROUP BY 1, 2
