-- Layer auth-jwt.
CREATE TABLE auth_refresh_tokens (
    hash TEXT NOT NULL,
    session_id BLOB NOT NULL,
    issued_at DATETIME NOT NULL,
    spent_at DATETIME,
    CONSTRAINT auth_refresh_tokens_pkey PRIMARY KEY (hash),
    CONSTRAINT auth_refresh_tokens_hash_check CHECK (length(hash) BETWEEN 64 AND 64),
    CONSTRAINT auth_refresh_tokens_session_id_check CHECK (length(session_id) = 16),
    CONSTRAINT auth_refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES auth_sessions (id) ON DELETE CASCADE
);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX auth_refresh_tokens_session_id_idx ON auth_refresh_tokens (session_id);
