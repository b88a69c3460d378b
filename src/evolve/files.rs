//! Single files on disk: read as the journal notes them, and written in one move.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::paths::hash;
use super::steps::step;
use crate::fault::{Fault, Faults};

/// A file at a moment: the name of its content, and its permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub hash: String,
    pub mode: u32,
}

/// A folder of contents, each under its hash.
pub struct Bytes(pub PathBuf);

impl Bytes {
    pub fn keep(&self, content: &[u8]) -> io::Result<String> {
        let name = hash(content);
        let path = self.0.join(&name);
        if !path.exists() {
            step();
            fs::write(path, content)?;
        }
        Ok(name)
    }

    pub fn read(&self, hash: &str) -> Result<Vec<u8>, Faults> {
        let path = self.0.join(hash);
        fs::read(&path).map_err(|error| Fault::new(format!("{}: {error}", path.display())).into())
    }
}

/// What stands at a path; a link or a folder is an error.
pub fn state_of(path: &Path) -> io::Result<Option<State>> {
    match fs::symlink_metadata(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
        Ok(meta) if meta.is_file() => Ok(Some(State { hash: hash(&fs::read(path)?), mode: mode_of(&meta) })),
        Ok(_) => Err(io::Error::other("it is no plain file")),
    }
}

#[cfg(unix)]
fn mode_of(meta: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode_of(_: &fs::Metadata) -> u32 {
    0o666
}

/// The file beside `path` that is filled before it takes its place. A kill may leave it behind, and the next
/// command takes it away.
pub fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new-service"))
}

/// Makes `path` what `state` says, in one move.
pub fn set(path: &Path, state: Option<&State>, root: &Path, bytes: &Bytes) -> io::Result<()> {
    let Some(state) = state else { return remove(path, root) };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let partial = partial(path);
    let known = fs::symlink_metadata(path).is_ok();
    let _ = fs::remove_file(&partial);
    write_new(&partial, &fs::read(bytes.0.join(&state.hash))?, state.mode, known)?;
    step();
    fs::rename(&partial, path).inspect_err(|_| drop(fs::remove_file(&partial)))
}

/// Takes a file away, and the folders above it that hold nothing then, up to `root`.
pub fn remove(path: &Path, root: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    let mut above = path.parent();
    while let Some(folder) = above.filter(|folder| *folder != root && folder.starts_with(root)) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
        above = folder.parent();
    }
    Ok(())
}

/// A new file; the umask takes away what the user does not grant, unless it stands for one that was there.
fn write_new(path: &Path, content: &[u8], mode: u32, exact: bool) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    options.open(path)?.write_all(content)?;
    #[cfg(unix)]
    if exact {
        may_refuse(fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)))?;
    }
    Ok(())
}

/// What came of setting the mode of a file that we have just made: a file system that keeps no modes refuses.
#[cfg(unix)]
pub fn may_refuse(set: io::Result<()>) -> io::Result<()> {
    set.or_else(|error| if error.kind() == io::ErrorKind::PermissionDenied { Ok(()) } else { Err(error) })
}

pub fn put_aside(path: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(path, to).map(drop)
}

/// Takes a whole folder away; under another name first, so that it is never half there.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    let aside = parent.join(format!(".begun-old-{}", std::process::id()));
    match fs::rename(folder, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => fs::remove_dir_all(aside),
    }
}
