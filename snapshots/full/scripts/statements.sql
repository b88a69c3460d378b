-- The statements that took the most time since the last `SELECT pg_stat_statements_reset()`.
SELECT
    calls,
    round(total_exec_time) AS total_ms,
    round(mean_exec_time::numeric, 2) AS mean_ms,
    round(max_exec_time::numeric, 2) AS max_ms,
    rows,
    left(regexp_replace(query, '\s+', ' ', 'g'), 200) AS statement
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY total_exec_time DESC
LIMIT 20;
