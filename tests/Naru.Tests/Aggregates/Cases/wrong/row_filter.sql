SELECT window_start, window_end, max(upper(ad_id) FILTER (WHERE paid)) AS n
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
