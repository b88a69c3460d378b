-- Resource order.
CREATE TABLE orders (
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    status TEXT NOT NULL DEFAULT 'draft',
    total NUMERIC(12,2) NOT NULL,
    note TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_status_check CHECK (status IN ('draft', 'paid', 'shipped')),
    CONSTRAINT orders_note_check CHECK (char_length(note) <= 65536),
    CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES users (id)
);

-- The default listing: newest first, page by page.
CREATE INDEX orders_created_at_id_idx ON orders (created_at, id);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
