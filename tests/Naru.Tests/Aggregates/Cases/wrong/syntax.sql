SELECT window_start,
  window_end count(*) n FROM
