-- Figures of a database, a line each: newest migration, columns and indexes of each table, its rows and their checksum.
-- Runs in a transaction. The settings decide how values read as text.
SET LOCAL search_path TO '';
SET LOCAL TimeZone TO 'UTC';
SET LOCAL DateStyle TO 'ISO, YMD';
SET LOCAL IntervalStyle TO 'postgres';
SET LOCAL bytea_output TO 'hex';
SET LOCAL extra_float_digits TO 1;
SET LOCAL statement_timeout TO 0;

SELECT format('SELECT %L, max(version) FROM %I.%I', 'schema version', schemaname, tablename)
FROM pg_tables
WHERE tablename = '_sqlx_migrations'
ORDER BY schemaname \gexec

SELECT 'schema of', a.attrelid::regclass,
    md5(string_agg(format('%s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull), ',' ORDER BY a.attname)
        || (SELECT coalesce(string_agg(i.indexrelid::regclass::text, ',' ORDER BY i.indexrelid::regclass::text), '')
            FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisvalid))
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
GROUP BY a.attrelid
ORDER BY a.attrelid::regclass::text;

SELECT format(
    'SELECT %L, %L, count(*), sum(CAST(CAST(''x'' || left(md5(CAST(row_of.* AS text)), 15) AS bit(60)) AS bigint))'
    ' FROM %I.%I row_of',
    'rows of', format('%I.%I', schemaname, tablename), schemaname, tablename
)
FROM pg_tables
WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema'
ORDER BY schemaname, tablename \gexec
