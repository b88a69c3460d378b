//! `[files."PATTERN"]` of `layer.toml`: how files of a layer are written, and where they were before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tera::Delimiters;
use toml::Spanned;

use super::condition::Condition;
use super::text::Text;
use crate::fault::{Fault, Faults, Place};

/// What holds for the files that a pattern matches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRuleForm {
    /// How a change of the template reaches the file. `merge` where not said.
    policy: Option<Policy>,
    /// Its mode, `"755"` for what can be run; `"644"` where not said.
    mode: Option<Spanned<String>>,
    /// An expression over the answers: the file is written where it holds.
    when: Option<Spanned<String>>,
    /// Where earlier versions of the pack had the file, or the folder where the pattern is `FOLDER/**`; several
    /// paths begin with the newest. They may hold values. An empty list: nowhere, whatever a pattern of its folder
    /// says.
    moved_from: Option<Spanned<MovedFrom>>,
    /// Pointers to the objects of a JSON file whose members stand in the order of their names, as in
    /// `/components/schemas`.
    #[serde(default)]
    sort: Vec<String>,
}

/// Where a file was.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a path, or a list of paths that begins with the newest")]
enum MovedFrom {
    /// One place.
    Path(String),
    /// Several, one after the other.
    Paths(Vec<String>),
}

/// How a file is treated when the repository is brought to a newer tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Merged, three ways.
    #[default]
    Merge,
    /// Written at creation, the team's from then on.
    Once,
    /// Written once, never touched again; a change is a new file.
    Append,
    /// A lock file.
    Lock,
}

impl Policy {
    pub const ALL: [Self; 4] = [Self::Merge, Self::Once, Self::Append, Self::Lock];

    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == word)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Once => "once",
            Self::Append => "append",
            Self::Lock => "lock",
        }
    }
}

/// What holds for the output paths that match.
#[derive(Debug, Clone)]
pub struct FileRule {
    /// As it is written. One that holds values is a glob once they are in it.
    pub pattern: String,
    /// None where the pattern holds values.
    glob: Option<glob::Pattern>,
    pub policy: Option<Policy>,
    pub mode: Option<u32>,
    pub when: Option<Condition>,
    /// Where the file was, newest first, or the folder where the pattern ends in `/**`; with values. None where
    /// the rule does not say.
    pub moved_from: Option<Vec<String>>,
    /// The place of `moved_from`.
    pub moved_from_place: Place,
    /// Pointers to the objects of a JSON file whose members stand in the order of their names.
    pub sort: Vec<String>,
    pub place: Place,
}

/// What a pattern says of a path that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched<'a> {
    /// It names the path.
    Exact,
    /// It is `FOLDER/**`; this is the way from the folder.
    Below(&'a str),
    /// It has other wildcards.
    Glob,
}

const EVERYTHING: &str = "**";
const WILDCARDS: [char; 3] = ['*', '?', '['];

impl FileRule {
    /// How the rule matches `path`; `pattern` is its pattern with the values in it.
    pub fn matches<'a>(&self, pattern: &str, path: &'a str) -> Option<Matched<'a>> {
        if pattern == path {
            return Some(Matched::Exact);
        }
        if let Some(folder) = folder_of(pattern) {
            let rest = if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') };
            return rest.map(Matched::Below);
        }
        let is_match = match &self.glob {
            Some(glob) => glob.matches(path),
            None => glob::Pattern::new(pattern).is_ok_and(|glob| glob.matches(path)),
        };
        is_match.then_some(Matched::Glob)
    }

    /// Whether a file that stands at `target` in its layer, values not filled in, may fall under the rule.
    pub fn may_match(&self, target: &str) -> bool {
        self.matches(&self.pattern, target).is_some()
    }
}

/// The folder that a pattern stands for with all that is in it; empty for the repository.
fn folder_of(pattern: &str) -> Option<&str> {
    let folder = match pattern.strip_suffix(EVERYTHING)? {
        "" => "",
        above => above.strip_suffix('/')?,
    };
    (!folder.contains(WILDCARDS)).then_some(folder)
}

/// The rules of one layer; `keys` is what their conditions may read.
pub(super) fn file_rules(
    forms: BTreeMap<Spanned<String>, FileRuleForm>,
    keys: &[&str],
    text: &Text,
    delimiters: &Delimiters,
    faults: &mut Faults,
) -> Vec<FileRule> {
    let mut rules = Vec::new();
    for (pattern, form) in forms {
        let place = text.place(pattern.span().start);
        let pattern = pattern.into_inner();
        let glob = if pattern.contains(&*delimiters.variable_start) {
            None
        } else {
            match glob::Pattern::new(&pattern) {
                Ok(glob) => Some(glob),
                Err(error) => {
                    faults.push(Fault::at(place, format!("\"{pattern}\" is no file pattern: {error}")));
                    continue;
                }
            }
        };
        let mode = form.mode.and_then(|mode| match mode.get_ref().as_str() {
            "644" => Some(0o644),
            "755" => Some(0o755),
            other => {
                let place = text.place(mode.span().start);
                faults.push(Fault::at(place, format!("the mode \"{other}\" is neither \"644\" nor \"755\"")));
                None
            }
        });
        let when = form.when.and_then(|when| {
            let place = text.place(when.span().start);
            Condition::parse(when.get_ref(), place, keys).map_err(|fault| faults.push(fault)).ok()
        });
        let moved_from_place = form.moved_from.as_ref().map_or(place.clone(), |from| text.place(from.span().start));
        let moved_from = form.moved_from.map(|from| match from.into_inner() {
            MovedFrom::Path(path) => vec![path],
            MovedFrom::Paths(paths) => paths,
        });
        if glob.is_some() && folder_of(&pattern).is_none() && pattern.contains(WILDCARDS) && moved_from.is_some() {
            faults.push(no_source_of_a_glob(moved_from_place, &pattern));
            continue;
        }
        let FileRuleForm { policy, sort, .. } = FileRuleForm { moved_from: None, mode: None, when: None, ..form };
        rules.push(FileRule { pattern, glob, policy, mode, when, moved_from, moved_from_place, sort, place });
    }
    rules
}

/// `moved_from` of a pattern that is neither a path nor a folder.
pub fn no_source_of_a_glob(place: Place, pattern: &str) -> Fault {
    let message = format!("`moved_from` needs a path or FOLDER/** as its pattern, not \"{pattern}\"");
    Fault::at(place, message).help("write one rule for each file, or one for their folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str) -> FileRule {
        FileRule {
            pattern: pattern.into(),
            glob: glob::Pattern::new(pattern).ok(),
            policy: None,
            mode: None,
            when: None,
            moved_from: None,
            moved_from_place: Place::new("layer.toml", 1, 1),
            sort: Vec::new(),
            place: Place::new("layer.toml", 1, 1),
        }
    }

    #[test]
    fn a_pattern_is_a_path_a_folder_or_a_glob() {
        for (pattern, path, expected) in [
            ("a/b.rs", "a/b.rs", Some(Matched::Exact)),
            ("a/b.rs", "a/b.rs.x", None),
            ("a/**", "a/b/c.rs", Some(Matched::Below("b/c.rs"))),
            ("a/**", "ab/c.rs", None),
            ("a/**", "a", None),
            ("**", "a/b", Some(Matched::Below("a/b"))),
            ("*/**", "a/b", Some(Matched::Glob)),
            ("a/*.rs", "a/b.rs", Some(Matched::Glob)),
            // A name that looks like a class of characters is still a name.
            ("a[1].rs", "a[1].rs", Some(Matched::Exact)),
        ] {
            assert_eq!(rule(pattern).matches(pattern, path), expected, "{pattern} and {path}");
        }
    }
}
