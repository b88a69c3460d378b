// For what needs no Redis: nobody listens there.
("REDIS_URL", "redis://localhost:1"),
