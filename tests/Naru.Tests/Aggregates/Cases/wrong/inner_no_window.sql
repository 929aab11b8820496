SELECT window_start, window_end, count(*) AS n
FROM (SELECT ad_id FROM kr_ad.click) GROUP BY 1, 2
