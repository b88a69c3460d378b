-- Layer auth-jwt.
CREATE TABLE users (
    id UUID NOT NULL,
    username TEXT NOT NULL,
    username_key TEXT,
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'user',
    disabled_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_username_key UNIQUE (username),
    CONSTRAINT users_username_key_key UNIQUE (username_key),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_username_check CHECK (char_length(username) BETWEEN 3 AND 50),
    CONSTRAINT users_username_key_check CHECK (char_length(username_key) BETWEEN 3 AND 50),
    CONSTRAINT users_email_check CHECK (char_length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_password_hash_check CHECK (char_length(password_hash) <= 65536),
    CONSTRAINT users_role_check CHECK (role IN ('user', 'admin'))
);

-- The default listing: newest first, page by page.
CREATE INDEX users_created_at_id_idx ON users (created_at, id);
