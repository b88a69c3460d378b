//! Without this, cargo would not see that a migration was added.

#![allow(clippy::disallowed_macros, reason = "a build script prints what cargo is to do")]

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
