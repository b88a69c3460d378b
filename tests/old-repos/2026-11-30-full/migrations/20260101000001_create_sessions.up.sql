-- Layer auth-jwt.
CREATE TABLE sessions (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    begun_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX sessions_user_id_idx ON sessions (user_id);

-- Filters, and listings sorted by it.
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at, id);
