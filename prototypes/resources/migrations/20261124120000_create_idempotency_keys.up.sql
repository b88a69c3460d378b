-- Answers to requests that came with an Idempotency-Key.
CREATE TABLE idempotency_keys (
    id BYTEA PRIMARY KEY,
    fingerprint BYTEA NOT NULL,
    status SMALLINT NOT NULL,
    headers JSONB NOT NULL,
    body BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
