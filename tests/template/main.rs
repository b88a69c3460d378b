//! The tools of who writes a template: export, new, check, watch.

#[path = "../support/mod.rs"]
mod support;

mod cases;
mod check;
mod export;
mod limits;
mod starter;
mod watch;
