//! The maintainers' tasks: `cargo xtask bless | lock | matrix | schemas`.

mod bless;
mod lock;
mod matrix;
mod schemas;

use std::path::PathBuf;

const USAGE: &str = "\
cargo xtask bless            write snapshots/*/ anew from their service.toml
cargo xtask lock [--update]  write the layers' Cargo.lock fragments; --update takes newer versions
cargo xtask matrix [--list]  check that any two answers compile together; --list names the rows alone
cargo xtask schemas          write docs/schemas and docs/reference.md from the types that read the files";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bless"] => bless::run(),
        ["lock"] => lock::run(false),
        ["schemas"] => schemas::run(),
        ["matrix"] => matrix::run(false),
        ["matrix", "--list"] => matrix::run(true),
        ["lock", "--update"] => lock::run(true),
        _ => anyhow::bail!("{USAGE}"),
    }
}

/// The project's root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
