//! A path in a tree: relative, with `/`, and safe to write on every system.

use std::borrow::Borrow;
use std::fmt;

use crate::pack::DEVICE_NAMES;

/// The longest name that common file systems hold.
const MAX_PART: usize = 255;

/// Characters without width: `.g\u{200C}it` is `.git` to HFS+.
const INVISIBLE: [char; 6] = ['\u{AD}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{FE0F}'];

/// Checked when made: no root, no `..`, no `.git`, nothing that another system reads otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// The path, or why it may not be written.
    pub fn new(path: &str) -> Result<Self, String> {
        if path.is_empty() {
            return Err("it is empty".into());
        }
        if path.starts_with('/') || path.contains(':') {
            return Err("it is not relative to the repository".into());
        }
        if path.contains('\\') {
            return Err("it holds a backslash, which some systems take for a separator".into());
        }
        crate::pack::check_plain(path)?;
        if let Some(c) = path.chars().find(|c| INVISIBLE.contains(c)) {
            return Err(format!("it holds U+{:04X}, which nobody sees and macOS drops", u32::from(c)));
        }
        if let Some(c) = path.chars().find(|c| "<>\"|?*".contains(*c)) {
            return Err(format!("it holds `{c}`, which Windows refuses"));
        }
        for part in path.split('/') {
            if part.len() > MAX_PART {
                return Err(format!("a part of it is longer than {MAX_PART} bytes"));
            }
            let lower = part.to_lowercase();
            let stem = lower.split('.').next().unwrap_or_default();
            if part.is_empty() || part == "." || part == ".." {
                return Err(format!("\"{part}\" may not stand between its slashes: it could leave the repository"));
            }
            // `.git ` and `.git.` open `.git` on Windows, `git~1` is its short name there.
            if lower.trim_end_matches([' ', '.']) == ".git" || lower == "git~1" {
                return Err("it reaches into git's own folder".into());
            }
            if part.ends_with([' ', '.']) {
                return Err(format!("\"{part}\" ends in a space or a dot, which Windows drops"));
            }
            if DEVICE_NAMES.contains(&stem) {
                return Err(format!("\"{part}\" is a device name on Windows"));
            }
        }
        Ok(Self(path.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `self` lies below the folder `other`.
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The folders above it, nearest last: `a/b/c` has `a`, `a/b`.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }
}

/// So that a map by paths is asked with a text.
impl Borrow<str> for TreePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_repository_is_refused() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "./a",
            "a/.",
            "C:/x",
            "a\\b",
            ".git/hooks/post-commit",
            "a/.GIT/x",
            ".git./x",
            "git~1/config",
            "aux.txt",
            "a/NUL",
            "a ",
            "b.",
            "a\nb",
            "a\u{202E}b",
            "a|b",
            ".g\u{200C}it/config",
            &"a".repeat(256),
        ] {
            assert!(TreePath::new(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn an_honest_path_is_taken() {
        for path in ["README.md", ".gitignore", ".github/workflows/ci.yml", "src/auxiliary.rs", "docs/año.md", "a b/c"]
        {
            assert_eq!(TreePath::new(path).unwrap().as_str(), path);
        }
        let path = TreePath::new("a/b/c").unwrap();
        assert_eq!(path.parents().collect::<Vec<_>>(), ["a", "a/b"]);
    }
}
