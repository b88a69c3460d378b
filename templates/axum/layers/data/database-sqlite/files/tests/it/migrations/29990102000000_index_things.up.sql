CREATE INDEX things_part_of_idx ON _things (part_of);
