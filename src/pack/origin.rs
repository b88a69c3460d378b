//! Where a pack and its overlays are from, and how `service.toml` names that.

use std::path::{Component, Path, PathBuf};

use super::source::{Files, Source, digest};
use crate::fault::Faults;

/// A source that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub source: Source,
    /// As `service.toml` names it, where it does, and the commit that it has beside that.
    pub written: Option<String>,
    pub commit: Option<String>,
}

impl From<Source> for Wanted {
    fn from(source: Source) -> Self {
        Self { source, written: None, commit: None }
    }
}

/// All that a pack is to be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    pub template: Wanted,
    /// Each lies over those before it.
    pub overlays: Vec<Wanted>,
}

impl From<Source> for Sources {
    fn from(source: Source) -> Self {
        Self { template: source.into(), overlays: Vec::new() }
    }
}

/// Where the files of a pack or an overlay are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// None for files in memory.
    source: Option<Source>,
    /// As `service.toml` is to name it; none for what this binary carries.
    pub written: Option<String>,
    /// Of what is from git.
    pub commit: Option<String>,
    /// `sha256:…` over them.
    pub digest: String,
    /// What a person should know of it.
    pub note: Option<String>,
}

impl Origin {
    pub(super) fn settle(&mut self, root: &Path) {
        if self.written.is_none() {
            self.written = match &self.source {
                Some(Source::Folder(folder)) => Some(seen_from(root, folder)),
                Some(Source::Git(remote)) => Some(remote.written()),
                Some(Source::BuiltIn(_)) | None => None,
            };
        }
    }

    /// Whether how `service.toml` names it is still to be settled.
    pub(super) fn is_open(&self) -> bool {
        self.written.is_none() && matches!(self.source, Some(Source::Folder(_) | Source::Git(_)))
    }

    /// Whether this binary carries it.
    pub fn is_built_in(&self) -> bool {
        matches!(self.source, Some(Source::BuiltIn(_)))
    }
}

/// The files of a pack or an overlay.
#[derive(Debug, Clone)]
pub struct Part {
    pub files: Files,
    /// How faults name them: `LABEL/layers/…`.
    pub label: String,
    pub origin: Origin,
}

impl Part {
    pub(super) fn open(wanted: &Wanted) -> Result<Self, Faults> {
        let Wanted { mut source, written, commit } = wanted.clone();
        let (files, note) = match &mut source {
            Source::Git(remote) => remote.open(commit.as_deref())?,
            other => (other.read()?, None),
        };
        let commit = if let Source::Git(remote) = &source { remote.commit.clone() } else { commit };
        let (label, digest) = (source.label(), digest(&files));
        Ok(Self { files, label, origin: Origin { source: Some(source), written, commit, digest, note } })
    }

    pub fn in_memory(files: Files, label: &str) -> Self {
        let origin = Origin { source: None, written: None, commit: None, digest: digest(&files), note: None };
        Self { files, label: label.to_owned(), origin }
    }
}

/// How a file in `root` names `folder`: from itself, so that both can be moved together, and beginning with a
/// dot, as no other source does. One that was given from the file system's root is named so.
fn seen_from(root: &Path, folder: &Path) -> String {
    let whole = |path: &Path| path.display().to_string().replace('\\', "/");
    if folder.is_absolute() {
        return whole(folder);
    }
    let (Some(root), Some(folder)) = (resolved(root), resolved(folder)) else { return whole(folder) };
    let shared = root.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    let up = root.components().count() - shared;
    let down: PathBuf = folder.components().skip(shared).collect();
    let start = if up == 0 { "./".to_owned() } else { "../".repeat(up) };
    let path = format!("{start}{}", whole(&down));
    path.trim_end_matches('/').to_owned()
}

/// The path without links and `..`, though its end may not be there yet.
fn resolved(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let there = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let (above, mut found) = there?;
    for part in path.strip_prefix(above).ok()?.components() {
        match part {
            Component::ParentDir => drop(found.pop()),
            other => found.push(other),
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_from_the_file_that_names_it() {
        for (root, folder, name) in [
            ("shop", "overlay", "../overlay"),
            ("shop", "shop/overlay", "./overlay"),
            ("a/shop", "a/../overlay", "../../overlay"),
            (".", "overlay", "./overlay"),
            ("shop", ".", ".."),
            ("shop", "/srv/overlay", "/srv/overlay"),
        ] {
            assert_eq!(seen_from(Path::new(root), Path::new(folder)), name, "{folder} from {root}");
        }
    }
}
