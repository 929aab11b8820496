SELECT window_start, window_end, count_if(len(list_filter(tags, lambda t: t = 'a')) > 0) AS x
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
