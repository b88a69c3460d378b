//! git's ignore rules, wherever they are written: in `.gitignore`, in `info/exclude`, in a file of the person's own.

use std::path::Path;

use super::{command, pipe};

/// A path that git leaves out, and the rule that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredPath {
    pub path: String,
    /// The file of the rule; one in the working tree as it is seen from the top.
    pub source: String,
    pub line: String,
    pub pattern: String,
}

impl IgnoredPath {
    /// `.gitignore:3: *.lock`.
    pub fn rule(&self) -> String {
        let Self { source, line, pattern, .. } = self;
        format!("{source}:{line}: {pattern}")
    }
}

/// Those of `paths`, below `folder`, that git ignores: not those that it tracks. None where there is no repository.
pub fn ignored<'a>(folder: &Path, paths: impl IntoIterator<Item = &'a str>) -> Option<Vec<IgnoredPath>> {
    let asked: String = paths.into_iter().flat_map(|path| [path, "\0"]).collect();
    let output = pipe(command(folder).args(["check-ignore", "--stdin", "-z", "-v"]), asked.as_bytes()).ok()?;
    // 1 says that it ignores none of them.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return None;
    }
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = told.split('\0').map(str::to_owned);
    let mut found = Vec::new();
    while let (Some(source), Some(line), Some(pattern), Some(path)) =
        (words.next(), words.next(), words.next(), words.next())
    {
        // A rule that begins so takes a path in again.
        if !pattern.starts_with('!') {
            found.push(IgnoredPath { path, source, line, pattern });
        }
    }
    Some(found)
}
