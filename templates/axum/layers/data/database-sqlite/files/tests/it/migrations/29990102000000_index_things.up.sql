CREATE INDEX things_part_of_idx ON things (part_of);
