//! What two branches come to: where a repository begins, and what becomes of the files of their migrations.

use std::collections::BTreeSet;

use super::drawn::{BranchSide, DrawnMigration, Split};
use crate::blueprint::Drawn;
use crate::evolve::action::Action;
use crate::evolve::paths::hash;
use crate::evolve::plan::{Entry, Plan};
use crate::evolve::record::Lock;
use crate::evolve::work::{Disk, Found, WorkTree as _, unreadable};
use crate::fault::Faults;
use crate::render::{Mode, TreePath};
use crate::schema::{MigrationFile, SchemaRename};

/// What a repository of two branches begins with.
#[derive(Debug)]
pub struct Settlement {
    /// Of the published branch, with the migrations of the other that stay.
    pub lock: Lock,
    /// Of the other branch: what its generated files were made from.
    pub other: Lock,
    /// The commits that have the pristine files.
    pub commits: Vec<String>,
    /// The files of the published branch's migrations, whose names stay.
    pub published: BTreeSet<TreePath>,
    pub(super) renamed: Vec<SchemaRename>,
    /// Migrations that go.
    pub(super) gone: Vec<DrawnMigration>,
    /// Migrations that are to be there, with what is in them.
    pub(super) there: Vec<(TreePath, Vec<u8>)>,
    /// Whether what is written is staged.
    pub(super) goes_on: bool,
    pub(super) notes: Vec<String>,
}

impl Settlement {
    /// What the next change begins with, at `moment`.
    pub fn drawn(&self, disk: &Disk, moment: u64) -> Result<Drawn, Faults> {
        let is_gone = |path: &str| self.gone.iter().flat_map(|one| &one.files).any(|file| file.as_str() == path);
        let mut files = self.lock.migration_files(disk)?;
        files.retain(|file| !is_gone(&file.path) && !self.there.iter().any(|(path, _)| path.as_str() == file.path));
        files.extend(self.there.iter().map(|(path, content)| MigrationFile {
            path: path.to_string(),
            text: String::from_utf8_lossy(content).into_owned(),
            is_as_drawn: self.lock.files.get(path).is_some_and(|locked| locked.hash == hash(content)),
        }));
        let mut drawn = self.lock.drawn(moment);
        drawn.layers.extend(self.other.files.values().map(|file| file.layer.clone()));
        drawn.renamed.clone_from(&self.renamed);
        drawn.replaced = self.gone.iter().filter_map(|one| one.stamp.parse().ok()).max();
        drawn.files = files;
        Ok(drawn)
    }

    /// Adds to a plan what becomes of the migrations that the branches drew.
    /// `unmerged` are files that were in conflict, and are not any more.
    pub fn complete(self, plan: &mut Plan, disk: &Disk, unmerged: BTreeSet<TreePath>) -> Result<(), Faults> {
        let Self { gone, there, mut notes, goes_on, .. } = self;
        let look = |path: &TreePath| disk.look(path).map_err(|error| unreadable(path, &error));
        let gone = gone.iter().flat_map(|one| &one.files).filter(|path| !there.iter().any(|(kept, _)| kept == *path));
        for path in gone {
            if let Found::File(content, mode) = look(path)? {
                let entry = Entry::create(path.clone(), Vec::new(), Mode::Plain, None);
                plan.entries.push(Entry { action: Action::Delete, before: Some((content, mode)), ..entry });
            }
        }
        for (path, content) in there {
            plan.entries.retain(|entry| entry.path != path);
            let entry = Entry::create(path.clone(), content, Mode::Plain, None);
            plan.entries.push(match look(&path)? {
                Found::File(before, mode) => {
                    Entry { action: Action::Update, mode, before: Some((before, mode)), ..entry }
                }
                _ => entry,
            });
        }
        plan.entries.sort_by(|one, other| one.path.cmp(&other.path));
        if let Some(last) = notes.last_mut()
            && !plan.migrations.is_empty()
        {
            let up = plan.migrations.iter().filter(|path| path.ends_with(".up.sql"));
            *last = format!("{last}. Drawn again: {}", up.cloned().collect::<Vec<_>>().join(", "));
        }
        plan.notes.splice(0..0, notes);
        plan.staged = goes_on.then_some(unmerged);
        Ok(())
    }
}

/// What the report says of migrations that go.
pub(super) fn notes_on(published: &BranchSide, other: &BranchSide, split: &Split) -> Vec<String> {
    let files = |drawn: &[DrawnMigration]| {
        let files = drawn.iter().filter_map(|one| one.files.iter().find(|path| path.as_str().ends_with(".up.sql")));
        files.map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let mut notes = Vec::new();
    let before = |drawn: &[DrawnMigration]| {
        let down = drawn.iter().rev().filter_map(|one| one.files.iter().find(|path| path.as_str().contains(".down.")));
        let down: Vec<String> = down.map(|path| format!("git show {}:{path}", other.commit[..9].to_owned())).collect();
        format!(
            "a database of your own where these ran: before it runs the new ones, revert them there in this order ({}), \
             or create it again",
            down.join("; ")
        )
    };
    if !split.twins.is_empty() {
        notes.push(format!(
            "{} drew what {} has as well, and goes: {}; {}",
            other.name,
            published.name,
            files(&split.twins),
            before(&split.twins)
        ));
    }
    if !split.replaced.is_empty() {
        notes.push(format!(
            "{} drew migrations that do not fit beside those of {}, and go: {}; {}",
            other.name,
            published.name,
            files(&split.replaced),
            before(&split.replaced)
        ));
    }
    notes
}
