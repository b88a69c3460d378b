-- Layer auth-jwt.
CREATE TABLE auth_sessions (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    begun_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    address TEXT,
    user_agent TEXT,
    CONSTRAINT auth_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT auth_sessions_address_check CHECK (char_length(address) <= 45),
    CONSTRAINT auth_sessions_user_agent_check CHECK (char_length(user_agent) <= 256),
    CONSTRAINT auth_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX auth_sessions_user_id_idx ON auth_sessions (user_id);

-- Filters, and listings sorted by it.
CREATE INDEX auth_sessions_expires_at_idx ON auth_sessions (expires_at, id);
