SELECT window_start, window_end, sum(budget) AS x, avg(budget) AS y
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
