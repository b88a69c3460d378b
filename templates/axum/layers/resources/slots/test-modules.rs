mod idempotency;
mod paging;
