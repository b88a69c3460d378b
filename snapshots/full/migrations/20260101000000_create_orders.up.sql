-- Resource order.
CREATE TABLE orders (
    id UUID NOT NULL,
    owner_id UUID NOT NULL,
    product_id UUID NOT NULL,
    status TEXT NOT NULL DEFAULT 'draft',
    quantity INTEGER NOT NULL DEFAULT 1,
    placed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ship_by DATE,
    contact TEXT NOT NULL,
    tracking UUID,
    gift BOOLEAN NOT NULL DEFAULT FALSE,
    type TEXT,
    tags JSONB,
    note TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_tracking_key UNIQUE (tracking),
    CONSTRAINT orders_status_check CHECK (status IN ('draft', 'paid', 'shipped')),
    CONSTRAINT orders_quantity_check CHECK (quantity BETWEEN 1 AND 1000),
    CONSTRAINT orders_contact_check CHECK (char_length(contact) BETWEEN 3 AND 254),
    CONSTRAINT orders_type_check CHECK (type IN ('retail', 'wholesale')),
    CONSTRAINT orders_note_check CHECK (char_length(note) <= 65536),
    CONSTRAINT orders_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users (id),
    CONSTRAINT orders_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id)
);

-- The default listing: newest first, page by page.
CREATE INDEX orders_created_at_id_idx ON orders (created_at, id);

-- An account's own listing: newest first, page by page.
CREATE INDEX orders_owner_id_idx ON orders (owner_id, created_at, id);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX orders_product_id_idx ON orders (product_id);

-- Filters, and listings sorted by it.
CREATE INDEX orders_status_idx ON orders (status, id);

-- For the listing filtered by status, sorted by -created_at.
CREATE INDEX orders_status_created_at_desc_idx ON orders (status, created_at DESC, id DESC);
