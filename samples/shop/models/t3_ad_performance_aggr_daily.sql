-- description: Showings, taps, rate and cost of every ad, per day. Made from t2_ad_impression_timeseries_daily.
-- owner: ads-team
-- every: day
-- start: data
-- restate: auto
SELECT ad_id, campaign_id, count(*) AS impressions, count(*) FILTER (tapped) AS clicks,
       ctr(count(*) FILTER (tapped), count(*)) AS ctr, sum(cost) AS cost, p_ymd
FROM t2_ad_impression_timeseries_daily
WHERE p_ymd >= $from::DATE AND p_ymd < $to::DATE
GROUP BY ALL
