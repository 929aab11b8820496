SELECT window_start, window_end, max(CAST(event_time AS TIME)) AS t, max(event_time AT TIME ZONE 'UTC') AS u, first(tags) AS v, max(event_time - shown_at) AS w, max(CAST(ad_id AS BLOB)) AS x, max(CAST(rank AS UHUGEINT)) AS y
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
