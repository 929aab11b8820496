-- title: Inflow channels
-- description: Where visits came from by their first screen: paid, search, social, email, referral or direct
-- owner: growth-team
-- tags: growth, template
-- chart: pie x=channel y=visits
WITH first_screen AS (
    SELECT
        session_id,
        arg_min(coalesce(referrer, ''), _event_time) AS referrer,
        arg_min(coalesce('https://shop.example.kr' || page || '?utm_medium=' || utm_medium, ''), _event_time) AS page
    FROM kr_shop.page_view
    WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}}
    GROUP BY session_id
)
SELECT referrer_channel(referrer, page) AS channel, count(*) AS visits
FROM first_screen
GROUP BY channel
ORDER BY visits DESC, channel
