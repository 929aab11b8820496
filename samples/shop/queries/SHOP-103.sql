-- title: The queries searched most
-- description: Searches, visits and taps on what was shown, of each query
-- owner: search-team
-- tags: search, template
-- chart: bar x=query y=searches
WITH searched AS (
    SELECT query_id, query, session_id
    FROM kr_shop.search
    WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}}
), tapped AS (
    SELECT DISTINCT query_id
    FROM kr_shop.doc_click
    WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}}
)
SELECT
    query, count(*) AS searches, count(DISTINCT session_id) AS visits,
    count(tapped.query_id) AS with_a_tap,
    round(100.0 * count(tapped.query_id) / count(*), 1) AS tapped_percent
FROM searched LEFT JOIN tapped USING (query_id)
GROUP BY query
ORDER BY searches DESC, query
LIMIT {{most:number=30}}
