CREATE TABLE customers (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    born DATE,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    CONSTRAINT customers_id_check CHECK (length(id) = 16),
    CONSTRAINT customers_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT customers_email_check CHECK (length(email) BETWEEN 3 AND 254),
    CONSTRAINT customers_email_key UNIQUE (email)
);

CREATE INDEX customers_created_at_idx ON customers (created_at, id);
