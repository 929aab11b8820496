-- description: showings, taps, CTR and cost of every campaign over five minutes, every minute
-- owner: ads-team
-- lateness: 10m
-- live: 1h
SELECT
    window_start, window_end, campaign_id,
    sum(impression) AS impressions,
    sum(click) AS clicks,
    sum(cost) AS cost,
    CAST(sum(click) AS DOUBLE) / nullif(sum(impression), 0) AS ctr
FROM (
    SELECT window_start, window_end, campaign_id, 1 AS impression, 0 AS click, NULL AS cost
    FROM hop(kr_ad.impression, event_time, INTERVAL '1 minute', INTERVAL '5 minutes')
    UNION ALL
    SELECT window_start, window_end, campaign_id, 0, 1, cost
    FROM hop(kr_ad.click, event_time, INTERVAL '1 minute', INTERVAL '5 minutes')
)
GROUP BY window_start, window_end, campaign_id
