-- Resource product.
CREATE TABLE products (
    id UUID NOT NULL,
    category_id UUID NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    price NUMERIC(12,2) NOT NULL,
    weight NUMERIC(8,3),
    stock BIGINT NOT NULL DEFAULT 0,
    released DATE,
    homepage TEXT,
    details JSONB NOT NULL DEFAULT '{}',
    supplier_code TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT products_pkey PRIMARY KEY (id),
    CONSTRAINT products_sku_key UNIQUE (sku),
    CONSTRAINT products_sku_check CHECK (char_length(sku) BETWEEN 4 AND 20),
    CONSTRAINT products_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT products_stock_check CHECK (stock >= 0),
    CONSTRAINT products_homepage_check CHECK (char_length(homepage) BETWEEN 8 AND 2048),
    CONSTRAINT products_supplier_code_check CHECK (char_length(supplier_code) <= 40),
    CONSTRAINT products_category_id_fkey FOREIGN KEY (category_id) REFERENCES categories (id)
);

-- The default listing: newest first, page by page.
CREATE INDEX products_created_at_id_idx ON products (created_at, id);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX products_category_id_idx ON products (category_id);

-- Filters, and listings sorted by it.
CREATE INDEX products_name_idx ON products (name, id);
