SELECT window_start, window_end, count(*) AS n
FROM tumble(kr_ad.click, _received_at, INTERVAL '1 minute') GROUP BY 1, 2
