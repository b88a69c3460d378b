CREATE TABLE orders (
    id BLOB NOT NULL PRIMARY KEY,
    customer_id BLOB NOT NULL,
    status TEXT NOT NULL DEFAULT 'draft',
    total INTEGER NOT NULL,
    placed_at DATETIME,
    note TEXT,
    tags TEXT,
    priority INTEGER NOT NULL DEFAULT 0,
    secret_code TEXT,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    CONSTRAINT orders_id_check CHECK (length(id) = 16),
    CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT orders_status_check CHECK (status IN ('draft', 'paid', 'shipped')),
    CONSTRAINT orders_total_check CHECK (total BETWEEN -999999999999 AND 999999999999),
    CONSTRAINT orders_note_check CHECK (length(note) <= 65536),
    CONSTRAINT orders_tags_check CHECK (json_valid(tags)),
    CONSTRAINT orders_priority_check CHECK (priority BETWEEN 0 AND 10),
    CONSTRAINT orders_secret_code_check CHECK (length(secret_code) <= 255)
);

CREATE INDEX orders_created_at_idx ON orders (created_at, id);
CREATE INDEX orders_customer_id_idx ON orders (customer_id, created_at, id);
CREATE INDEX orders_status_idx ON orders (status, created_at, id);
