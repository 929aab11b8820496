SELECT window_start, window_end, count(*) AS n
FROM (SELECT window_start, window_end FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute') UNION ALL SELECT window_start, window_end FROM tumble(kr_ad.impression, event_time, INTERVAL '2 minutes')) GROUP BY 1, 2
