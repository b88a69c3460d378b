//! Layers around every handler. `app.rs` has their order.

pub mod accept;
pub mod around;
pub mod compression;
pub mod cors;
pub mod deadline;
pub mod drain;
pub mod gate;
pub mod identify;
pub mod observe;
pub mod panics;
pub mod problems;
pub mod security_headers;
pub mod share;
pub mod shed;
pub mod waiting;
// Middleware of your own:
