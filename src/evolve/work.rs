//! The working tree as a plan sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::paths;
use crate::fault::{Fault, Faults};
use crate::git;
use crate::render::{Mode, TreePath};

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Nothing,
    File(Vec<u8>, Mode),
    /// A link, a folder, a device: nothing of ours, and nothing that is written over or through.
    Other(&'static str),
}

/// Where plans read from: a folder, or a map in tests.
pub trait WorkTree {
    /// Errors are those of reading; that nothing is there is none. A file that git does not check out is what its
    /// index has.
    fn look(&self, path: &TreePath) -> io::Result<Found>;

    /// `found` as git counts it: where modes or links on disk say nothing, its index does. A file that git does not
    /// know has the mode `assumed` then.
    fn judged(&self, path: &TreePath, found: Found, assumed: Option<Mode>) -> io::Result<Found> {
        let _ = (path, assumed);
        Ok(found)
    }

    /// Why nothing can be written at `path`, whatever stands there.
    fn barred(&self, path: &TreePath) -> Option<String> {
        let _ = path;
        None
    }

    /// Every file that is part of the repository, with its size; what git ignores is not, nor what is not checked out.
    fn files(&self) -> io::Result<BTreeMap<TreePath, u64>>;

    /// What stands directly in a folder, also what git ignores; nothing where there is no such folder.
    fn folder(&self, folder: &TreePath) -> io::Result<Vec<TreePath>>;

    /// The files that git does not check out.
    fn not_checked_out(&self) -> io::Result<BTreeSet<TreePath>> {
        Ok(BTreeSet::new())
    }

    /// The names of all objects of `.new-service/base/`.
    fn objects(&self) -> io::Result<BTreeSet<String>>;

    /// The pristine bytes with the hash. None where they are not there, or are no longer what they were.
    fn object(&self, hash: &str) -> Option<Vec<u8>> {
        let Ok(Found::File(content, _)) = self.look(&paths::object_path(hash)) else { return None };
        let whole = |content: Vec<u8>| (paths::hash(&content) == hash).then_some(content);
        // Where somebody's git turned its line ends round, they are turned back.
        let turned = || String::from_utf8(content.clone()).ok().map(|text| text.replace("\r\n", "\n").into_bytes());
        whole(content.clone()).or_else(|| whole(turned()?))
    }
}

/// A folder.
#[derive(Debug, Clone)]
pub struct Disk {
    root: PathBuf,
    /// Who knows which files are ignored, and which are not checked out.
    git: Option<git::Repository>,
    /// Its index, asked for once, and only where it may matter.
    index: OnceLock<BTreeMap<String, git::IndexedFile>>,
    keeps_modes: OnceLock<bool>,
}

impl Disk {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), git: None, index: OnceLock::new(), keeps_modes: OnceLock::new() }
    }

    /// The same with the repository of git's that the folder is part of.
    #[must_use]
    pub fn in_git(self, git: Option<git::Repository>) -> Self {
        Self { git, ..self }
    }

    /// Paths below the root, where no git says which of them count: all but folders that are marked as caches, as
    /// cargo's `target` is.
    fn walk(&self) -> Vec<String> {
        let is_cache = |folder: &Path| folder.join("CACHEDIR.TAG").exists();
        let walk = walkdir::WalkDir::new(&self.root).into_iter();
        let counts = |entry: &walkdir::DirEntry| entry.file_name() != ".git" && !is_cache(entry.path());
        let entries = walk.filter_entry(counts).filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
        let path = |entry: walkdir::DirEntry| Some(entry.path().strip_prefix(&self.root).ok()?.to_str()?.to_owned());
        entries.filter_map(path).map(|path| path.replace(std::path::MAIN_SEPARATOR, "/")).collect()
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn git(&self) -> Option<&git::Repository> {
        self.git.as_ref()
    }

    /// What git's index has of a path.
    pub fn indexed(&self, path: &TreePath) -> io::Result<Option<&git::IndexedFile>> {
        Ok(self.index()?.get(path.as_str()))
    }

    fn index(&self) -> io::Result<&BTreeMap<String, git::IndexedFile>> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let read = self.git.as_ref().map(git::Repository::index_files).transpose().map_err(io::Error::other)?;
        Ok(self.index.get_or_init(|| read.unwrap_or_default()))
    }

    /// Whether modes on disk count. Without git, the lock tells: nobody makes it a file that can be run.
    pub fn keeps_modes(&self) -> bool {
        *self.keeps_modes.get_or_init(|| match &self.git {
            Some(git) => git.keeps_modes(),
            None => is_plain(&self.path(&paths::lock_path())),
        })
    }

    /// What the index has of a path where nothing stands, if git is not to check it out.
    fn unchecked(&self, path: &TreePath) -> io::Result<Found> {
        match (&self.git, self.indexed(path)?) {
            (Some(git), Some(file)) if file.is_unwatched() => {
                if file.is_link() {
                    return Ok(Found::Other("it is a link"));
                }
                Ok(Found::File(git.content(file).map_err(io::Error::other)?, mode_in(file)))
            }
            _ => Ok(Found::Nothing),
        }
    }

    pub fn path(&self, path: &TreePath) -> PathBuf {
        self.root.join(path.as_str())
    }
}

impl WorkTree for Disk {
    /// A folder above it leads elsewhere, or is none.
    fn barred(&self, path: &TreePath) -> Option<String> {
        path.parents().find_map(|parent| match fs::symlink_metadata(self.root.join(parent)) {
            Ok(meta) if meta.is_symlink() => Some(format!("\"{parent}\" is a link, and could lead out of the folder")),
            Ok(meta) if !meta.is_dir() => Some(format!("\"{parent}\" is a file, and a folder is wanted")),
            _ => None,
        })
    }

    fn look(&self, path: &TreePath) -> io::Result<Found> {
        // Below a link stands nothing of this repository's.
        if self.barred(path).is_some() {
            return Ok(Found::Other("it lies below a link or a file"));
        }
        let place = self.path(path);
        match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.unchecked(path),
            Err(error) => Err(error),
            Ok(meta) if meta.is_file() => Ok(Found::File(fs::read(&place)?, mode_of(&meta))),
            Ok(meta) if meta.is_symlink() => Ok(Found::Other("it is a link")),
            Ok(meta) if meta.is_dir() => Ok(Found::Other("it is a folder")),
            Ok(_) => Ok(Found::Other("it is a device")),
        }
    }

    fn judged(&self, path: &TreePath, found: Found, assumed: Option<Mode>) -> io::Result<Found> {
        let Found::File(content, mode) = found else { return Ok(found) };
        let file = self.indexed(path)?;
        if let (Some(file), Some(git)) = (file, &self.git)
            && file.is_link()
            && !git.keeps_links()
        {
            return Ok(Found::Other("it is a link"));
        }
        let told = file.map(mode_in).or(assumed).unwrap_or(mode);
        // Where both say the same, nobody has to be asked.
        let mode = if told == mode || self.keeps_modes() { mode } else { told };
        Ok(Found::File(content, mode))
    }

    fn not_checked_out(&self) -> io::Result<BTreeSet<TreePath>> {
        let unwatched = self.index()?.iter().filter(|(_, file)| file.is_unwatched());
        let paths = unwatched.filter_map(|(path, _)| TreePath::new(path).ok());
        Ok(paths.filter(|path| fs::symlink_metadata(self.path(path)).is_err()).collect())
    }

    fn files(&self) -> io::Result<BTreeMap<TreePath, u64>> {
        let paths = match &self.git {
            Some(git) => git.files().map_err(io::Error::other)?,
            None => self.walk(),
        };
        let plain = |path: &TreePath| fs::symlink_metadata(self.path(path)).ok().filter(fs::Metadata::is_file);
        let paths = paths.iter().filter_map(|path| TreePath::new(path).ok());
        Ok(paths.filter_map(|path| plain(&path).map(|meta| (path, meta.len()))).collect())
    }

    fn folder(&self, folder: &TreePath) -> io::Result<Vec<TreePath>> {
        let entries = match fs::read_dir(self.path(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            paths.extend(name.to_str().and_then(|name| TreePath::new(&format!("{folder}/{name}")).ok()));
        }
        paths.sort();
        Ok(paths)
    }

    fn objects(&self) -> io::Result<BTreeSet<String>> {
        let folder = self.root.join(paths::OBJECTS);
        match fs::read_dir(folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = paths::objects_folder();
                let below = self.not_checked_out()?.into_iter().filter(|path| path.is_below(&folder));
                Ok(below.filter_map(|path| Some(path.as_str().rsplit_once('/')?.1.to_owned())).collect())
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a file that is never to be run cannot be: a file system that keeps no modes may say that all files can.
pub(super) fn is_plain(path: &Path) -> bool {
    cfg!(unix) && fs::metadata(path).is_ok_and(|meta| mode_of(&meta) == Mode::Plain)
}

fn mode_in(file: &git::IndexedFile) -> Mode {
    if file.is_executable() { Mode::Executable } else { Mode::Plain }
}

#[cfg(unix)]
pub(super) fn mode_of(meta: &fs::Metadata) -> Mode {
    use std::os::unix::fs::PermissionsExt as _;
    if meta.permissions().mode() & 0o100 == 0 { Mode::Plain } else { Mode::Executable }
}

#[cfg(not(unix))]
pub(super) fn mode_of(_: &fs::Metadata) -> Mode {
    Mode::Plain
}

/// Files in memory, for tests of what plans promise.
impl WorkTree for BTreeMap<TreePath, (Vec<u8>, Mode)> {
    fn look(&self, path: &TreePath) -> io::Result<Found> {
        Ok(self.get(path).map_or(Found::Nothing, |(content, mode)| Found::File(content.clone(), *mode)))
    }

    fn files(&self) -> io::Result<BTreeMap<TreePath, u64>> {
        Ok(self.iter().map(|(path, (content, _))| (path.clone(), content.len() as u64)).collect())
    }

    fn folder(&self, folder: &TreePath) -> io::Result<Vec<TreePath>> {
        let is_in =
            |path: &&TreePath| path.as_str().rsplit_once('/').is_some_and(|(above, _)| above == folder.as_str());
        Ok(self.keys().filter(is_in).cloned().collect())
    }

    fn objects(&self) -> io::Result<BTreeSet<String>> {
        let folder = paths::objects_folder();
        let below = self.keys().filter(|path| path.is_below(&folder));
        Ok(below.filter_map(|path| Some(path.as_str().rsplit_once('/')?.1.to_owned())).collect())
    }
}

/// A fault of reading.
pub fn unreadable(path: &TreePath, error: &io::Error) -> Faults {
    Fault::new(format!("{path}: {error}")).into()
}
