//! The API below `/api/v1`: a folder for each resource.

pub mod info;

// Resources of your own:
