SELECT window_start, window_end, net, count(*) AS n, max(c) AS dearest
FROM (SELECT window_start, window_end, context->>'network' AS net, cost AS c
      FROM hop(kr_ad.click, event_time, INTERVAL '1 hour', INTERVAL '1 day'))
GROUP BY window_start, window_end, net
