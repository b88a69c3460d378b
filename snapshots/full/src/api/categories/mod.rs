//! Categories.

pub(crate) mod domain;
pub(crate) mod dto;
mod repo;
mod routes;
pub(crate) mod service;

pub use routes::routes;
