//! An HTTP service. `app.rs` lists what a request meets; start reading there.

pub mod app;
pub mod auth;
pub mod background;
pub mod cache;
pub mod categories;
pub mod columns;
pub mod config;
pub mod connection;
pub mod constraint;
pub mod db;
pub mod decimals;
pub mod docs;
pub mod error;
pub mod etag;
pub mod extract;
pub mod health;
pub mod idempotency;
pub mod info;
pub mod merge_patch;
pub mod middleware;
pub mod orders;
pub mod paging;
pub mod products;
pub mod rate_limit;
pub mod redis;
pub mod request;
pub mod rules;
pub mod server;
pub mod state;
pub mod static_files;
pub mod telemetry;
pub mod user_refs;
pub mod users;

// Modules of your own:
