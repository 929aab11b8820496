SELECT 1 AS window_start
