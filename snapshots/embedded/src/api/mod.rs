//! The API below `/api/v1`: a folder for each resource.

pub mod info;
pub mod users;

// Resources of your own:
