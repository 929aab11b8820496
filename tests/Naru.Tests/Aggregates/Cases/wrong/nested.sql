SELECT window_start, window_end, max(sum(cost)) AS c
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
