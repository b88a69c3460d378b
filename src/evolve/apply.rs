//! Writing a plan into a repository that is there: all of it, or nothing.

use std::path::{Path, PathBuf};

use super::interrupt;
use super::journal::{Journal, JournalPlace};
use super::plan::Plan;
use super::work::Disk;
use crate::fault::{Fault, Faults};

/// Writes `plan` to `disk`. On an error, and on ^C, everything is as it was before.
pub fn apply(plan: &Plan, disk: &Disk, place: &JournalPlace, command: &str) -> anyhow::Result<()> {
    let _hold = interrupt::hold();
    interrupt::check()?;
    let mut journal = Journal::begin(plan, place, disk, command)?;
    if let Err(error) = journal.finish(disk.root()) {
        journal.undo(disk.root())?;
        return Err(error);
    }
    Ok(())
}

/// What became of a change that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resumed {
    /// It is done now, with so many conflicts.
    Finished { command: String, conflicts: usize },
    /// It was being taken back, and has been.
    Undone { command: String },
}

/// Finishes a change that was cut off, or goes on taking it back; none where there is no such thing.
pub fn resume(root: &Path, place: &JournalPlace) -> anyhow::Result<Option<Resumed>> {
    let Some(mut journal) = Journal::open(place)?.filter(|journal| !journal.done || journal.undoing) else {
        return Ok(None);
    };
    let _hold = interrupt::hold();
    let command = journal.command().to_owned();
    if journal.undoing {
        journal.undo(root)?;
        return Ok(Some(Resumed::Undone { command }));
    }
    journal.finish(root)?;
    Ok(Some(Resumed::Finished { command, conflicts: journal.conflicts() }))
}

/// Whether a change was cut off, and its words.
pub fn cut_off(place: &JournalPlace) -> Result<Option<String>, Faults> {
    let journal = Journal::open(place)?.filter(|journal| !journal.done || journal.undoing);
    Ok(journal.map(|journal| journal.command().to_owned()))
}

/// Takes the last change back: its words, and where files lie that somebody has changed since.
pub fn abort(root: &Path, place: &JournalPlace) -> Result<(String, Vec<PathBuf>), Faults> {
    let Some(journal) = Journal::open(place)? else {
        return Err(Fault::new("there is no change to take back").help("git knows how things were: git log").into());
    };
    let command = journal.command().to_owned();
    if journal.is_settled() {
        let fault = Fault::new(format!("`new-service {command}` is settled: a commit was made since"));
        return Err(fault.help("to take that back: git revert, or git reset").into());
    }
    let _hold = interrupt::hold();
    Ok((command, journal.undo(root)?))
}
