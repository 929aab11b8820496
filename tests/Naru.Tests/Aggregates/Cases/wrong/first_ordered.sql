SELECT window_start, window_end, first(ad_id ORDER BY cost) AS a
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
