-- Answers to requests that came with an Idempotency-Key.
CREATE TABLE idempotency_keys (
    id BLOB NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at DATETIME NOT NULL
);

CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
