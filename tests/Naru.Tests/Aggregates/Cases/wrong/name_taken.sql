SELECT window_start, window_end, count(*) AS p_ymd, sum(rank) AS _revision, max(rank) AS n, min(rank) AS n
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
