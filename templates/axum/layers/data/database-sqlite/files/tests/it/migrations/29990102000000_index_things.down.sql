DROP INDEX things_part_of_idx;
