
crate::http::idempotency::clean_up(&background, &db, config.idempotency_ttl);
