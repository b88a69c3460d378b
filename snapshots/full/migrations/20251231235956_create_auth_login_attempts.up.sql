-- Layer auth-jwt.
CREATE TABLE auth_login_attempts (
    subject TEXT NOT NULL,
    made BIGINT NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    blocked_until TIMESTAMPTZ,
    known_until TIMESTAMPTZ,
    CONSTRAINT auth_login_attempts_pkey PRIMARY KEY (subject),
    CONSTRAINT auth_login_attempts_subject_check CHECK (char_length(subject) BETWEEN 64 AND 64)
);

-- Filters by it.
CREATE INDEX auth_login_attempts_last_at_idx ON auth_login_attempts (last_at);
