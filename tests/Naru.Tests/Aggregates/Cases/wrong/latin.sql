-- description: café
SELECT 1
