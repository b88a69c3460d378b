-- Run by the image of PostgreSQL when its volume is empty: the role of the service, which owns its database and is no
-- superuser. It may create databases, because each test does. The port is available only on this machine.
CREATE ROLE app LOGIN CREATEDB PASSWORD 'app';
CREATE DATABASE app OWNER app;

-- What statements cost: `just statements`. The role may read the statements of others.
\connect app
CREATE EXTENSION pg_stat_statements;
GRANT pg_read_all_stats TO app;
