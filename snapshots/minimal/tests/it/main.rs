//! Tests over real HTTP, a file for each property of the service, in one binary: linking is slow.

#![allow(clippy::disallowed_methods, reason = "a test may block, and its tasks end with it")]

mod support;

mod compression;
mod config;
mod connections;
mod cors;
mod errors;
mod headers;
mod health;
mod logs;
mod metrics;
mod openapi;
mod rate_limit;
mod shutdown;
mod static_files;
mod timeouts;
mod traces;
mod validation;

// Tests of your own:
