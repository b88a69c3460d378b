mod idempotency;
mod paging;
mod resources;
