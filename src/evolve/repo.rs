//! A repository that new-service made: where it is, what it keeps, and whether it may be changed now.

use std::path::{Path, PathBuf};

use super::journal::Place;
use super::plan::service_path;
use super::record::{self, Lock};
use super::work::{Disk, Found, WorkTree as _, unreadable};
use crate::blueprint;
use crate::fault::{Fault, Faults};
use crate::git;
use crate::pack::Text;
use crate::render::RECORD;

#[derive(Debug)]
pub struct Repo {
    pub disk: Disk,
    pub git: Option<git::Repository>,
    /// `service.toml` as it stands.
    pub service: Text,
    pub lock: record::Read,
    pub place: Place,
}

impl Repo {
    /// The top of the repository that `from` lies in: the nearest folder with a blueprint.
    pub fn find(from: &Path) -> Result<PathBuf, Faults> {
        let from = from.canonicalize().map_err(|error| Fault::new(format!("{}: {error}", from.display())))?;
        let found = from.ancestors().find(|folder| folder.join(blueprint::FILE_NAME).is_file());
        let Some(root) = found else {
            let fault = Fault::new(format!("no {} here, nor in a folder above", blueprint::FILE_NAME));
            return Err(fault
                .help("this command changes a repository that `new-service new` made: run it inside one")
                .into());
        };
        Ok(root.to_owned())
    }

    /// `service.toml` of a repository, which may be in conflict.
    pub fn blueprint_of(root: &Path) -> Result<Text, Faults> {
        let path = root.join(blueprint::FILE_NAME);
        let bytes = std::fs::read(&path).map_err(|error| Fault::new(format!("{}: {error}", path.display())))?;
        let text = Text::from_utf8(blueprint::FILE_NAME, bytes)?;
        if let Some(line) = marker(&text.content) {
            let place = crate::fault::Place::new(blueprint::FILE_NAME, line, 1);
            return Err(Fault::at(place, "a conflict is not resolved").help("choose, and take the markers out").into());
        }
        Ok(text)
    }

    pub fn open(root: &Path) -> Result<Self, Faults> {
        let service = Self::blueprint_of(root)?;
        let disk = Disk::new(root);
        let path = record::lock_path();
        let lock = match disk.look(&path).map_err(|error| unreadable(&path, &error))? {
            Found::File(bytes, _) => record::read(&Text::from_utf8(path.as_str(), bytes)?.content)?,
            _ => {
                let fault = Fault::new(format!("{path}: there is no such file, and nothing can be merged without it"));
                return Err(fault.help("it belongs to the repository: git checkout HEAD -- .new-service").into());
            }
        };
        let git = git::Repository::around(root)
            .map_err(|why| Fault::new(format!("git does not tell of this repository: {why}")))?;
        let lock = match (lock, &git) {
            (record::Read::Two { ours, theirs, .. }, Some(git)) => {
                // While the merge goes on, git has each side whole.
                let stage =
                    |number| git.stage(number, path.as_str()).and_then(|text| Lock::parse(&text).ok()).map(Box::new);
                record::Read::Two { base: stage(1), ours: stage(2).unwrap_or(ours), theirs: stage(3).unwrap_or(theirs) }
            }
            (lock, _) => lock,
        };
        let place = Place::new(root, git.clone());
        Ok(Self { disk: disk.in_git(git.clone()), git, service, lock, place })
    }

    pub fn root(&self) -> &Path {
        self.disk.root()
    }

    /// The lock, where it is in one piece.
    pub fn lock(&self) -> Result<&Lock, Faults> {
        match &self.lock {
            record::Read::Whole(lock) => Ok(lock),
            record::Read::Two { .. } => {
                let fault =
                    Fault::new(format!("{}: two branches were merged, and it is in conflict", record::lock_path()));
                Err(fault.help("new-service apply writes it anew from service.toml; then commit the merge").into())
            }
        }
    }

    /// That a change can be told from what is there: a conflict is never left behind, and what is not
    /// committed only when it is wished. `service.toml` is what a change comes from.
    pub fn is_ready(&self, allow_dirty: bool) -> Result<(), Faults> {
        let Some(git) = &self.git else { return Ok(()) };
        let status = git.status().map_err(Fault::new)?;
        let own = |path: &str| path.starts_with(RECORD) && matches!(self.lock, record::Read::Two { .. });
        let unmerged: Vec<&String> = status.unmerged.iter().filter(|path| !own(path)).collect();
        if let Some(first) = unmerged.first() {
            let fault = Fault::new(format!("{first}: a conflict is not resolved{}", more(unmerged.len())));
            let help = "resolve it, and `git add` the file; to take the last change back: new-service apply --abort";
            return Err(fault.help(help).into());
        }
        // In the middle of a merge, everything is changed.
        if allow_dirty || matches!(self.lock, record::Read::Two { .. }) {
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

/// The line of a text where a conflict begins.
pub fn marker(text: &str) -> Option<usize> {
    let begins = text.lines().position(|line| line.starts_with("<<<<<<< "))?;
    let ends = text.lines().skip(begins).any(|line| line.starts_with(">>>>>>> "));
    ends.then_some(begins + 1)
}
