-- description: people and visits on each kind of client, per hour
-- owner: shop-team
SELECT
    window_start, window_end, device,
    count(DISTINCT user_id) AS users,
    approx_count_distinct(session_id) AS visits_about,
    count(*) AS views
FROM tumble(kr_shop.page_view, event_time, INTERVAL '1 hour')
GROUP BY window_start, window_end, device
