SELECT window_start, window_end, quantile_cont(cost,0.9) AS x
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
