SELECT window_start, window_end, placement, avg(cost) AS cost
FROM hop(kr_ad.click, event_time, INTERVAL '1 minute', INTERVAL '5 minutes')
GROUP BY ALL
