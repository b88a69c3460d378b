//! HTTP: the server and its connections, middleware, extractors, problems, the API's description.

pub mod batch;
pub mod body;
pub mod caller;
pub mod connection;
pub mod etag;
pub mod exact;
pub mod extract;
pub mod health;
pub mod idempotency;
pub mod memory;
pub mod merge_patch;
pub mod middleware;
pub mod openapi;
pub mod paging;
pub mod parts;
pub mod problem;
pub mod rules;
pub mod server;
pub mod static_files;

// Modules of your own:

/// The state of a router. Routes are generic in it, and take its parts by `FromRef`.
pub trait Shared: Clone + Send + Sync + 'static {}

impl<S: Clone + Send + Sync + 'static> Shared for S {}
