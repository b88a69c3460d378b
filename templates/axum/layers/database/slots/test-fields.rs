pub database: database::Database,
