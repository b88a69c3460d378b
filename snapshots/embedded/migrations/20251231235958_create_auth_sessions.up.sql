-- Layer auth-jwt.
CREATE TABLE auth_sessions (
    id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    begun_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    ended_at DATETIME,
    address TEXT,
    user_agent TEXT,
    CONSTRAINT auth_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT auth_sessions_id_check CHECK (length(id) = 16),
    CONSTRAINT auth_sessions_user_id_check CHECK (length(user_id) = 16),
    CONSTRAINT auth_sessions_address_check CHECK (length(address) <= 45),
    CONSTRAINT auth_sessions_user_agent_check CHECK (length(user_agent) <= 256),
    CONSTRAINT auth_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX auth_sessions_user_id_idx ON auth_sessions (user_id);

-- Filters, and listings sorted by it.
CREATE INDEX auth_sessions_expires_at_idx ON auth_sessions (expires_at, id);
