SELECT window_start, window_end, max(now() - event_time) AS x, count_if(event_time < current_date) AS y
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
