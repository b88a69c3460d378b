//! Files of a change that git would leave out of the commit: those outside of a sparse checkout, those that it was told
//! not to look at, and those that a rule ignores. To the next change they would be edits of the team's.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use super::action::Action;
use super::paths::{OBJECTS, lock_path, service_path};
use super::plan::{Entry, Plan};
use super::work::{Disk, unreadable};
use crate::fault::{Fault, Faults};
use crate::git::{self, IgnoredPath, IndexedFile};
use crate::pack::visible;
use crate::render::{RECORD, TreePath};
use crate::template::sh;

/// As many paths are named in a message.
const NAMED: usize = 3;

/// What git would leave out of a change.
#[derive(Debug, Default)]
pub struct Unseen {
    /// Why the change cannot be made in this checkout.
    pub refusals: Faults,
    /// What has to be done for the change to be committed whole.
    pub notes: Vec<String>,
}

impl Unseen {
    /// Asks git about what `plan` changes, and nothing where it changes nothing.
    pub fn of(plan: &Plan, disk: &Disk) -> Result<Self, Faults> {
        let changed: Vec<&Entry> = plan.entries.iter().filter(|entry| entry.changes()).collect();
        let (Some(git), false) = (disk.git(), changed.is_empty()) else { return Ok(Self::default()) };
        let unreadable = |error: io::Error| unreadable(&lock_path(), &error);
        let mut refusals = Faults::default();
        let paths: Vec<&str> = changed.iter().map(|entry| entry.path.as_str()).collect();
        let outside = git.outside(&paths);
        if !outside.is_empty() {
            refusals.push(outside_of_checkout(&outside, git));
        }
        let (there, gone) = unwatched(&changed, disk).map_err(unreadable)?;
        let gone: Vec<_> = gone.into_iter().filter(|(path, _)| !outside.contains(path)).collect();
        if !gone.is_empty() {
            let message = format!("not checked out, by a mark in git's index: {}", named(paths_of(&gone)));
            let help = format!("{} && git checkout -- {}; then run this again", watch(&gone), words(paths_of(&gone)));
            refusals.push(Fault::new(message).help(help));
        }
        let mut notes = Vec::new();
        if !there.is_empty() {
            let paths = named(paths_of(&there));
            notes.push(format!("git does not look for changes of {paths}; to commit them: {}", watch(&there)));
        }
        // What stands beside a file is to be taken in by hand.
        let written = changed.iter().filter(|entry| !matches!(entry.action, Action::Delete | Action::Beside));
        let ignored = git::ignored(disk.root(), written.map(|entry| entry.path.as_str())).unwrap_or_default();
        notes.extend(ignored_note(&ignored, |ignored| may_ignore(plan, git.prefix(), ignored)));
        Ok(Self { refusals, notes })
    }
}

/// Whether a file may be left out of commits: by a rule of the template's own, and it is none that every change needs.
/// `prefix` is the way from the top of git's repository.
pub fn may_ignore(plan: &Plan, prefix: &str, ignored: &IgnoredPath) -> bool {
    let is_needed = |path: &TreePath| *path == service_path() || Plan::is_record(path);
    let rule = |list: &str| (list.to_owned(), ignored.pattern.clone());
    !TreePath::new(&ignored.path).is_ok_and(|path| is_needed(&path))
        && ignored.source.strip_prefix(prefix).is_some_and(|list| plan.ignore_rules.contains(&rule(list)))
}

type MarkedPath<'a> = (&'a str, &'a IndexedFile);

/// Files that git does not look at: those that are there, and those that are not.
fn unwatched<'a>(changed: &[&'a Entry], disk: &'a Disk) -> io::Result<(Vec<MarkedPath<'a>>, Vec<MarkedPath<'a>>)> {
    let mut marked = Vec::new();
    for entry in changed {
        let file = disk.indexed(&entry.path)?.filter(|file| file.is_unwatched());
        marked.extend(file.map(|file| (&entry.path, file)));
    }
    let (there, gone): (Vec<_>, Vec<_>) =
        marked.into_iter().partition(|(path, _)| fs::symlink_metadata(disk.path(path)).is_ok());
    let by_text = |all: Vec<(&'a TreePath, &'a IndexedFile)>| {
        all.into_iter().map(|(path, file)| (path.as_str(), file)).collect::<Vec<_>>()
    };
    Ok((by_text(there), by_text(gone)))
}

/// git writes nothing there, and takes nothing in.
fn outside_of_checkout(outside: &[&str], git: &git::Repository) -> Fault {
    let folder = |path: &&str| path.rsplit_once('/').map_or(*path, |(folder, _)| folder).to_owned();
    let folders: BTreeSet<String> = outside.iter().map(folder).collect();
    let is_below =
        |path: &str| folders.iter().any(|above| path.strip_prefix(&**above).is_some_and(|rest| rest.starts_with('/')));
    let topmost: Vec<String> =
        folders.iter().filter(|folder| !is_below(folder)).map(|folder| format!("{}{folder}", git.prefix())).collect();
    let top = git.top().display().to_string();
    let command = format!("git -C {} sparse-checkout add {}", sh(&top), words(topmost.iter().map(String::as_str)));
    Fault::new(format!("outside of the sparse checkout: {}", named(outside.iter().copied())))
        .help(format!("{command}; then run this again"))
}

/// What has to be said of files that a rule leaves out, unless it may.
fn ignored_note(ignored: &[IgnoredPath], may_ignore: impl Fn(&IgnoredPath) -> bool) -> Option<String> {
    let ignored: Vec<&IgnoredPath> = ignored.iter().filter(|ignored| !may_ignore(ignored)).collect();
    let rules: BTreeSet<String> = ignored.iter().map(|ignored| visible(&ignored.rule())).collect();
    let rules: Vec<String> = rules.into_iter().collect();
    let paths = || ignored.iter().map(|ignored| ignored.path.as_str());
    // Of objects there are many.
    let of =
        |path| if TreePath::new(path).is_ok_and(|path| path.as_str().starts_with(OBJECTS)) { OBJECTS } else { path };
    let added: BTreeSet<&str> = paths().map(of).collect();
    let note = || {
        let (paths, rules) = (named(paths()), rules.join("; "));
        format!("git ignores {paths} ({rules}); to commit what belongs together: git add --force {}", words(added))
    };
    (!ignored.is_empty()).then(note)
}

/// The commands that have git look at files again.
fn watch(marked: &[MarkedPath]) -> String {
    let paths =
        |has: fn(&IndexedFile) -> bool| words(marked.iter().filter(|(_, file)| has(file)).map(|(path, _)| *path));
    let marks = [
        ("--no-skip-worktree", paths(|file| file.skip_worktree)),
        ("--no-assume-unchanged", paths(|file| file.assume_unchanged)),
    ];
    let marks = marks.iter().filter(|(_, paths)| !paths.is_empty());
    marks.map(|(flag, paths)| format!("git update-index {flag} {paths}")).collect::<Vec<_>>().join(" && ")
}

fn paths_of<'a>(marked: &[MarkedPath<'a>]) -> impl Iterator<Item = &'a str> {
    marked.iter().map(|(path, _)| *path).collect::<Vec<_>>().into_iter()
}

/// Paths for a message; all of the record is one.
fn named<'a>(paths: impl IntoIterator<Item = &'a str>) -> String {
    let (record, mut named): (Vec<&str>, Vec<&str>) = paths.into_iter().partition(|path| path.starts_with(RECORD));
    if !record.is_empty() {
        named.push(RECORD);
    }
    let more = named.split_off(named.len().min(NAMED)).len();
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// As a shell reads them.
fn words<'a>(paths: impl IntoIterator<Item = &'a str>) -> String {
    paths.into_iter().map(sh).collect::<Vec<_>>().join(" ")
}
