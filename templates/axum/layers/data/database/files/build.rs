//! Rebuilds the binary after a change of the migrations, which are embedded in it.

#![allow(clippy::disallowed_macros, reason = "a build script prints instructions for cargo")]

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
