-- Layer auth-jwt.
CREATE TABLE refresh_tokens (
    hash TEXT NOT NULL,
    session_id UUID NOT NULL,
    issued_at TIMESTAMPTZ NOT NULL,
    spent_at TIMESTAMPTZ,
    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (hash),
    CONSTRAINT refresh_tokens_hash_check CHECK (char_length(hash) BETWEEN 64 AND 64),
    CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);
