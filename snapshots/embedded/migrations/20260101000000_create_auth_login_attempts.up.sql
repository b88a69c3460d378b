-- Layer auth-jwt.
CREATE TABLE auth_login_attempts (
    subject TEXT NOT NULL,
    made INTEGER NOT NULL,
    last_at DATETIME NOT NULL,
    blocked_until DATETIME,
    known_until DATETIME,
    CONSTRAINT auth_login_attempts_pkey PRIMARY KEY (subject),
    CONSTRAINT auth_login_attempts_subject_check CHECK (length(subject) BETWEEN 64 AND 64)
);

-- Filters by it.
CREATE INDEX auth_login_attempts_last_at_idx ON auth_login_attempts (last_at);
