//! The formatting pass: rustfmt over the Rust files that hold texts a person chose.

use std::collections::BTreeMap;
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

/// Formats the personal files of `tree` as the pack declares. Only files with something to do are
/// judged: what is copied from the pack is canonical as it stands.
pub fn format(tree: &Tree, format: &Format) -> Formatted {
    let Some(rustfmt) = &format.rustfmt else { return Formatted::Changed(BTreeMap::new()) };
    let rust = |path: &TreePath| Path::new(path.as_str()).extension().is_some_and(|ending| ending == "rs");
    let wanted: Vec<&TreePath> =
        tree.iter().filter(|(path, file)| file.personal && rust(path)).map(|(path, _)| path).collect();
    if wanted.is_empty() {
        return Formatted::Changed(BTreeMap::new());
    }
    // Asked first: laying the files out costs more than all the rest of a run.
    if !is_installed("rustfmt") {
        return Formatted::Skipped("rustfmt is not installed".into());
    }
    match run(tree, rustfmt, &wanted, rust) {
        Ok(changed) => Formatted::Changed(changed),
        Err(why) => Formatted::Skipped(why),
    }
}

fn is_installed(program: &str) -> bool {
    let program = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(&program).is_file())
}

/// All Rust files are laid out in a folder, because rustfmt follows `mod` lines; one process.
fn run(
    tree: &Tree,
    rustfmt: &Rustfmt,
    wanted: &[&TreePath],
    rust: impl Fn(&TreePath) -> bool,
) -> Result<BTreeMap<TreePath, Vec<u8>>, String> {
    let _hold = interrupt::hold();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let config = rustfmt.config.as_deref().unwrap_or_default();
    for (path, file) in tree.iter().filter(|(path, _)| rust(path) || path.as_str() == config) {
        let target = folder.path().join(path.as_str());
        let write = || {
            std::fs::create_dir_all(target.parent().unwrap_or(folder.path()))?;
            std::fs::write(&target, &file.content)
        };
        write().map_err(|error: std::io::Error| error.to_string())?;
    }
    let mut command = Command::new("rustfmt");
    command.args(["--edition", &rustfmt.edition, "--quiet"]).current_dir(folder.path());
    if tree.get(config).is_some() {
        command.args(["--config-path", config]);
    }
    command.args(wanted.iter().map(|path| path.as_str())).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("rustfmt: {error}"))?;
    if !output.status.success() {
        let talk = String::from_utf8_lossy(&output.stderr);
        return Err(format!("rustfmt: {}", talk.lines().next().unwrap_or("it failed and said nothing")));
    }
    let mut changed = BTreeMap::new();
    for path in wanted {
        let content = std::fs::read(folder.path().join(path.as_str())).map_err(|error| error.to_string())?;
        if tree.get(path.as_str()).is_some_and(|file| file.content != content) {
            changed.insert((*path).clone(), content);
        }
    }
    Ok(changed)
}
