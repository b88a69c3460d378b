-- The two roles of the service: one owns the schema and migrates it, the other reads and writes rows. Run it once in the
-- service's database, as its owner or a superuser:
--
--   psql --set migrate=shop_migrate --set serve=shop --file deploy/k8s/roles.sql "$ADMIN_URL"
--
-- Then give each role a password: `\password shop_migrate`, `\password shop`.
\set ON_ERROR_STOP on
BEGIN;

CREATE ROLE :"migrate" LOGIN;
CREATE ROLE :"serve" LOGIN;

-- Before PostgreSQL 15, every role may create tables in `public`.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :"migrate";
GRANT USAGE ON SCHEMA public TO :"serve";

-- Of each table that a migration creates.
ALTER DEFAULT PRIVILEGES FOR ROLE :"migrate" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"serve";
ALTER DEFAULT PRIVILEGES FOR ROLE :"migrate" IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO :"serve";

COMMIT;
