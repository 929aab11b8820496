SELECT window_start, window_end, ad_id, place AS placement,
    sum(impressions) AS impressions, sum(clicks) AS clicks, sum(cost) AS cost,
    count(DISTINCT who) AS users,
    CAST(sum(clicks) AS DOUBLE) / sum(impressions) AS ctr
FROM (
    SELECT window_start, window_end, ad_id, placement AS place, 1 AS impressions, 0 AS clicks, NULL AS cost,
        user_id AS who
    FROM tumble(kr_ad.impression, event_time, INTERVAL '1 day')
    WHERE device <> 'bot'
    UNION ALL
    SELECT window_start, window_end, ad_id, placement, 0, 1, cost, user_id
    FROM tumble(kr_ad.click, event_time, INTERVAL '1 day')
) r
WHERE r.ad_id <> ''
GROUP BY window_start, window_end, ad_id, place
