-- no-transaction
CREATE INDEX CONCURRENTLY things_part_of_idx ON things (part_of);
