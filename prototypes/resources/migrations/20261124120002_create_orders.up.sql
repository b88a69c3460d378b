CREATE TABLE orders (
    id UUID PRIMARY KEY,
    customer_id UUID NOT NULL,
    status TEXT NOT NULL DEFAULT 'draft',
    total NUMERIC(12,2) NOT NULL,
    placed_at TIMESTAMPTZ,
    note TEXT,
    tags JSONB,
    priority INTEGER NOT NULL DEFAULT 0,
    secret_code TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT orders_status_check CHECK (status IN ('draft', 'paid', 'shipped')),
    CONSTRAINT orders_note_check CHECK (char_length(note) <= 65536),
    CONSTRAINT orders_priority_check CHECK (priority BETWEEN 0 AND 10),
    CONSTRAINT orders_secret_code_check CHECK (char_length(secret_code) <= 255)
);

CREATE INDEX orders_created_at_idx ON orders (created_at, id);
CREATE INDEX orders_customer_id_idx ON orders (customer_id, created_at, id);
CREATE INDEX orders_status_idx ON orders (status, created_at, id);
