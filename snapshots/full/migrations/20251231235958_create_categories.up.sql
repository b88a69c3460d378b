-- Resource category.
CREATE TABLE categories (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    parent_id UUID,
    rank INTEGER NOT NULL DEFAULT 0,
    visible BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT categories_pkey PRIMARY KEY (id),
    CONSTRAINT categories_name_key UNIQUE (name),
    CONSTRAINT categories_name_check CHECK (char_length(name) BETWEEN 1 AND 80),
    CONSTRAINT categories_rank_check CHECK (rank BETWEEN 0 AND 1000),
    CONSTRAINT categories_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES categories (id)
);

-- The default listing: newest first, page by page.
CREATE INDEX categories_created_at_id_idx ON categories (created_at, id);

-- Lookups by the reference, and deletes of what it refers to.
CREATE INDEX categories_parent_id_idx ON categories (parent_id);

-- Filters, and listings sorted by it.
CREATE INDEX categories_rank_idx ON categories (rank, id);

-- For the listing filtered by visible, sorted by -rank.
CREATE INDEX categories_visible_rank_desc_idx ON categories (visible, rank DESC, id DESC);
