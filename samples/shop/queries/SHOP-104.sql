-- title: Exposed documents
-- description: How often each product was shown in results, at which rank, and how often it was tapped
-- owner: search-team
-- tags: search, template
-- chart: table
WITH shown AS (
    SELECT doc_id, count(*) AS exposures, count(DISTINCT query_id) AS searches, round(avg(rank), 1) AS mean_rank
    FROM kr_shop.exposure
    WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}}
    GROUP BY doc_id
), tapped AS (
    SELECT doc_id, count(*) AS clicks
    FROM kr_shop.doc_click
    WHERE p_ymd BETWEEN {{from:date=today-6}} AND {{to:date=today}}
    GROUP BY doc_id
)
SELECT
    doc_id, exposures, searches, mean_rank, coalesce(clicks, 0) AS clicks,
    round(100 * ctr(coalesce(clicks, 0), exposures), 2) AS ctr_percent
FROM shown LEFT JOIN tapped USING (doc_id)
ORDER BY exposures DESC, doc_id
LIMIT {{most:number=100}}
