SELECT window_start, window_end, first(user_id) AS u, max(user_id) AS m, count(DISTINCT lower(user_id)) AS l, count(*) FILTER (WHERE user_id LIKE 'u%') AS f
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
