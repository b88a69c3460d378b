//! Tests over real HTTP, a file for each property of the service, in one binary: linking is slow.

#![allow(clippy::disallowed_methods, reason = "a test may block, and its tasks end with it")]

mod support;

mod auth;
mod auth_clean_up;
mod backup;
mod batches;
mod cache;
mod compression;
mod config;
mod connections;
mod cors;
mod database;
mod errors;
mod headers;
mod health;
mod hostile_input;
mod lifecycle;
mod logs;
mod metrics;
mod migrations;
mod openapi;
mod outage;
mod rate_limit;
mod rebuilds;
mod shutdown;
mod signing_keys;
mod static_files;
mod timeouts;
mod traces;
mod validation;

// Tests of your own:
