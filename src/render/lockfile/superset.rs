//! `Cargo.lock.superset`: every package that a layer's delta may name, with its checksum.
//!
//! ```text
//! version = 4
//!
//! [registry+https://github.com/rust-lang/crates.io-index]
//! arcstr 1.2.0 03918c3dbd7701a85c6b9887732e2921175f26c350b4563841d0958c21d57e6d
//! ```
//!
//! Cargo's own format would name the source of each package and the dependencies, which the deltas hold, and take
//! three times as many bytes in every copy of the generator.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::graph::{Graph, Key, Package};
use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::Text;

const HEAD: &str = "# Packages that layers lock. Written by `cargo xtask lock`.\n";

/// The packages in the order of names and versions.
#[derive(Debug)]
pub struct Superset<'a> {
    text: &'a Text,
    pub format: u32,
    packages: Vec<Pinned<'a>>,
}

/// A package as it is locked, without its dependencies.
#[derive(Debug, Clone)]
pub struct Pinned<'a> {
    pub key: Key<'a>,
    source: &'a str,
    checksum: Option<&'a str>,
}

impl<'a> Pinned<'a> {
    pub fn package(&self) -> Package<'a> {
        Package { source: Some(self.source), checksum: self.checksum, dependencies: BTreeSet::new() }
    }
}

impl<'a> Superset<'a> {
    /// Reads the file; all faults of it at once.
    pub fn read(text: &'a Text) -> Result<Self, Faults> {
        let mut superset = Self { text, format: 0, packages: Vec::new() };
        let mut faults = Faults::default();
        let (mut source, mut at) = (None, 0);
        for line in text.content.split_inclusive('\n') {
            if superset.take(line.trim_end(), &mut source).is_none() {
                let fault = Fault::at(text.place(at), "this is no line of a superset");
                faults.push(fault.help("a line is `NAME VERSION CHECKSUM`, below the `[SOURCE]` of the packages"));
            }
            at += line.len();
        }
        if superset.format == 0 && faults.is_empty() {
            let fault = Fault::at(text.place(0), "the version of the lock file is missing");
            faults.push(fault.help("it is the first line: `version = 4`"));
        }
        superset.packages.sort_by(|one, other| one.key.cmp(&other.key));
        for pair in superset.packages.windows(2).filter(|pair| pair[0].key == pair[1].key) {
            let (name, version) = &pair[1].key;
            faults.push(Fault::at(text.place(offset(text, name)), format!("{name} {version} is there twice")));
        }
        faults.or(superset)
    }

    /// None for a line that has no place here.
    fn take(&mut self, line: &'a str, source: &mut Option<&'a str>) -> Option<()> {
        if line.is_empty() || line.starts_with('#') {
            return Some(());
        }
        if let Some(inside) = line.strip_prefix('[') {
            *source = Some(inside.strip_suffix(']')?);
        } else if self.format == 0 {
            self.format = line.strip_prefix("version = ")?.parse().ok()?;
        } else {
            let mut words = line.split(' ');
            let key = (words.next()?, words.next()?.parse().ok()?);
            let pinned = Pinned { key, source: (*source)?, checksum: words.next() };
            if words.next().is_some() {
                return None;
            }
            self.packages.push(pinned);
        }
        Some(())
    }

    /// All packages of a name.
    fn named(&self, name: &str) -> &[Pinned<'a>] {
        let from = self.packages.partition_point(|pinned| pinned.key.0 < name);
        let rest = &self.packages[from..];
        &rest[..rest.partition_point(|pinned| pinned.key.0 == name)]
    }

    /// What `word`, `name` or `name@version` in `text`, means.
    pub fn find(&self, word: &str, text: &Text) -> Result<&Pinned<'a>, Fault> {
        let (name, version) = word.split_once('@').map_or((word, None), |(name, version)| (name, Some(version)));
        let named = self.named(name);
        let mut found = named.iter().filter(|known| version.is_none_or(|version| known.key.1.to_string() == version));
        if let (Some(pinned), None) = (found.next(), found.next()) {
            return Ok(pinned);
        }
        let place = text.place(offset(text, word));
        let file = &self.text.file;
        let versions: Vec<String> = named.iter().map(|pinned| pinned.key.1.to_string()).collect();
        Err(match (&versions[..], version) {
            ([], _) => {
                let near = did_you_mean(name, self.packages.iter().map(|pinned| pinned.key.0));
                Fault::at(place, format!("the superset has no package \"{name}\"{near}"))
                    .help(format!("{file} lists the packages that a delta may name"))
            }
            (there, Some(version)) => {
                Fault::at(place, format!("the superset has no {name} {version}, but {}", there.join(", ")))
                    .help(format!("{file} and the deltas are written together"))
            }
            (there, None) => {
                let words: Vec<String> = there.iter().map(|version| format!("{name}@{version}")).collect();
                Fault::at(place, format!("the superset has {} versions of \"{name}\"", there.len()))
                    .help(format!("write {}", words.join(" or ")))
            }
        })
    }
}

/// Where `part`, a slice of the text, begins in it.
pub fn offset(text: &Text, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.content.as_ptr() as usize)
}

/// The superset of a pack whose layers, all together, lock `all`.
pub fn print(all: &Graph) -> String {
    let mut sources: BTreeMap<&str, String> = BTreeMap::new();
    for ((name, version), package) in &all.packages {
        let lines = sources.entry(package.source.unwrap_or_default()).or_default();
        let checksum = package.checksum.map_or_else(String::new, |checksum| format!(" {checksum}"));
        let _ = writeln!(lines, "{name} {version}{checksum}");
    }
    let mut out = format!("{HEAD}version = {}\n", all.format);
    for (source, lines) in sources {
        let _ = write!(out, "\n[{source}]\n{lines}");
    }
    out
}

/// How a delta names a package: by its version, too, where `all` holds several.
pub fn word(key: &Key, all: &Graph) -> String {
    let (name, version) = key;
    let several = all.packages.keys().filter(|(other, _)| other == name).nth(1);
    if several.is_some() { format!("{name}@{version}") } else { (*name).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_stands_at_its_place() {
        for (text, said) in [
            ("version = 4\naxum 0.8.9 aa\n", "superset:2:1: this is no line of a superset"),
            ("[registry]\naxum 0.8.9 aa\n", "superset:2:1: this is no line of a superset"),
            ("version = 4\n[registry]\naxum one aa\n", "superset:3:1: this is no line of a superset"),
            ("version = 4\n[registry]\naxum 0.8.9 aa bb\n", "superset:3:1: this is no line of a superset"),
            ("# nothing\n", "superset:1:1: the version of the lock file is missing"),
            ("version = 4\n[a]\naxum 0.8.9 aa\n[b]\naxum 0.8.9 bb\n", "superset:5:1: axum 0.8.9 is there twice"),
        ] {
            let text = Text::new("superset", text);
            let fault = Superset::read(&text).unwrap_err().to_string();
            assert!(fault.starts_with(said), "{}: {fault}", text.content);
        }
    }
}
