// For tests without Redis: this port is closed.
("REDIS_URL", "redis://localhost:1"),
