-- Layer auth-jwt.
CREATE TABLE users (
    id BLOB NOT NULL,
    username TEXT NOT NULL,
    username_key TEXT,
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'user',
    disabled_at DATETIME,
    deleted_at DATETIME,
    created_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')),
    updated_at DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')),
    version INTEGER NOT NULL DEFAULT 1,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_username_key UNIQUE (username),
    CONSTRAINT users_username_key_key UNIQUE (username_key),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_id_check CHECK (length(id) = 16),
    CONSTRAINT users_username_check CHECK (length(username) BETWEEN 3 AND 50),
    CONSTRAINT users_username_key_check CHECK (length(username_key) BETWEEN 3 AND 50),
    CONSTRAINT users_email_check CHECK (length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_password_hash_check CHECK (length(password_hash) <= 65536),
    CONSTRAINT users_role_check CHECK (role = 'user' OR role = 'admin')
);

-- The default listing: newest first, page by page.
CREATE INDEX users_created_at_id_idx ON users (created_at, id);
