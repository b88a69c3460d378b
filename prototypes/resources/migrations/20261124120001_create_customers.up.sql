CREATE TABLE customers (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    born DATE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT customers_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT customers_email_check CHECK (char_length(email) BETWEEN 3 AND 254),
    CONSTRAINT customers_email_key UNIQUE (email)
);

CREATE INDEX customers_created_at_idx ON customers (created_at, id);
