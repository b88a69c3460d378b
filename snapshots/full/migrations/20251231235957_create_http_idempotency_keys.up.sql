-- Layer resources.
CREATE TABLE http_idempotency_keys (
    hash TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer JSONB NOT NULL,
    kept_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT http_idempotency_keys_pkey PRIMARY KEY (hash),
    CONSTRAINT http_idempotency_keys_hash_check CHECK (char_length(hash) BETWEEN 64 AND 64),
    CONSTRAINT http_idempotency_keys_fingerprint_check CHECK (char_length(fingerprint) BETWEEN 64 AND 64)
);

-- Filters by it.
CREATE INDEX http_idempotency_keys_kept_at_idx ON http_idempotency_keys (kept_at);
