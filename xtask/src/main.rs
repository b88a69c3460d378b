//! The maintainers' tasks: `cargo xtask bless | lock | rows | manifests | schemas`.

mod bless;
mod lock;
mod rows;
mod schemas;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context as _;

const USAGE: &str = "\
cargo xtask bless            write snapshots/*/ again from their service.toml
cargo xtask lock [--update]  write the parts of the pack's lock file, and prove them; --update takes newer versions
cargo xtask rows [--list] [--seed N] [ROW...]
                             lint services in which any two answers stand together, or some of them; --list names
                             them alone
cargo xtask manifests        write such services for container, workflow and Kubernetes files to target/manifests
cargo xtask schemas          write docs/schemas and docs/reference.md from the types that read the files";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["-h" | "--help"] | [_, "-h" | "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        ["bless"] => bless::run(),
        ["lock"] => lock::run(false),
        ["schemas"] => schemas::run(),
        ["manifests"] => rows::manifests(),
        ["rows", ref options @ ..] => {
            let (list, options) = match options {
                ["--list", rest @ ..] => (true, rest),
                all => (false, all),
            };
            let (seed, chosen) = match options {
                ["--seed", seed, rest @ ..] => (Some(seed.parse().context("--seed takes a number")?), rest),
                all => (None, all),
            };
            let chosen: Result<BTreeSet<usize>, _> = chosen.iter().map(|row| row.parse()).collect();
            rows::run(list, seed, &chosen.context(USAGE)?)
        }
        ["lock", "--update"] => lock::run(true),
        _ => anyhow::bail!("{USAGE}"),
    }
}

/// The project's root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
