//! Orders.

pub(crate) mod domain;
pub(crate) mod dto;
mod repo;
mod routes;
pub(crate) mod service;

pub use routes::routes;

crate::db::choice! {
    /// The status of an order.
    pub enum OrderStatus { Draft = "draft", Paid = "paid", Shipped = "shipped" }
}
