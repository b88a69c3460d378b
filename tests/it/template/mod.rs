//! The tools of who writes a template: export, new, check, watch.

mod cases;
mod check;
mod export;
mod limits;
mod starter;
mod watch;
