//! What a command will write, complete before the first byte is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::action::{Action, Stages};
use super::env_file::EnvFile;
use super::format::{Formatted, format};
use super::paths::service_path;
use super::record;
use super::shadows::Stale;
use crate::blueprint::{Blueprint, ServiceFile};
use crate::fault::Faults;
use crate::pack::Pack;
use crate::render::{Mode, RECORD, Tree, TreePath, render_in_time};

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

/// A change of the template to a file that the team has moved elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedChange {
    /// Where the team has the file.
    pub path: TreePath,
    /// Where the template last made it.
    pub moved_from: TreePath,
    /// Where the template makes it now.
    pub template_path: TreePath,
    /// What the template made of it last, and what it makes of it now.
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

impl MissedChange {
    /// What a person is told.
    pub fn note(&self) -> String {
        let Self { path, moved_from, template_path, .. } = self;
        let now = if moved_from == template_path { String::new() } else { format!(" (now {template_path})") };
        format!("{path}: the template changed {moved_from}{now}, which you moved here; the change is not merged")
    }
}

/// A name in the team's code that is another now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mention {
    pub path: TreePath,
    /// From 1, in the file as it is after the change.
    pub line: usize,
    pub from: String,
    pub to: String,
}

impl std::fmt::Display for Mention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, line, from, to } = self;
        write!(f, "{path}:{line}: `{from}` is now `{to}`")
    }
}

/// All writes of a command, by path.
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// Commands for another terminal, while the last of them runs.
    pub meanwhile: Vec<String>,
    /// The file of one machine that a new repository has beside its entries.
    pub env_file: Option<EnvFile>,
    /// Ignore rules of the template: the `.gitignore`, and a line of it.
    pub ignore_rules: BTreeSet<(String, String)>,
    /// In a merge that goes on, git takes in what is written, and these paths as they are then.
    pub staged: Option<BTreeSet<TreePath>>,
}

impl Plan {
    /// The plan that creates a repository: its files, its blueprint, its record.
    pub fn create(blueprint: &Blueprint, pack: &Arc<Pack>) -> Result<Self, Faults> {
        let tree = render_in_time(blueprint, pack)?;
        // The formatter works in processes of its own.
        let (formatted, record) =
            rayon::join(|| format(&tree, &pack.manifest.format), || record::files(blueprint, pack, &tree));
        let (changed, unformatted) = match formatted {
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
        entries.push(own(service_path(), ServiceFile::created(&blueprint.without_history(), pack)?.into_bytes()));
        entries.extend(record.into_iter().map(|(path, content)| own(path, content)));
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
            next: unlocked_step(&tree).into_iter().chain(tree.next.steps.iter().cloned()).collect(),
            meanwhile: tree.next.meanwhile.clone(),
            env_file: EnvFile::of(pack, &tree)?,
            ignore_rules: ignore_rules(&tree),
            staged: None,
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

    /// Files that are written and can be run.
    pub fn executable(&self) -> impl Iterator<Item = &str> {
        let written = self.entries.iter().filter(|entry| entry.action.writes() && entry.mode == Mode::Executable);
        written.map(|entry| entry.path.as_str())
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

/// The lines of the `.gitignore` files that the template makes.
pub(super) fn ignore_rules(tree: &Tree) -> BTreeSet<(String, String)> {
    let lists = tree.iter().filter(|(path, _)| path.as_str().rsplit('/').next() == Some(".gitignore"));
    let rules = lists.flat_map(|(path, file)| {
        let text = String::from_utf8_lossy(&file.content);
        text.lines().map(|line| (path.to_string(), line.trim_end().to_owned())).collect::<Vec<_>>()
    });
    rules.collect()
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
