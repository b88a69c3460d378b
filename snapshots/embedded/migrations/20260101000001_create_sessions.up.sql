-- Layer auth-jwt.
CREATE TABLE sessions (
    id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    begun_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    ended_at DATETIME,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_id_check CHECK (length(id) = 16),
    CONSTRAINT sessions_user_id_check CHECK (length(user_id) = 16),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX sessions_user_id_idx ON sessions (user_id);

-- Filters, and listings sorted by it.
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at, id);
