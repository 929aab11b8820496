SELECT window_start, window_end, count(*) AS n
FROM kr_ad.click GROUP BY 1, 2
