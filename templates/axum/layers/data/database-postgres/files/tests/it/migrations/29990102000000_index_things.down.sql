-- no-transaction
DROP INDEX CONCURRENTLY things_part_of_idx;
