//! The formatting pass: rustfmt over the Rust files that hold texts a person chose.

mod modules;
mod rustfmt;
mod toolchain;

use std::collections::BTreeMap;
use std::path::Path;

use super::interrupt;
use crate::pack::{Format, Rustfmt};
use crate::render::{Tree, TreePath};

/// Result of the formatting pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formatted {
    /// Files whose formatted text differs from the raw one.
    Changed(BTreeMap<TreePath, Vec<u8>>),
    /// The formatter could not be run, and why; every file stays raw.
    Skipped(String),
}

/// A Rust text, and the settings of rustfmt that apply to it.
#[derive(Debug, Clone, Copy)]
pub struct Unformatted<'a> {
    pub text: &'a [u8],
    pub settings: &'a [u8],
}

/// Formats the personal files of `tree` as the pack declares.
pub fn format(tree: &Tree, format: &Format) -> Formatted {
    let Some(rustfmt) = &format.rustfmt else { return Formatted::Changed(BTreeMap::new()) };
    let config = rustfmt.config.as_deref().and_then(|config| tree.get(config));
    let settings = config.map_or(&[][..], |file| &file.content);
    let texts = candidates(tree, format).filter_map(|path| Some(tree.get(path.as_str())?.content.as_slice()));
    let texts: Vec<Unformatted> = texts.map(|text| Unformatted { text, settings }).collect();
    match format_all(&texts, rustfmt) {
        Ok(formatted) => Formatted::Changed(changed(candidates(tree, format), formatted)),
        Err(why) => Formatted::Skipped(why),
    }
}

/// The paths whose texts differ after the pass, with these texts.
pub fn changed<'a>(
    paths: impl Iterator<Item = &'a TreePath>,
    formatted: Vec<Option<Vec<u8>>>,
) -> BTreeMap<TreePath, Vec<u8>> {
    paths.zip(formatted).filter_map(|(path, formatted)| Some((path.clone(), formatted?))).collect()
}

/// Formats `texts`; none for a text that is formatted as it stands. An error is the reason why the pass was skipped.
pub fn format_all(texts: &[Unformatted], rustfmt: &Rustfmt) -> Result<Vec<Option<Vec<u8>>>, String> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let _hold = interrupt::hold();
    rustfmt::run(texts, &rustfmt.edition)
}

/// The files that a formatter has something to do with: what is copied from the pack is canonical as it stands.
pub fn candidates<'a>(tree: &'a Tree, format: &Format) -> impl Iterator<Item = &'a TreePath> {
    let any = format.rustfmt.is_some();
    let rust = |path: &TreePath| Path::new(path.as_str()).extension().is_some_and(|ending| ending == "rs");
    tree.iter().filter(move |(path, file)| any && file.personal && rust(path)).map(|(path, _)| path)
}
