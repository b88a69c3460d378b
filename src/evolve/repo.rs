//! A repository that new-service made: where it is, what it keeps, and whether it may be changed now.

use std::path::{Path, PathBuf};

use super::journal::JournalPlace;
use super::merge::marker;
use super::paths::{lock_path, service_path};
use super::record::{self, Lock};
use super::work::{Disk, Found, WorkTree as _, unreadable};
use crate::blueprint::{FILE_NAME, ServiceFile};
use crate::fault::{self, Fault, Faults};
use crate::git::{self, Meeting};
use crate::pack::Text;
use crate::render::TreePath;

/// Where a repository is, and where a change of it is journalled. Nothing in it has been read: a change that was cut off
/// comes first, and can be taken back whatever the files hold.
#[derive(Debug)]
pub struct Checkout {
    pub root: PathBuf,
    pub git: Option<git::Repository>,
    pub place: JournalPlace,
}

/// A repository with its blueprint and its lock, both read once.
#[derive(Debug)]
pub struct Repo {
    pub disk: Disk,
    pub git: Option<git::Repository>,
    /// The branches that meet now.
    pub meeting: Option<Meeting>,
    /// `service.toml` as it stands.
    pub service: ServiceFile,
    pub lock: record::Read,
    pub place: JournalPlace,
}

/// The top of the repository that `from` lies in: the nearest folder with a blueprint.
pub fn root_around(from: &Path) -> Result<Option<PathBuf>, Faults> {
    let from = from.canonicalize().map_err(|error| Fault::new(format!("{}: {error}", from.display())))?;
    Ok(from.ancestors().find(|folder| folder.join(FILE_NAME).is_file()).map(Path::to_owned))
}

/// Whether `from` lies in a repository that new-service made, its record included.
pub fn is_inside(from: &Path) -> bool {
    root_around(from).is_ok_and(|root| root.is_some_and(|root| has_file(&root, &lock_path())))
}

/// Whether a folder has a file, be it one that git does not check out.
fn has_file(folder: &Path, path: &TreePath) -> bool {
    let file = |disk: Disk| matches!(disk.look(path), Ok(Found::File(..)));
    let disk = Disk::new(folder);
    file(disk.clone()) || git::Repository::around(folder).is_ok_and(|git| file(disk.in_git(git)))
}

/// `service.toml` of the repository in `root`.
pub fn service_file(root: &Path) -> Result<ServiceFile, Faults> {
    let path = root.join(FILE_NAME);
    let bytes = std::fs::read(&path).map_err(|error| Fault::new(format!("{}: {error}", path.display())))?;
    let text = Text::from_utf8(FILE_NAME, bytes)?;
    if let Some(line) = marker(&text.content) {
        let place = fault::Place::new(FILE_NAME, line, 1);
        return Err(Fault::at(place, "a conflict is not resolved").help("choose, and take the markers out").into());
    }
    ServiceFile::parse(text)
}

impl Checkout {
    /// The repository that `from` lies in.
    pub fn find(from: &Path) -> Result<Self, Faults> {
        let Some(root) = root_around(from)? else {
            if has_file(from, &service_path()) {
                let fault = Fault::new(format!("{FILE_NAME}: not checked out"));
                return Err(fault.help(format!("git sparse-checkout add {FILE_NAME}; then run this again")).into());
            }
            let fault = Fault::new(format!("no {FILE_NAME} here, nor in a folder above"));
            return Err(fault
                .help("this command changes a repository that `new-service new` made: run it inside one")
                .into());
        };
        let git = git::Repository::around(&root)
            .map_err(|why| Fault::new(format!("git does not tell of this repository: {why}")))?;
        let place = JournalPlace::new(&root, git.clone());
        Ok(Self { root, git, place })
    }
}

impl Repo {
    /// `service` is what the checkout's `service.toml` says.
    pub fn open(checkout: Checkout, service: ServiceFile) -> Result<Self, Faults> {
        let Checkout { root, git, place } = checkout;
        let disk = Disk::new(root).in_git(git.clone());
        let path = lock_path();
        let lock = match disk.look(&path).map_err(|error| unreadable(&path, &error))? {
            Found::File(bytes, _) => record::read(&Text::from_utf8(path.as_str(), bytes)?.content)?,
            _ => {
                let fault = Fault::new(format!("{path}: there is no such file, and nothing can be merged without it"));
                return Err(fault.help("it belongs to the repository: git checkout HEAD -- .new-service").into());
            }
        };
        let meeting = git.as_ref().and_then(|git| {
            // What the lock does not know may have come by a merge that was settled with the record of one side.
            let looks_back = matches!(&lock, record::Read::Whole(lock) if lock.lacks_migrations(&disk));
            git.meeting(lock == record::Read::InConflict, looks_back)
        });
        Ok(Self { disk, git, meeting, service, lock, place })
    }

    pub fn root(&self) -> &Path {
        self.disk.root()
    }

    /// The lock, where it is in one piece.
    pub fn lock(&self) -> Result<&Lock, Faults> {
        match &self.lock {
            record::Read::Whole(lock) => Ok(lock),
            record::Read::InConflict => {
                let fault = Fault::new(format!("{}: it is in conflict, and git knows of no merge", lock_path()));
                let help = "take it as one branch has it: git checkout COMMIT -- .new-service; then merge again";
                Err(fault.help(help).into())
            }
        }
    }

    /// Whether a merge, a rebase or a cherry-pick goes on.
    pub fn is_meeting(&self) -> bool {
        self.meeting.as_ref().is_some_and(Meeting::goes_on)
    }

    /// That a change can be told from what is there: a conflict is never left behind, and what is not
    /// committed only when it is wished. `service.toml` is what a change comes from. Files that the change itself
    /// `settles` may be in conflict.
    pub fn is_ready(&self, allow_dirty: bool, settles: impl Fn(&str) -> bool) -> Result<(), Faults> {
        let Some(git) = &self.git else { return Ok(()) };
        let status = git.status().map_err(Fault::new)?;
        let unmerged: Vec<&String> = status.unmerged.iter().filter(|path| !settles(path)).collect();
        if let Some(first) = unmerged.first() {
            let fault = Fault::new(format!("{first}: a conflict is not resolved{}", more(unmerged.len())));
            let help = "resolve it, and `git add` the file; to take the last change back: new-service undo";
            return Err(fault.help(help).into());
        }
        // In the middle of a merge, everything is changed.
        if allow_dirty || self.is_meeting() {
            return Ok(());
        }
        let service = service_path();
        let changed: Vec<&String> = status.changed.iter().filter(|path| *path != service.as_str()).collect();
        if let Some(first) = changed.first() {
            let fault = Fault::new(format!("{first}: is changed, and not committed{}", more(changed.len())));
            return Err(fault
                .help("commit first, so that the change can be read by itself; or say --allow-dirty")
                .into());
        }
        Ok(())
    }
}

fn more(count: usize) -> String {
    if count > 1 { format!(", nor are {} more", count - 1) } else { String::new() }
}
