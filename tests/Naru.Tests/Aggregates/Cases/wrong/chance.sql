SELECT window_start, window_end, count_if(random() < 0.5) AS x
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
