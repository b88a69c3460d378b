//! An HTTP service. `app.rs` lists the routes and the middleware; start reading there.

pub mod api;
pub mod app;
pub mod auth;
pub mod background;
pub mod cache;
pub mod cli;
pub mod config;
pub mod db;
pub mod error;
pub mod http;
pub mod rate_limit;
pub mod state;
pub mod telemetry;

// Modules of your own:
