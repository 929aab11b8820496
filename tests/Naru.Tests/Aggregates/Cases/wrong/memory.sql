SELECT window_start, window_end, max(length(repeat(ad_id, 1000))) AS x, max(replace(ad_id, 'a', placement)) AS y
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
