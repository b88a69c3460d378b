//! Users over HTTP.

mod dto;
mod routes;

pub use routes::routes;
