//! What a command will write, complete before the first byte is written.

use serde::Serialize;

use super::format::{Formatted, format};
use super::record;
use crate::blueprint::{self, Blueprint};
use crate::fault::Faults;
use crate::pack::Pack;
use crate::render::{Mode, RECORD, TreePath, context_of, in_time, render, select};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Create,
}

/// One file of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: TreePath,
    pub action: Action,
    pub content: Vec<u8>,
    pub mode: Mode,
    /// The layer that owns it; none for the blueprint and the record.
    pub layer: Option<String>,
}

/// All writes of a command, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub entries: Vec<Entry>,
    /// The layers that are in, in order.
    pub layers: Vec<String>,
    /// Why files were left unformatted, where they were.
    pub unformatted: Option<String>,
}

impl Plan {
    /// The plan that creates a repository: its files, its blueprint, its record.
    pub fn create(blueprint: &Blueprint, pack: &Pack) -> Result<Self, Faults> {
        let tree = {
            let (blueprint, pack) = (blueprint.clone(), pack.clone());
            in_time(move || render(&blueprint, &pack))?
        };
        let layers = select(pack, &context_of(blueprint, pack))?.into_iter().map(|layer| layer.name.clone()).collect();
        let (changed, unformatted) = match format(&tree, &pack.manifest.format) {
            Formatted::Changed(changed) => (changed, None),
            Formatted::Skipped(why) => (std::collections::BTreeMap::new(), Some(why)),
        };
        let mut entries: Vec<Entry> = Vec::new();
        for (path, file) in tree.iter() {
            let content = changed.get(path).unwrap_or(&file.content).clone();
            entries.push(Entry {
                path: path.clone(),
                action: Action::Create,
                content,
                mode: file.mode,
                layer: Some(file.layer.clone()),
            });
        }
        let own =
            |path: TreePath, content| Entry { path, action: Action::Create, content, mode: Mode::Plain, layer: None };
        let service = TreePath::new(blueprint::FILE_NAME).expect("a path of our own making");
        entries.push(own(service, blueprint::write(blueprint, pack)?.into_bytes()));
        entries.extend(record::files(blueprint, pack, &tree).into_iter().map(|(path, content)| own(path, content)));
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { entries, layers, unformatted })
    }

    /// Whether `path` is of the record: written for new-service, not for people.
    pub fn is_record(path: &TreePath) -> bool {
        path.as_str().starts_with(RECORD)
    }

    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path.as_str() == path)
    }
}
