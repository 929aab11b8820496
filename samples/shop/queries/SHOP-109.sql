-- title: What campaigns owe
-- description: Cost of all taps, in KRW
-- owner: ads-team
-- tags: ads, billing
-- chart: number y=cost
SELECT sum(cost) AS cost, count(*) AS clicks
FROM kr_ad.click
WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}} AND {{campaign:text=}} IN ('', campaign_id)
