("DATABASE_URL", "sqlite:none.db"),
("DATABASE_MAX_CONNECTIONS", "2"),
