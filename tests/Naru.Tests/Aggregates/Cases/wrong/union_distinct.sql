SELECT window_start, window_end, count(*) AS n
FROM (SELECT window_start, window_end FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute') UNION SELECT window_start, window_end FROM tumble(kr_ad.impression, event_time, INTERVAL '1 minute')) GROUP BY 1, 2
