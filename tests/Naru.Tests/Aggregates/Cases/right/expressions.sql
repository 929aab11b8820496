-- live: 1h
SELECT
    window_start, window_end, upper(ad_id) AS ad, CAST(date_trunc('day', event_time) AS DATE) AS on_day,
    context->>'network' AS network, len(tags) > 1 AS tagged,
    sum(cost * rank) / nullif(count(*), 0) AS cost_per_rank,
    round(CAST(sum(cost) AS DOUBLE), 2) AS rounded,
    CASE WHEN count(*) > 10 THEN 'many' ELSE 'few' END AS how,
    ad || '!' AS loud,
    epoch(window_end) - epoch(window_start) AS seconds
FROM tumble(kr_ad.click, clicked_at, INTERVAL 15 MINUTES) AS c
WHERE c.rank BETWEEN 1 AND 100 AND regexp_matches(placement, '^home') AND CAST(context->>'v' AS INTEGER) > 3
GROUP BY 1, 2, ad, on_day, 5, tagged
HAVING rounded > 0 AND count(*) > 1
