//! The formatting pass: rustfmt over the Rust files that hold texts a person chose.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::interrupt;
use crate::pack::{Format, Rustfmt};
use crate::render::{Tree, TreePath};

/// What became of the pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formatted {
    /// Files whose formatted text differs from the raw one.
    Changed(BTreeMap<TreePath, Vec<u8>>),
    /// The formatter could not be run, and why; every file stays raw.
    Skipped(String),
}

/// Formats the personal files of `tree` as the pack declares.
pub fn format(tree: &Tree, format: &Format) -> Formatted {
    let Some(rustfmt) = &format.rustfmt else { return Formatted::Changed(BTreeMap::new()) };
    let wanted: Vec<(&TreePath, &[u8])> =
        candidates(tree, format).filter_map(|path| Some((path, tree.get(path.as_str())?.content.as_slice()))).collect();
    let config = rustfmt.config.as_deref().and_then(|config| tree.get(config));
    format_all(&wanted, rustfmt, config.map_or(&[][..], |file| &file.content))
}

/// Formats `wanted` by the settings `config`.
pub fn format_all(wanted: &[(&TreePath, &[u8])], rustfmt: &Rustfmt, config: &[u8]) -> Formatted {
    if wanted.is_empty() {
        return Formatted::Changed(BTreeMap::new());
    }
    if !is_installed("rustfmt") {
        return Formatted::Skipped("rustfmt is not installed".into());
    }
    match run(wanted, rustfmt, config) {
        Ok(changed) => Formatted::Changed(changed),
        Err(why) => Formatted::Skipped(why),
    }
}

/// The files that a formatter has something to do with: what is copied from the pack is canonical as it stands.
pub fn candidates<'a>(tree: &'a Tree, format: &Format) -> impl Iterator<Item = &'a TreePath> {
    let any = format.rustfmt.is_some();
    let rust = |path: &TreePath| Path::new(path.as_str()).extension().is_some_and(|ending| ending == "rs");
    tree.iter().filter(move |(path, file)| any && file.personal && rust(path)).map(|(path, _)| path)
}

fn is_installed(program: &str) -> bool {
    let program = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(&program).is_file())
}

/// One process a file, side by side, each with its text on standard input: rustfmt then follows no
/// `mod` line, and no `#[path]` to a file elsewhere. It runs in a folder that holds nothing but its
/// settings, under a name of ours: a pack's own could be `rust-toolchain.toml`, and choose the
/// program that runs.
fn run(wanted: &[(&TreePath, &[u8])], rustfmt: &Rustfmt, config: &[u8]) -> Result<BTreeMap<TreePath, Vec<u8>>, String> {
    let _hold = interrupt::hold();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    // Written without settings, too: those of the user's home are not the pack's.
    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, config).map_err(|error| error.to_string())?;

    let told = |error: std::io::Error| format!("rustfmt: {error}");
    let mut running = Vec::new();
    for (path, content) in wanted {
        let mut child = Command::new("rustfmt")
            .args(["--edition", &rustfmt.edition, "--quiet", "--config-path"])
            .arg(&settings)
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(told)?;
        // It reads to the end before it writes. One that ends early says why on standard error.
        let _ = child.stdin.take().map(|mut input| input.write_all(content));
        running.push((path, content, child));
    }
    let mut changed = BTreeMap::new();
    for (path, content, child) in running {
        let output = child.wait_with_output().map_err(told)?;
        if !output.status.success() {
            let talk = String::from_utf8_lossy(&output.stderr);
            return Err(format!("rustfmt: {}", talk.lines().next().unwrap_or("it failed and said nothing")));
        }
        if **content != output.stdout {
            changed.insert((*path).clone(), output.stdout);
        }
    }
    Ok(changed)
}
