pub mod batch;
pub mod etag;
pub mod idempotency;
pub mod merge_patch;
pub mod parts;
pub mod rules;
