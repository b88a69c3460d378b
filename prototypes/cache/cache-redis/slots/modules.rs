
pub mod redis;
