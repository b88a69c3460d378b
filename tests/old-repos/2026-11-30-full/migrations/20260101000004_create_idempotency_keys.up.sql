-- Layer resources.
CREATE TABLE idempotency_keys (
    hash TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer JSONB NOT NULL,
    kept_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (hash),
    CONSTRAINT idempotency_keys_hash_check CHECK (char_length(hash) BETWEEN 64 AND 64),
    CONSTRAINT idempotency_keys_fingerprint_check CHECK (char_length(fingerprint) BETWEEN 64 AND 64)
);

-- Filters by it.
CREATE INDEX idempotency_keys_kept_at_idx ON idempotency_keys (kept_at);
