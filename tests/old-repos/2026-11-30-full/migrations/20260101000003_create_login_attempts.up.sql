-- Layer auth-jwt.
CREATE TABLE login_attempts (
    subject TEXT NOT NULL,
    made BIGINT NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    blocked_until TIMESTAMPTZ,
    CONSTRAINT login_attempts_pkey PRIMARY KEY (subject),
    CONSTRAINT login_attempts_subject_check CHECK (char_length(subject) BETWEEN 64 AND 64)
);

-- Filters by it.
CREATE INDEX login_attempts_last_at_idx ON login_attempts (last_at);
