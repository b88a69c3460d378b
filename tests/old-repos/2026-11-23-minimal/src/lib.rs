//! An HTTP service. `app.rs` lists what a request meets; start reading there.

pub mod app;
pub mod background;
pub mod config;
pub mod connection;
pub mod docs;
pub mod error;
pub mod extract;
pub mod health;
pub mod info;
pub mod middleware;
pub mod rate_limit;
pub mod request;
pub mod server;
pub mod state;
pub mod static_files;
pub mod telemetry;

// Modules of your own:
