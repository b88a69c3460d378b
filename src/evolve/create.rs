//! Writing a new repository: all of it, or nothing.
//!
//! Into a folder that does not exist: a hidden sibling is filled and renamed into place, so the
//! target appears whole. Into one that exists: a hidden folder inside it is filled, then each file is
//! linked into place, which fails rather than replace; a second run after a kill finishes the work.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::interrupt;
use super::plan::{Entry, Plan};
use super::steps::step;
use crate::fault::{Fault, Faults};

/// What happens between filling the folder and showing it: `git init` and a first commit.
pub type Finish<'a> = &'a mut dyn FnMut(&Path) -> anyhow::Result<()>;

/// Faults that would stop [`create`], found before anything is written.
pub fn check(plan: &Plan, target: &Path) -> Result<(), Faults> {
    if !check_folder(target)? {
        return Ok(());
    }
    let mut faults = Faults::default();
    for entry in &plan.entries {
        if let Some(why) = clash(target, entry) {
            faults.push(Fault::new(format!("{}: {why}", target.join(entry.path.as_str()).display())));
        }
    }
    if !faults.is_empty() {
        faults.push(Fault::new("nothing was written").help("choose another folder, or move these files away"));
    }
    faults.or(())
}

/// Whether `target` is there; a fault when nothing could be created at or in it, whatever the plan.
pub fn check_folder(target: &Path) -> Result<bool, Faults> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Fault::new(format!("{}: {error}", target.display())).into()),
        Ok(meta) if !meta.is_dir() && !target.is_dir() => {
            Err(Fault::new(format!("{}: is a file, and a folder is wanted", target.display())).into())
        }
        Ok(_) => Ok(true),
    }
}

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
        Ok(_) => Some("exists already, and is never overwritten".into()),
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
    for entry in &plan.entries {
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

fn write_all(plan: &Plan, root: &Path) -> anyhow::Result<()> {
    for entry in &plan.entries {
        interrupt::check()?;
        step();
        let path = root.join(entry.path.as_str());
        write(&path, entry).map_err(|error| {
            Faults::from(Fault::new(format!("{}: {error}", entry.path)).help("nothing was written"))
        })?;
    }
    Ok(())
}

fn write(path: &Path, entry: &Entry) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // The umask takes away what the user does not grant.
        options.mode(if entry.mode == crate::render::Mode::Executable { 0o777 } else { 0o666 });
    }
    options.open(path)?.write_all(&entry.content)
}
