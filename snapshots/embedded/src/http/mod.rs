//! HTTP: the server and its connections, middleware, extractors, problems, the API's description.

pub mod body;
pub mod caller;
pub mod connection;
pub mod extract;
pub mod health;
pub mod memory;
pub mod middleware;
pub mod openapi;
pub mod paging;
pub mod problem;
pub mod server;
pub mod static_files;

// Modules of your own:

/// The state of a router. Routes are generic in it, and take its parts by `FromRef`.
pub trait Shared: Clone + Send + Sync + 'static {}

impl<S: Clone + Send + Sync + 'static> Shared for S {}
