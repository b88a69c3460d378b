//! Writing a new repository: all of it, or nothing.
//!
//! Into a folder that does not exist: a hidden sibling is filled and renamed into place, so the
//! target appears whole. Into one that exists: a hidden folder inside it is filled, then each file is
//! linked into place, which fails rather than replace; a second run after a kill finishes the work.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::action::Action;
use super::interrupt;
use super::paths::{lock_path, service_path};
use super::plan::{Entry, Plan};
use super::record::Lock;
use super::steps::step;
use super::work::{Disk, Found, WorkTree as _, unreadable};
use crate::fault::{Fault, Faults};
use crate::render::{Mode, TreePath};

/// What happens between filling the folder and showing it: `git init` and a first commit.
pub type Finish<'a> = &'a mut dyn FnMut(&Path) -> anyhow::Result<()>;

/// Faults that would stop [`create`], found before anything is written.
pub fn check(plan: &Plan, target: &Path) -> Result<(), Faults> {
    if !is_folder(target)? {
        return Ok(());
    }
    let mut faults = Faults::default();
    let mut keepable = true;
    for entry in plan.entries.iter().filter(|entry| entry.action.writes()) {
        if let Some(why) = clash(target, entry) {
            keepable &= may_stay(entry) && target.join(entry.path.as_str()).is_file();
            faults.push(Fault::new(format!("{}: {why}", target.join(entry.path.as_str()).display())));
        }
    }
    if !faults.is_empty() {
        let keep = if keepable { "; or keep them as they are: --keep-existing" } else { "" };
        let help = format!("choose another folder, or move these files away{keep}");
        faults.push(Fault::new("nothing was written").help(help));
    }
    faults.or(())
}

/// Whether `target` is there; a fault when nothing could be created at or in it, whatever the plan.
fn is_folder(target: &Path) -> Result<bool, Faults> {
    let parts = std::path::absolute(target).unwrap_or_else(|_| target.to_owned());
    if parts.components().any(|part| part.as_os_str() == ".git") {
        let fault = Fault::new(format!("{}: is part of git's own folder", target.display()));
        return Err(fault.help("choose a folder outside of .git").into());
    }
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Fault::new(format!("{}: {error}", target.display())).into()),
        Ok(meta) if !meta.is_dir() && !target.is_dir() => {
            Err(Fault::new(format!("{}: is a file, and a folder is wanted", target.display())).into())
        }
        Ok(_) => Ok(true),
    }
}

/// That `target` can take a new repository, as far as this is known before its plan; what it holds already, but for
/// git's own folder.
pub fn check_free(target: &Path) -> Result<Vec<String>, Faults> {
    if !is_folder(target)? {
        return Ok(Vec::new());
    }
    let shown = |path: &str| target.join(path).display().to_string();
    let is_file = |path: &TreePath| target.join(path.as_str()).is_file();
    let fault = match fs::read_to_string(target.join(lock_path().as_str())) {
        // A run that was killed has left less than its lock names, and another one finishes it.
        Ok(text) => match Lock::parse(&text) {
            Ok(lock) if is_file(&service_path()) && lock.files.keys().all(is_file) => {
                let fault = Fault::new(format!("{}: is a repository that new-service made", target.display()));
                Some(fault.help("to change it: new-service add, resource or update, in that folder"))
            }
            _ => None,
        },
        Err(_) if is_file(&service_path()) => {
            let fault = Fault::new(format!("{}: {TAKEN}", shown(service_path().as_str())));
            Some(fault.help("choose another folder, or move the file away"))
        }
        Err(_) => None,
    };
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    let unreadable = |error: io::Error| Fault::new(format!("{}: {error}", target.display()));
    let names = fs::read_dir(target).map_err(unreadable)?;
    let names = names.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != ".git").collect();
    names.sort();
    Ok(names)
}

/// That something can be written where `target` is, or is to be.
pub fn check_writable(target: &Path) -> Result<(), Faults> {
    let there = target.ancestors().find(|folder| folder.is_dir()).filter(|folder| *folder != Path::new(""));
    let there = there.unwrap_or(Path::new("."));
    stage_in(there).map(drop)
}

/// Files of `target` that stand where `plan` has others stay; the blueprint and the record never do.
pub fn keep_existing(plan: &mut Plan, target: &Path) -> Result<(), Faults> {
    let disk = Disk::new(target);
    for entry in plan.entries.iter_mut().filter(|entry| may_stay(entry)) {
        let found = disk.look(&entry.path).map_err(|error| unreadable(&entry.path, &error))?;
        if let Found::File(content, mode) = found
            && content != entry.content
        {
            entry.action = Action::Keep;
            entry.before = Some((content, mode));
        }
    }
    Ok(())
}

fn may_stay(entry: &Entry) -> bool {
    entry.path != service_path() && !Plan::is_record(&entry.path)
}

/// Why a path that something else stands at is none for a new file.
const TAKEN: &str = "exists already, and is never overwritten";

/// Why `entry` cannot stand in `target`, if it cannot. A file of the same bytes is no clash: an
/// earlier run that was killed wrote it.
fn clash(target: &Path, entry: &Entry) -> Option<String> {
    for parent in entry.path.parents() {
        match fs::symlink_metadata(target.join(parent)) {
            Ok(meta) if meta.is_symlink() => {
                return Some(format!("\"{parent}\" is a link, and could lead out of the folder"));
            }
            Ok(meta) if !meta.is_dir() => return Some(format!("\"{parent}\" is a file, and a folder is wanted")),
            _ => {}
        }
    }
    let path = target.join(entry.path.as_str());
    match fs::symlink_metadata(&path) {
        Err(_) => None,
        Ok(meta) if meta.is_file() && fs::read(&path).is_ok_and(|content| content == entry.content) => None,
        Ok(_) => Some(TAKEN.into()),
    }
}

/// Writes `plan` to `target`. On any error, and on ^C, what was begun is removed.
pub fn create(plan: &Plan, target: &Path, finish: Finish) -> anyhow::Result<()> {
    check(plan, target)?;
    let _hold = interrupt::hold();
    // One that came just before is still to be heard of.
    interrupt::check()?;
    if target.is_dir() {
        return create_inside(plan, target, finish);
    }
    let parent = match target.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut placed = Placed::default();
    placed
        .make_all(&parent)
        .map_err(|error| Fault::new(format!("{}: {error}", parent.display())))
        .map_err(Faults::from)?;
    let stage = stage_in(&parent)?;
    let tree = stage.path().join(TREE);
    write_all(plan, &tree)?;
    finish(&tree)?;
    interrupt::check()?;
    step();
    // Renaming onto a folder that has appeared in the meantime fails unless that one is empty.
    fs::rename(&tree, target).map_err(|error| Faults::from(Fault::new(format!("{}: {error}", target.display()))))?;
    placed.done = true;
    Ok(())
}

fn create_inside(plan: &Plan, target: &Path, finish: Finish) -> anyhow::Result<()> {
    let stage = stage_in(target)?;
    let tree = stage.path().join(TREE);
    write_all(plan, &tree)?;
    let mut placed = Placed::default();
    for entry in plan.entries.iter().filter(|entry| entry.action.writes()) {
        interrupt::check()?;
        step();
        placed.place(&tree, target, entry).map_err(|error| {
            Faults::from(Fault::new(format!("{}: {error}", target.join(entry.path.as_str()).display())))
        })?;
    }
    drop(stage);
    placed.done = true;
    finish(target)
}

/// Files and folders that this run has put in place; taken away again unless the run ends well.
#[derive(Default)]
struct Placed {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    done: bool,
}

impl Placed {
    /// Makes `folder`, and those above it that are missing.
    fn make_all(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        missing.into_iter().rev().filter(|folder| *folder != Path::new("")).try_for_each(|folder| self.make(folder))
    }

    fn make(&mut self, folder: &Path) -> io::Result<()> {
        match fs::create_dir(folder) {
            Ok(()) => self.folders.push(folder.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn place(&mut self, stage: &Path, target: &Path, entry: &Entry) -> io::Result<()> {
        for parent in entry.path.parents() {
            self.make(&target.join(parent))?;
        }
        let path = target.join(entry.path.as_str());
        // A link, unlike a rename, never replaces what is there.
        match fs::hard_link(stage.join(entry.path.as_str()), &path) {
            Ok(()) => self.files.push(path),
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists
                    && fs::read(&path).is_ok_and(|content| content == entry.content) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        for file in self.files.iter().rev() {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// The folder of a stage that is filled: as open as the umask lets it be, where the stage is the owner's alone.
const TREE: &str = "tree";

/// A hidden folder for what is not to be seen yet. Should a kill leave it behind, git passes it over.
fn stage_in(folder: &Path) -> Result<tempfile::TempDir, Faults> {
    let refused = |error| Fault::new(format!("{}: cannot be written to: {error}", folder.display()));
    let stage = tempfile::Builder::new().prefix(".new-service-").tempdir_in(folder).map_err(refused)?;
    fs::write(stage.path().join(".gitignore"), "*\n").map_err(refused)?;
    Ok(stage)
}

/// Fills `root`, which nobody sees yet: so files are written side by side.
fn write_all(plan: &Plan, root: &Path) -> anyhow::Result<()> {
    let told = |path: &str, error: &io::Error| {
        Faults::from(Fault::new(format!("{path}: {error}")).help("nothing was written"))
    };
    fs::create_dir(root).map_err(|error| told(&root.display().to_string(), &error))?;
    let entries: Vec<&Entry> = plan.entries.iter().filter(|entry| entry.action.writes()).collect();
    let folders: BTreeSet<&str> = entries.iter().flat_map(|entry| entry.path.parents()).collect();
    for folder in folders {
        fs::create_dir(root.join(folder)).map_err(|error| told(folder, &error))?;
    }
    entries.par_iter().try_for_each(|entry| {
        interrupt::check()?;
        step();
        Ok(write(&root.join(entry.path.as_str()), entry).map_err(|error| told(entry.path.as_str(), &error))?)
    })
}

fn write(path: &Path, entry: &Entry) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // The umask takes away what the user does not grant.
        options.mode(if entry.mode == Mode::Executable { 0o777 } else { 0o666 });
    }
    options.open(path)?.write_all(&entry.content)
}
