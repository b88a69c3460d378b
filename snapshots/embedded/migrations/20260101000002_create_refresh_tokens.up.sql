-- Layer auth-jwt.
CREATE TABLE refresh_tokens (
    hash TEXT NOT NULL,
    session_id BLOB NOT NULL,
    issued_at DATETIME NOT NULL,
    spent_at DATETIME,
    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (hash),
    CONSTRAINT refresh_tokens_hash_check CHECK (length(hash) BETWEEN 64 AND 64),
    CONSTRAINT refresh_tokens_session_id_check CHECK (length(session_id) = 16),
    CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);
