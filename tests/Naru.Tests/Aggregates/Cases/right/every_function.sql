SELECT
    window_start, window_end,
    count(*) AS events, count(cost) AS with_cost, count(DISTINCT user_id) AS users,
    approx_count_distinct(user_id) AS users_about, count(user_id) AS known_users,
    sum(rank) AS ranks, sum(took_us) AS took, sum(cost) AS cost, sum(score) AS score,
    min(shown_at) AS shown_first, max(day) AS day_last, avg(cost) AS cost_mean, mean(rank) AS rank_mean,
    arg_min(ad_id, cost) AS cheapest, max_by(ad_id, cost) AS dearest,
    bool_and(paid) AS all_paid, bool_or(rank > 10) AS any_deep,
    first(ad_id) AS ad_first, last(placement) AS placement_last,
    count_if(paid) AS billed, count(*) FILTER (WHERE score > 0.5) AS good,
    sum(cost) FILTER (WHERE paid) AS cost_paid, count(DISTINCT user_id) FILTER (WHERE paid) AS payers,
    count(user_id) FILTER (WHERE paid) AS paid_known, first(context) AS context, count(tags) AS tagged, count(1) AS rows
FROM tumble(kr_ad.click, _event_time, INTERVAL '1 hour')
GROUP BY window_start, window_end
