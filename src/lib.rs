//! `new-service`: a service repository is a pure function of its blueprint and a template pack.
//!
//! ```text
//! answers → blueprint → render (layers, templates) → tree → plan → apply
//! ```
//!
//! Each module knows only those before it: [`fault`], [`git`], [`practices`]; [`template`] sets Tera up;
//! [`pack`] reads what can be made; [`schema`] is resources as data; [`blueprint`] says what is wanted; [`render`] makes the tree in
//! memory; [`evolve`] plans, and is the only module that writes; [`report`], [`wizard`], [`cli`] and
//! [`commands`] talk.

pub mod blueprint;
pub mod cli;
pub mod commands;
pub mod evolve;
pub mod fault;
pub mod git;
pub mod pack;
pub mod practices;
pub mod render;
pub mod report;
pub mod schema;
pub mod template;
pub mod wizard;
