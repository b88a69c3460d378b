//! The API below `/api/v1`: a folder for each resource.

pub mod categories;
pub mod info;
pub mod orders;
pub mod products;
pub mod retention;
pub mod users;

// Resources of your own:
