-- descripton: misspelt
-- lateness: ten minutes
-- owner: a
-- owner: b
-- live: 30d
-- colour: red
-- a comment: with several words
SELECT window_start, window_end, count(*) AS n
FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')
GROUP BY window_start, window_end
