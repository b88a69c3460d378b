//! Tests over real HTTP, a file for each property of the service, in one binary: linking is slow.

#![allow(clippy::disallowed_methods, reason = "a test may block, and its tasks end with it")]

mod support;

mod access;
mod auth;
mod auth_clean_up;
mod auth_replicas;
mod batches;
mod cache;
mod cache_replicas;
mod cached_reads;
mod compression;
mod config;
mod connections;
mod cors;
mod database;
mod database_tls;
mod errors;
mod headers;
mod health;
mod hostile_input;
mod idempotency;
mod injection;
mod lifecycle;
mod logs;
mod lost_answers;
mod metrics;
mod migration_locks;
mod migrations;
mod openapi;
mod outage;
mod paging;
mod pool;
mod rate_limit;
mod redis_killed;
mod redis_tls;
mod resources;
mod retention;
mod rotation;
mod shared_rate_limit;
mod shutdown;
mod signals;
mod signing_keys;
mod statements;
mod static_files;
mod timeouts;
mod traces;
mod validation;
mod versions;
mod without_redis;
mod writes_survive;

// Tests of your own:
