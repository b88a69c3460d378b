
pub mod cache;
