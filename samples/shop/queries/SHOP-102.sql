-- title: Queries and unique queries by day
-- description: How much was searched, how many different queries and visits there were, and how often nothing was found
-- owner: search-team
-- tags: search, template
-- chart: line x=day y=searches,unique_queries,visits
SELECT
    p_ymd AS day,
    count(*) AS searches,
    count(DISTINCT query) AS unique_queries,
    count(DISTINCT session_id) AS visits,
    count_if(results = 0) AS nothing_found
FROM kr_shop.search
WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}}
GROUP BY day
ORDER BY day
