//! What git's index and settings say of files: whether git looks at them in the working tree, and their modes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use super::{Failure, Repository, answer, command, run};

/// A file of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFile {
    /// As the index writes it: `100644`, `100755`, `120000` for a link.
    mode: String,
    object: String,
    /// Not checked out, as what is outside of a sparse checkout.
    pub skip_worktree: bool,
    /// Git was told that nobody changes it.
    pub assume_unchanged: bool,
}

impl IndexedFile {
    pub fn is_link(&self) -> bool {
        self.mode == "120000"
    }

    pub fn is_executable(&self) -> bool {
        self.mode == "100755"
    }

    /// Whether git does not look at what stands there: that nothing does is no deletion.
    pub fn is_unwatched(&self) -> bool {
        self.skip_worktree || self.assume_unchanged
    }

    /// `S 100644 OBJECT 0<tab>PATH`; a small letter says `assume-unchanged`. None for a stage of a conflict.
    fn read(line: &str) -> Option<(String, Self)> {
        let (facts, path) = line.split_once('\t')?;
        let [tag, mode, object, "0"] = facts.split(' ').collect::<Vec<_>>()[..] else { return None };
        let file = Self {
            mode: mode.to_owned(),
            object: object.to_owned(),
            skip_worktree: tag.eq_ignore_ascii_case("S"),
            assume_unchanged: tag.starts_with(|tag: char| tag.is_ascii_lowercase()),
        };
        Some((path.to_owned(), file))
    }
}

impl Repository {
    /// Every file of the folder that the index has, by its path from there. A folder that a sparse index holds in one
    /// entry is listed file by file.
    pub fn index_files(&self) -> Result<BTreeMap<String, IndexedFile>, String> {
        let arguments = ["ls-files", "-z", "-v", "--stage", "--", "."];
        let listed = run(&self.folder, &arguments).map_err(|failure| failure.to_string())?;
        Ok(listed.split('\0').filter_map(IndexedFile::read).collect())
    }

    /// What the index has of a file.
    pub fn content(&self, file: &IndexedFile) -> Result<Vec<u8>, String> {
        let output = command(&self.folder).args(["cat-file", "blob", &file.object]).output();
        let output = output.map_err(|_| Failure::Missing.to_string())?;
        answer(&output).map_err(|failure| failure.to_string())?;
        Ok(output.stdout)
    }

    /// Whether modes in the working tree count; where they do not, those of the index do.
    pub fn keeps_modes(&self) -> bool {
        is_set(&self.folder, "core.fileMode")
    }

    /// Whether links are links in the working tree, and not files that hold a path.
    pub fn keeps_links(&self) -> bool {
        is_set(&self.folder, "core.symlinks")
    }

    /// Gives files their modes in the index, and takes in those that it does not have.
    pub fn set_executable(&self, paths: &[&str], executable: bool) -> Result<(), String> {
        let paths: String = paths.iter().flat_map(|path| [&self.prefix, *path, "\0"]).collect();
        self.feed(&chmod(executable), paths.as_bytes()).map(drop)
    }

    /// Those of `paths` that are outside of the sparse checkout, where git takes nothing in.
    pub fn outside<'a>(&self, paths: &[&'a str]) -> Vec<&'a str> {
        // A checkout that never was sparse has no such file, and needs no process.
        if !self.git_dir.join("info/sparse-checkout").is_file() {
            return Vec::new();
        }
        let asked: String = paths.iter().flat_map(|path| [&self.prefix, *path, "\0"]).collect();
        // It fails where the checkout is whole again, and in a git that is older than the question.
        let Ok(inside) = self.feed(&["sparse-checkout", "check-rules", "-z"], asked.as_bytes()) else {
            return Vec::new();
        };
        let inside: Vec<&str> =
            inside.split('\0').map(|path| path.strip_prefix(&self.prefix).unwrap_or(path)).collect();
        paths.iter().filter(|path| !inside.contains(path)).copied().collect()
    }
}

/// The words that give files of standard input their modes in the index.
pub(super) fn chmod(executable: bool) -> [&'static str; 5] {
    let mode = if executable { "--chmod=+x" } else { "--chmod=-x" };
    ["update-index", "-z", "--add", mode, "--stdin"]
}

/// A setting that holds unless somebody has set it to false.
fn is_set(folder: &Path, name: &str) -> bool {
    let asked = command(folder).args(["config", "--type=bool", name]).stderr(Stdio::null()).output();
    !asked.is_ok_and(|output| output.stdout.starts_with(b"false"))
}
