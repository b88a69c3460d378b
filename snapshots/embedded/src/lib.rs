//! An HTTP service. `app.rs` lists what a request meets; start reading there.

pub mod app;
pub mod auth;
pub mod background;
pub mod cache;
pub mod config;
pub mod connection;
pub mod db;
pub mod docs;
pub mod error;
pub mod extract;
pub mod health;
pub mod info;
pub mod middleware;
pub mod paging;
pub mod rate_limit;
pub mod request;
pub mod server;
pub mod state;
pub mod static_files;
pub mod telemetry;
pub mod users;

// Modules of your own:
