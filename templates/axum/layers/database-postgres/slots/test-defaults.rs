// For tests without a database: this port is closed.
("DATABASE_URL", "postgres://localhost:1/none"),
("DATABASE_MAX_CONNECTIONS", "2"),
