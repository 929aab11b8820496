-- title: Age and gender of visitors
-- description: Visits and views of those who are logged in, by the age and gender that they gave
-- owner: growth-team
-- tags: growth, template
-- chart: pivot x=age y=visits group=gender
SELECT
    context->>'$.age' AS age,
    context->>'$.gender' AS gender,
    count(DISTINCT session_id) AS visits,
    count(*) AS views
FROM kr_shop.page_view
WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}} AND logged_in AND (context->>'$.age') IS NOT NULL
GROUP BY age, gender
ORDER BY age, gender
