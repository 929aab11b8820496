-- title: Clicks on ads per minute
-- description: Of the last hours, counted while they arrive
-- owner: ads-team
-- tags: ads, live
-- chart: area x=minute y=clicks
SELECT window_start AS minute, sum(clicks) AS clicks, sum(cost) AS cost
FROM agg.ad_clicks_1m
WHERE window_start >= now() - INTERVAL 1 HOUR * {{hours:number=3}}
GROUP BY minute
ORDER BY minute
