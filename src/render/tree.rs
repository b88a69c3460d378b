//! A repository in memory.

use std::collections::BTreeMap;

use serde::Serialize;

use super::next::NextSteps;
use super::path::TreePath;
use super::renames::Renames;
use crate::blueprint;
use crate::fault::Fault;
use crate::limits;
use crate::pack::{Policy, Setting};
use crate::schema::{Layout, Migration, SchemaRename};

/// A file as it was rendered: raw, not formatted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    pub content: Vec<u8>,
    pub mode: Mode,
    pub policy: Policy,
    /// The layer that owns it.
    pub layer: String,
    /// Whether texts that a person chose, or lines of several layers, are in it, so that a formatter has
    /// something to do.
    pub personal: bool,
    /// Where earlier versions of the template had it, newest first.
    pub moved_from: Vec<TreePath>,
    /// The pack's file it comes from, for faults.
    pub source: String,
    /// The overlay that this file is from.
    pub overlay: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Mode {
    #[serde(rename = "644")]
    Plain,
    #[serde(rename = "755")]
    Executable,
}

impl Mode {
    pub fn bits(self) -> u32 {
        match self {
            Self::Plain => 0o644,
            Self::Executable => 0o755,
        }
    }
}

/// Files by path. No two differ in case alone, and none is a folder of another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    files: BTreeMap<TreePath, TreeFile>,
    /// Lowercased paths of files and of the folders above them, for clashes.
    taken: BTreeMap<String, (String, bool)>,
    bytes: usize,
    /// Names of the layers that are in, in order.
    pub layers: Vec<String>,
    /// The migrations by name, each with the stamp that is drawn for it.
    pub migrations: BTreeMap<String, String>,
    /// The steps after creating.
    pub next: NextSteps,
    /// Settings whose values are drawn when the repository is created.
    pub drawn: Vec<Setting>,
    /// The schema that they reach.
    pub schema: Option<Layout>,
    /// What the new ones rename, each with the stamp of the first of them.
    pub schema_renames: Vec<(String, SchemaRename)>,
    /// What a person should know of what is left out of it.
    pub notes: Vec<String>,
    /// Of files that may have been meant to stand for others.
    pub strays: Vec<String>,
    /// Names in code that are others now.
    pub renames: Renames,
    /// Layers whose packages are not all in the lock file.
    pub unlocked: Vec<String>,
    /// The migrations that are new, of those that lead from an earlier schema to this one.
    pub steps: Vec<Migration>,
}

/// The folder of a repository's record, which only new-service writes to.
pub const RECORD: &str = ".new-service";

impl Tree {
    /// Adds a file. One that another system, or a folder, would not let stand beside the rest is a fault,
    /// as is one that new-service writes itself, and one too many.
    pub fn insert(&mut self, path: TreePath, file: TreeFile) -> Result<(), Fault> {
        let first = path.parents().next().unwrap_or(path.as_str());
        if [blueprint::FILE_NAME, RECORD].iter().any(|own| first.eq_ignore_ascii_case(own)) {
            return Err(Fault::new(format!("{}: \"{path}\" is new-service's own to write", file.source)));
        }
        self.bytes += file.content.len();
        if self.bytes as u64 > limits::get().tree {
            let most = limits::mib(limits::get().tree);
            let fault = Fault::new(format!("{}: with it the repository has more than {most} MiB", file.source));
            return Err(fault.help(limits::help("render-mib", most.saturating_mul(2))));
        }
        let clash = |other: &str| {
            Fault::new(format!("{path}: clashes with {other}"))
                .help(format!("both come from the pack; one is {}", file.source))
        };
        if let Some((other, _)) = self.taken.get(&path.as_str().to_lowercase()) {
            return Err(clash(other));
        }
        for parent in path.parents() {
            match self.taken.get(&parent.to_lowercase()) {
                Some((other, folder)) if !folder || other != parent => return Err(clash(other)),
                _ => {}
            }
        }
        for parent in path.parents() {
            self.taken.insert(parent.to_lowercase(), (parent.to_owned(), true));
        }
        self.taken.insert(path.as_str().to_lowercase(), (path.as_str().to_owned(), false));
        self.files.insert(path, file);
        Ok(())
    }

    /// A file that would make git take its folder for a repository, with settings that name programs to
    /// run: `HEAD` beside `objects` and `refs` (gitrepository-layout(5)), in any case of letters.
    pub fn bare_repository(&self) -> Option<&TreeFile> {
        let file = |path: String| self.taken.get(&path).is_some_and(|(_, folder)| !folder);
        let folder = |path: String| self.taken.get(&path).is_some_and(|(_, folder)| *folder);
        self.files.iter().map(|(path, found)| (path.as_str().to_lowercase(), found)).find_map(|(path, found)| {
            let above = path.strip_suffix("head").filter(|above| above.is_empty() || above.ends_with('/'))?;
            let is_one = file(path.clone()) && folder(format!("{above}objects")) && folder(format!("{above}refs"));
            is_one.then_some(found)
        })
    }

    pub fn get(&self, path: &str) -> Option<&TreeFile> {
        self.files.get(path)
    }

    pub(super) fn set_moved_from(&mut self, path: &TreePath, sources: Vec<TreePath>) {
        if let Some(file) = self.files.get_mut(path) {
            file.moved_from = sources;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&TreePath, &TreeFile)> {
        self.files.iter()
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(tree: &mut Tree, path: &str) -> Result<(), Fault> {
        let file = TreeFile {
            content: Vec::new(),
            mode: Mode::Plain,
            policy: Policy::Merge,
            layer: "l".into(),
            personal: false,
            moved_from: Vec::new(),
            source: path.into(),
            overlay: None,
        };
        tree.insert(TreePath::new(path).unwrap(), file)
    }

    #[test]
    fn clashes_are_refused() {
        let mut tree = Tree::default();
        insert(&mut tree, "docs/README.md").unwrap();
        insert(&mut tree, "docs/other.md").unwrap();
        assert!(insert(&mut tree, "docs/readme.md").is_err(), "case alone");
        assert!(insert(&mut tree, "Docs/x").is_err(), "a folder in another case");
        assert!(insert(&mut tree, "docs").is_err(), "a file where a folder is");
        assert!(insert(&mut tree, "docs/README.md/x").is_err(), "a folder where a file is");
        assert_eq!(tree.len(), 2);
    }
}
