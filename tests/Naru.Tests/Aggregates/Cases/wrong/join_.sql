SELECT window_start, window_end, count(*) AS n
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute') c JOIN tumble(kr_ad.impression, event_time, INTERVAL '1 minute') i ON c.ad_id = i.ad_id GROUP BY 1, 2
