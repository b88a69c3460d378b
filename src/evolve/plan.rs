//! What a command will write, complete before the first byte is written.

use serde::Serialize;

use super::decide::Version;
use super::format::{Formatted, format};
use super::record;
use super::revise::{Mention, MissedChange};
use super::shadows::Stale;
use crate::blueprint::{self, Blueprint};
use crate::fault::Faults;
use crate::pack::Pack;
use crate::render::{Mode, RECORD, Tree, TreePath, render_in_time};

/// What becomes of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It was not there.
    Create,
    /// Nobody had touched it, or its text went to another path: it is as the template makes it now.
    Update,
    /// The user's changes and the template's are both in it.
    Merge,
    /// Both changed the same place, and markers stand around it.
    Conflict,
    /// Something else stands there: the template's stands beside it, as `PATH.new`.
    Beside,
    /// The template no longer makes it, and nobody had touched it.
    Delete,
    /// The user deleted it, and so it stays.
    KeepDeleted,
    /// The template no longer makes it, and the user has changed it: it stays.
    Keep,
    Unchanged,
}

impl Action {
    /// Whether anything is written.
    pub fn writes(self) -> bool {
        !matches!(self, Self::KeepDeleted | Self::Keep | Self::Unchanged)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Merge => "merge",
            Self::Conflict => "conflict",
            Self::Beside => "beside",
            Self::Delete => "delete",
            Self::KeepDeleted => "keep-deleted",
            Self::Keep => "keep",
            Self::Unchanged => "unchanged",
        }
    }
}

/// The three versions of a conflict, for git's index: the team's may have been at another path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stages {
    pub base: (Vec<u8>, Mode),
    pub ours: (Vec<u8>, Mode),
    pub theirs: (Vec<u8>, Mode),
}

impl Stages {
    pub fn new(base: Version, ours: (Vec<u8>, Mode), theirs: Version) -> Self {
        let owned = |version: Version| (version.formatted.to_vec(), version.mode);
        Self { base: owned(base), ours, theirs: owned(theirs) }
    }
}

/// One file of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: TreePath,
    pub action: Action,
    /// What is to stand there; empty for what is deleted.
    pub content: Vec<u8>,
    pub mode: Mode,
    /// The layer that owns it; none for the blueprint and the record.
    pub layer: Option<String>,
    /// What stands there now.
    pub before: Option<(Vec<u8>, Mode)>,
    /// Places that are left to resolve.
    pub conflicts: usize,
    pub stages: Option<Stages>,
    /// Where the template had it before, when it has moved.
    pub moved_from: Option<TreePath>,
    /// The overlay that the template has it from.
    pub overlay: Option<String>,
}

impl Entry {
    pub fn create(path: TreePath, content: Vec<u8>, mode: Mode, layer: Option<String>) -> Self {
        Self {
            path,
            action: Action::Create,
            content,
            mode,
            layer,
            before: None,
            conflicts: 0,
            stages: None,
            moved_from: None,
            overlay: None,
        }
    }

    /// Whether what stands there will be other than it is.
    pub fn changes(&self) -> bool {
        match self.action {
            Action::Delete => self.before.is_some(),
            action => action.writes() && self.before.as_ref() != Some(&(self.content.clone(), self.mode)),
        }
    }
}

/// All writes of a command, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub entries: Vec<Entry>,
    /// The layers that are in, in order.
    pub layers: Vec<String>,
    /// Why files were left unformatted, where they were.
    pub unformatted: Option<String>,
    /// Migrations that are new, by the paths of their files.
    pub migrations: Vec<String>,
    /// What of the database is lost by them.
    pub destructive: Vec<String>,
    /// What a person should know before it is run.
    pub notes: Vec<String>,
    /// Files of overlays that stand for what has changed.
    pub stale: Vec<Stale>,
    /// Changes of the template to files that the team has moved elsewhere.
    pub missed: Vec<MissedChange>,
    /// Names in the team's code that are others now.
    pub mentions: Vec<Mention>,
    /// Commands to run after it, as they are pasted.
    pub next: Vec<String>,
}

impl Plan {
    /// The plan that creates a repository: its files, its blueprint, its record.
    pub fn create(blueprint: &Blueprint, pack: &Pack) -> Result<Self, Faults> {
        let tree = render_in_time(blueprint, pack)?;
        let (changed, unformatted) = match format(&tree, &pack.manifest.format) {
            Formatted::Changed(changed) => (changed, None),
            Formatted::Skipped(why) => (std::collections::BTreeMap::new(), Some(why)),
        };
        let mut entries: Vec<Entry> = Vec::new();
        for (path, file) in tree.iter() {
            let content = changed.get(path).unwrap_or(&file.content).clone();
            let entry = Entry::create(path.clone(), content, file.mode, Some(file.layer.clone()));
            entries.push(Entry { overlay: file.overlay.clone(), ..entry });
        }
        let own = |path: TreePath, content| Entry::create(path, content, Mode::Plain, None);
        entries.push(own(service_path(), blueprint::write(blueprint, pack)?.into_bytes()));
        entries.extend(record::files(blueprint, pack, &tree).into_iter().map(|(path, content)| own(path, content)));
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            entries,
            layers: tree.layers.clone(),
            unformatted,
            migrations: Vec::new(),
            destructive: Vec::new(),
            notes: pack
                .notes()
                .chain(tree.notes.iter().chain(&tree.strays).cloned())
                .chain(unlocked_note(&tree, pack))
                .collect(),
            stale: Vec::new(),
            missed: Vec::new(),
            mentions: Vec::new(),
            next: unlocked_step(&tree).into_iter().collect(),
        })
    }

    /// A plan that puts files as they are: no repository, and no record of one.
    pub fn copy(files: impl IntoIterator<Item = (TreePath, Vec<u8>)>) -> Self {
        let entries = files.into_iter().map(|(path, content)| Entry::create(path, content, Mode::Plain, None));
        Self { entries: entries.collect(), ..Self::default() }
    }

    /// Whether `path` is of the record: written for new-service, not for people.
    pub fn is_record(path: &TreePath) -> bool {
        path.as_str().starts_with(RECORD)
    }

    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path.as_str() == path)
    }

    /// Where what stands at `path` goes to.
    pub fn moved_to(&self, path: &TreePath) -> Option<&Entry> {
        let is_it = |entry: &&Entry| entry.moved_from.as_ref() == Some(path) && entry.action.writes();
        self.entries.iter().find(is_it)
    }

    /// Files that are left with conflicts, and those that stand beside what was there.
    pub fn conflicts(&self) -> usize {
        self.entries.iter().filter(|entry| entry.conflicts > 0).count()
    }

    /// Whether anything on disk would change.
    pub fn changes(&self) -> bool {
        self.entries.iter().any(Entry::changes)
    }
}

/// What is to be known of a lock file that does not hold all packages.
pub(super) fn unlocked_note(tree: &Tree, pack: &Pack) -> Option<String> {
    let lock = &pack.manifest.lock.as_ref()?.path;
    let layers: Vec<String> = tree.unlocked.iter().map(|layer| format!("\"{layer}\"")).collect();
    let step = unlocked_step(tree)?;
    Some(format!("{lock} does not hold the packages of {}: `{step}` adds them", layers.join(", ")))
}

/// What completes it: cargo keeps the versions that are there.
pub(super) fn unlocked_step(tree: &Tree) -> Option<String> {
    (!tree.unlocked.is_empty()).then(|| CHECK.to_owned())
}

/// The command by which cargo brings its lock file in order.
pub(super) const CHECK: &str = "cargo check";

pub fn service_path() -> TreePath {
    TreePath::new(blueprint::FILE_NAME).expect("a path of our own making")
}
