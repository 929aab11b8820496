-- description: one row a visit: page views of a session that follow each other within 30 minutes
-- owner: shop-team
-- lateness: 30m
SELECT
    window_start, window_end, session_id,
    count(*) AS views,
    count_if(screen = 'detail') AS products,
    bool_or(screen = 'order_done') AS ordered,
    first(page) AS landed_on,
    last(page) AS left_from,
    sum(dwell_ms) AS dwell_ms
FROM session(kr_shop.page_view, event_time, INTERVAL '30 minutes')
GROUP BY window_start, window_end, session_id
