//! Promises of the service, one file each, kept over real HTTP. One binary: it links once.

#![allow(clippy::disallowed_methods, reason = "a test may wait, and its tasks end with it")]

mod support;

mod compression;
mod config;
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
