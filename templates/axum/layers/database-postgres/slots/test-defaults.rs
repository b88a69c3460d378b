// For what needs no database: nobody listens there.
("DATABASE_URL", "postgres://localhost:1/none"),
("DATABASE_MAX_CONNECTIONS", "2"),
