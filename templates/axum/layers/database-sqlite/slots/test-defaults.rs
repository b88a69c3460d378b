("DATABASE_URL", "sqlite::memory:"),
("DATABASE_MAX_CONNECTIONS", "2"),
