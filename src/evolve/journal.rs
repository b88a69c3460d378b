//! The journal: what a change was to write and what stood there before, kept in git's own folder, so that
//! a change that was cut off can be finished or taken back.
//!
//! ```text
//! JOURNAL/steps.json    every write, in order: what was there, what is to be
//! JOURNAL/bytes/SHA256  those contents
//! JOURNAL/index         git's index as it was
//! JOURNAL/done          there once all is written; from then on it only serves to take the change back
//! ```
//!
//! It appears whole, by a rename, before the first write.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::files::{Bytes, State, partial, put_aside, remove_folder, set, state_of};
use super::paths::{hash, lock_path};
use super::plan::{Entry, Plan};
use super::steps::step;
use super::work::Disk;
use crate::fault::{Fault, Faults};
use crate::git;
use crate::render::{Mode, RECORD};

/// Where a repository's journal lies, and the index that it guards.
#[derive(Debug, Clone)]
pub struct JournalPlace {
    folder: PathBuf,
    git: Option<git::Repository>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    pub path: String,
    /// None where nothing stood, or is to stand.
    pub before: Option<State>,
    pub after: Option<State>,
}

/// A file in conflict, for git's index.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stage {
    path: String,
    base: State,
    ours: State,
    theirs: State,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct JournalForm {
    /// The words of the command.
    command: String,
    /// The commit that was checked out.
    head: Option<String>,
    conflicts: usize,
    steps: Vec<Step>,
    unmerged: Vec<Stage>,
    /// Files whose modes git's index alone holds, and whether they can be run.
    #[serde(default)]
    modes: Vec<(String, bool)>,
    /// Files that git is to take in as they are then.
    #[serde(default)]
    staged: Vec<String>,
    /// Whether modes on disk count.
    #[serde(default = "counted")]
    keeps_modes: bool,
    /// Whether there was an index to keep.
    index: bool,
    /// Folders that were not there.
    folders: Vec<String>,
}

/// Of a journal that an earlier new-service began.
fn counted() -> bool {
    true
}

/// A journal that lies in its place.
#[derive(Debug)]
pub struct Journal {
    place: JournalPlace,
    form: JournalForm,
    pub done: bool,
    /// Whether it is being taken back.
    pub undoing: bool,
}

impl JournalPlace {
    /// In git's folder; without git, in the record.
    pub fn new(root: &Path, git: Option<git::Repository>) -> Self {
        let folder = match &git {
            Some(git) => {
                // Several services may lie in one repository.
                let name = if git.prefix().is_empty() {
                    "top".to_owned()
                } else {
                    hash(git.prefix().as_bytes())[..16].to_owned()
                };
                git.git_dir().join("new-service").join(name)
            }
            None => root.join(RECORD).join("journal"),
        };
        Self { folder, git }
    }

    /// Where files are put that somebody has changed since, when a change is taken back.
    pub fn rescued(&self) -> PathBuf {
        self.folder.with_extension("rescued")
    }

    fn head(&self) -> Option<String> {
        self.git.as_ref()?.head()
    }
}

/// Permissions of a file that is new, before the umask.
fn fresh_mode(entry: &Entry) -> u32 {
    if entry.mode == Mode::Executable { 0o777 } else { 0o666 }
}

/// Those of a file that is replaced: as they were, and the run bit as it is to be.
fn kept_mode(before: u32, entry: &Entry) -> u32 {
    if entry.before.as_ref().is_some_and(|(_, mode)| *mode == entry.mode) {
        return before;
    }
    if entry.mode == Mode::Executable { before | (before & 0o444) >> 2 } else { before & !0o111 }
}

impl Journal {
    /// The journal in `place`, if one is there.
    pub fn open(place: &JournalPlace) -> Result<Option<Self>, Faults> {
        let file = place.folder.join("steps.json");
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Fault::new(format!("{}: {error}", file.display())).into()),
        };
        let form = serde_json::from_slice(&bytes).map_err(|error| {
            Fault::new(format!("{}: cannot be read: {error}", file.display()))
                .help("a newer new-service may have written it; without it, delete the folder and use git")
        })?;
        let [done, undoing] = ["done", "undo"].map(|mark| place.folder.join(mark).exists());
        Ok(Some(Self { place: place.clone(), form, done, undoing }))
    }

    /// Notes all writes of `plan` before the first of them.
    pub fn begin(plan: &Plan, place: &JournalPlace, disk: &Disk, command: &str) -> Result<Self, Faults> {
        let root = disk.root();
        let wrong =
            |error: io::Error| -> Faults { Fault::new(format!("the journal cannot be written: {error}")).into() };
        let parent = place.folder.parent().unwrap_or(root);
        fs::create_dir_all(parent).map_err(wrong)?;
        // What a kill left of an earlier attempt.
        for entry in fs::read_dir(parent).map_err(wrong)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(".begun-") {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let stage = tempfile::Builder::new().prefix(".begun-").tempdir_in(parent).map_err(wrong)?;
        let bytes = Bytes(stage.path().join("bytes"));
        fs::create_dir(&bytes.0).map_err(wrong)?;
        let mut form = JournalForm {
            command: command.to_owned(),
            head: place.head(),
            conflicts: plan.conflicts(),
            steps: Vec::new(),
            unmerged: Vec::new(),
            modes: if disk.keeps_modes() { Vec::new() } else { modes_of_index(plan) },
            staged: staged(plan),
            keeps_modes: disk.keeps_modes(),
            index: false,
            folders: missing_folders(plan, root),
        };
        for entry in in_order(plan) {
            form.steps.push(noted(entry, root, &bytes).map_err(wrong)?);
            if let Some(stages) = &entry.stages {
                let state =
                    |content: &[u8], mode: Mode| bytes.keep(content).map(|hash| State { hash, mode: mode.bits() });
                form.unmerged.push(Stage {
                    path: entry.path.as_str().to_owned(),
                    base: state(&stages.base.0, stages.base.1).map_err(wrong)?,
                    ours: state(&stages.ours.0, stages.ours.1).map_err(wrong)?,
                    theirs: state(&stages.theirs.0, stages.theirs.1).map_err(wrong)?,
                });
            }
        }
        if let Some(git) = &place.git
            && git.index().exists()
        {
            fs::copy(git.index(), stage.path().join("index")).map_err(wrong)?;
            form.index = true;
        }
        if place.git.is_none() {
            // It lies among the files, which may be in git one day.
            fs::write(stage.path().join(".gitignore"), "*\n").map_err(wrong)?;
        }
        let text = serde_json::to_vec_pretty(&form).map_err(|error| wrong(error.into()))?;
        fs::write(stage.path().join("steps.json"), text).map_err(wrong)?;
        step();
        remove_folder(&place.folder).map_err(wrong)?;
        step();
        fs::rename(stage.keep(), &place.folder).map_err(wrong)?;
        step();
        Ok(Self { place: place.clone(), form, done: false, undoing: false })
    }

    /// The words of the command that it is of.
    pub fn command(&self) -> &str {
        &self.form.command
    }

    pub fn conflicts(&self) -> usize {
        self.form.conflicts
    }

    /// Whether a commit was made since, which settles the change.
    pub fn is_settled(&self) -> bool {
        self.done && self.place.git.is_some() && self.place.head() != self.form.head
    }

    /// Does what is not done yet; done twice, it is the same. The lock comes last.
    pub fn finish(&mut self, root: &Path) -> anyhow::Result<()> {
        let bytes = Bytes(self.place.folder.join("bytes"));
        let (lock, files): (Vec<&Step>, Vec<&Step>) =
            self.form.steps.iter().partition(|step| step.path == lock_path().as_str());
        for one in files {
            super::interrupt::check()?;
            step();
            self.perform(one, root, &bytes)?;
        }
        step();
        self.leave_unmerged(&bytes)?;
        self.set_modes()?;
        for one in lock {
            step();
            self.perform(one, root, &bytes)?;
        }
        step();
        if let (Some(git), false) = (&self.place.git, self.form.staged.is_empty()) {
            let paths: Vec<&str> = self.form.staged.iter().map(String::as_str).collect();
            git.stage_paths(RECORD, &paths).map_err(Fault::new).map_err(Faults::from)?;
        }
        step();
        let done = self.place.folder.join("done");
        mark(&done)?;
        self.done = true;
        Ok(())
    }

    fn leave_unmerged(&self, bytes: &Bytes) -> Result<(), Faults> {
        let Some(git) = self.place.git.as_ref().filter(|_| !self.form.unmerged.is_empty()) else { return Ok(()) };
        let read = |state: &State| bytes.read(&state.hash).map(|content| (content, state.mode));
        let mut files = Vec::new();
        for stage in &self.form.unmerged {
            files.push((stage.path.as_str(), read(&stage.base)?, read(&stage.ours)?, read(&stage.theirs)?));
        }
        let unmerged: Vec<git::Unmerged> = files
            .iter()
            .map(|(path, base, ours, theirs)| git::Unmerged {
                path,
                base: (&base.0, base.1),
                ours: (&ours.0, ours.1),
                theirs: (&theirs.0, theirs.1),
            })
            .collect();
        git.leave_unmerged(&unmerged).map_err(|why| Fault::new(why).into())
    }

    fn set_modes(&self) -> Result<(), Faults> {
        let Some(git) = &self.place.git else { return Ok(()) };
        for executable in [true, false] {
            let paths = self.form.modes.iter().filter(|(_, mode)| *mode == executable);
            let paths: Vec<&str> = paths.map(|(path, _)| path.as_str()).collect();
            if !paths.is_empty() {
                git.set_executable(&paths, executable).map_err(Fault::new)?;
            }
        }
        Ok(())
    }

    fn perform(&self, one: &Step, root: &Path, bytes: &Bytes) -> Result<(), Faults> {
        let path = root.join(&one.path);
        let there = state_of(&path).map_err(|error| told(&one.path, &error))?;
        if alike(there.as_ref(), one.after.as_ref(), true) {
            return Ok(());
        }
        let known = [&one.before, &one.after];
        if !known.iter().any(|state| alike(there.as_ref(), state.as_ref(), self.form.keeps_modes)) {
            let fault = Fault::new(format!("{}: somebody has changed it since the change began", one.path));
            return Err(fault.help("to take the whole back: new-service undo").into());
        }
        set(&path, one.after.as_ref(), root, bytes).map_err(|error| told(&one.path, &error))
    }

    /// Puts everything back as it was. Files that somebody has changed since are put aside first, and
    /// named.
    pub fn undo(self, root: &Path) -> Result<Vec<PathBuf>, Faults> {
        // Should this be cut off, too, the next command goes on with it.
        mark(&self.place.folder.join("undo"))?;
        let bytes = Bytes(self.place.folder.join("bytes"));
        let mut rescued = Vec::new();
        for one in self.form.steps.iter().rev() {
            step();
            let path = root.join(&one.path);
            let there = state_of(&path).map_err(|error| told(&one.path, &error))?;
            let _ = fs::remove_file(partial(&path));
            if there == one.before {
                continue;
            }
            if there.is_some()
                && !alike(there.as_ref(), one.before.as_ref(), self.form.keeps_modes)
                && !alike(there.as_ref(), one.after.as_ref(), self.form.keeps_modes)
            {
                let to = self.place.rescued().join(&one.path);
                put_aside(&path, &to).map_err(|error| told(&one.path, &error))?;
                rescued.push(to);
            }
            set(&path, one.before.as_ref(), root, &bytes).map_err(|error| told(&one.path, &error))?;
        }
        for folder in self.form.folders.iter().rev() {
            // One that somebody put something into stays.
            let _ = fs::remove_dir(root.join(folder));
        }
        if let Some(git) = self.place.git.as_ref().filter(|_| self.form.index) {
            step();
            let index = git.index();
            let aside = index.with_extension("new-service");
            fs::copy(self.place.folder.join("index"), &aside)
                .and_then(|_| fs::rename(&aside, &index))
                .map_err(|error| Fault::new(format!("{}: {error}", index.display())))?;
        }
        step();
        remove_folder(&self.place.folder)
            .map_err(|error| Fault::new(format!("{}: {error}", self.place.folder.display())))?;
        Ok(rescued)
    }
}

/// New objects, then files, then what is deleted; the lock last.
fn in_order(plan: &Plan) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> =
        plan.entries.iter().filter(|entry| entry.changes() || entry.stages.is_some()).collect();
    let rank = |entry: &Entry| {
        let record = Plan::is_record(&entry.path);
        (entry.path == lock_path(), entry.action == Action::Delete, !record)
    };
    entries.sort_by_key(|entry| rank(entry));
    entries
}

fn noted(entry: &Entry, root: &Path, bytes: &Bytes) -> io::Result<Step> {
    let path = root.join(entry.path.as_str());
    let before = state_of(&path)?;
    // What the plan was made over, and not what somebody wrote a moment ago.
    let planned = entry.before.as_ref().map(|(content, _)| hash(content));
    if before.as_ref().map(|state| &state.hash) != planned.as_ref() {
        return Err(io::Error::other(format!("{} was changed in the meantime", entry.path)));
    }
    if let Some((content, _)) = &entry.before {
        bytes.keep(content)?;
    }
    let after = match entry.action {
        Action::Delete => None,
        _ => {
            let mode = before.as_ref().map_or_else(|| fresh_mode(entry), |state| kept_mode(state.mode, entry));
            Some(State { hash: bytes.keep(&entry.content)?, mode })
        }
    };
    Ok(Step { path: entry.path.as_str().to_owned(), before, after })
}

/// The modes that a plan changes, where git's index alone holds them; those of a conflict come with its stages.
fn modes_of_index(plan: &Plan) -> Vec<(String, bool)> {
    let changed = plan.entries.iter().filter(|entry| {
        let stands = !matches!(entry.action, Action::Delete | Action::Beside) && entry.stages.is_none();
        let before = entry.before.as_ref().map_or(Mode::Plain, |(_, mode)| *mode);
        stands && entry.changes() && before != entry.mode
    });
    changed.map(|entry| (entry.path.to_string(), entry.mode == Mode::Executable)).collect()
}

/// What git takes in of a plan: what is left whole. The record is taken in as a whole.
fn staged(plan: &Plan) -> Vec<String> {
    let Some(more) = &plan.staged else { return Vec::new() };
    let is_whole = |entry: &&Entry| entry.changes() && entry.conflicts == 0 && entry.stages.is_none();
    let written = plan.entries.iter().filter(is_whole).map(|entry| &entry.path);
    written.chain(more).map(ToString::to_string).collect()
}

/// Folders that the plan's files need and that are not there, those above first.
fn missing_folders(plan: &Plan, root: &Path) -> Vec<String> {
    let writes = plan.entries.iter().filter(|entry| entry.changes() && entry.action != Action::Delete);
    let folders: BTreeSet<&str> = writes.flat_map(|entry| entry.path.parents()).collect();
    folders.into_iter().filter(|folder| !root.join(folder).exists()).map(str::to_owned).collect()
}

/// Whether two are the same to git, which may count modes or not; of permissions, the umask and the user have a say as
/// well.
fn alike(one: Option<&State>, other: Option<&State>, modes: bool) -> bool {
    let facts = |state: Option<&State>| state.map(|state| (state.hash.clone(), modes && state.mode & 0o100 != 0));
    facts(one) == facts(other)
}

fn mark(file: &Path) -> Result<(), Faults> {
    fs::write(file, "").map_err(|error| Fault::new(format!("{}: {error}", file.display())).into())
}

fn told(path: &str, error: &io::Error) -> Faults {
    Fault::new(format!("{path}: {error}")).into()
}
