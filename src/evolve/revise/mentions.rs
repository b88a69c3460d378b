//! Names in the team's own code that are others in the new template: they are listed, and never rewritten.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::Reviser;
use crate::evolve::action::Action;
use crate::evolve::paths::service_path;
use crate::evolve::plan::{Entry, Mention};
use crate::evolve::work::{Found, unreadable};
use crate::fault::Faults;
use crate::limits;
use crate::pack::Policy;
use crate::render::{RECORD, Renames, TreePath};

/// A file that is searched has at most so many bytes; code that people write has fewer.
pub const MAX_FILE: u64 = 1 << 20;
/// And all of them together, as much as a repository that is rendered may have.
pub const MAX_TOTAL: u64 = 64 << 20;

impl Reviser<'_> {
    /// Old names in what the team has written, where the template is another than it was.
    pub(super) fn mentions(&mut self) -> Result<Vec<Mention>, Faults> {
        let is_other = self.revision.lock.digest != self.revision.pack.digest;
        // Many names take long to compile.
        let Some(names) = is_other.then(|| Names::of(&self.tree.renames)).flatten() else { return Ok(Vec::new()) };
        let entries: BTreeMap<&TreePath, &Entry> = self.entries.iter().map(|entry| (&entry.path, entry)).collect();
        let there = self.revision.work.files().map_err(|error| unreadable(&service_path(), &error))?;
        let paths: BTreeSet<&TreePath> = there.keys().chain(entries.keys().copied()).collect();
        let in_use = self.names_in_use(&names);
        let (mut mentions, mut total, mut unsearched) = (Vec::new(), 0, 0);
        for path in paths.into_iter().filter(|path| self.is_the_teams(path)) {
            let size = there.get(path).copied().unwrap_or_default();
            total += size;
            if size > MAX_FILE || total > MAX_TOTAL.min(limits::get().tree) {
                unsearched += 1;
                continue;
            }
            let text = match entries.get(path) {
                Some(Entry { action: Action::Delete | Action::KeepDeleted | Action::Beside, .. }) => continue,
                Some(entry) if entry.action.writes() => String::from_utf8(entry.content.clone()),
                _ => match self.look(path)? {
                    Found::File(content, _) => String::from_utf8(content),
                    _ => continue,
                },
            };
            // What is no text mentions nothing.
            let Ok(text) = text else { continue };
            let mut found = names.in_text(&text);
            found.retain(|(_, name)| !in_use.contains(name));
            if found.is_empty() {
                continue;
            }
            let of_the_template = self.lines_of_the_template(path);
            let lines: Vec<&str> = text.lines().collect();
            let not_ours = lines_of_bases(&lines);
            for (line, from) in found {
                let is_the_templates = lines.get(line - 1).is_some_and(|text| of_the_template.contains(text.trim()));
                if !is_the_templates && !not_ours.contains(&line) {
                    let to = self.tree.renames.get(from).map(|rename| rename.to.clone()).unwrap_or_default();
                    mentions.push(Mention { path: path.clone(), line, from: from.to_owned(), to });
                }
            }
        }
        if unsearched > 0 {
            self.notes.push(format!(
                "{unsearched} files were not searched for renamed names: they exceed 1 MiB each or 64 MiB in total"
            ));
        }
        self.not_searched("renamed names")?;
        Ok(mentions)
    }

    /// Says that files of the team's that are not checked out were not searched.
    pub(super) fn not_searched(&mut self, what: &str) -> Result<(), Faults> {
        let there = self.revision.work.not_checked_out().map_err(|error| unreadable(&service_path(), &error))?;
        let count = there.iter().filter(|path| self.is_own(path)).count();
        if count > 0 {
            self.notes.push(format!("files that are not checked out were not searched for {what}: {count}"));
        }
        Ok(())
    }

    /// Old names that the template has all the same: a resource may be called as one of its modules is now.
    fn names_in_use<'b>(&self, names: &Names<'b>) -> BTreeSet<&'b str> {
        let merged = self.tree.iter().filter(|(_, file)| file.policy == Policy::Merge);
        let texts = merged.filter_map(|(_, file)| std::str::from_utf8(&file.content).ok());
        texts.flat_map(|text| names.in_text(text)).map(|(_, name)| name).collect()
    }

    /// Whether people write to the file: the record, lock files and migrations are not looked into.
    fn is_the_teams(&self, path: &TreePath) -> bool {
        let policy = self.tree.get(path.as_str()).map(|file| file.policy);
        let policy = policy.or_else(|| self.revision.lock.files.get(path).map(|locked| locked.policy));
        !matches!(policy, Some(Policy::Append | Policy::Lock))
            && *path != service_path()
            && !path.as_str().starts_with(RECORD)
    }

    /// Lines that the template itself has in a file.
    fn lines_of_the_template(&self, path: &TreePath) -> BTreeSet<String> {
        let Some(file) = self.tree.get(path.as_str()) else { return BTreeSet::new() };
        let theirs = self.theirs(path, file);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let lines = |text: String| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
        [theirs.raw, theirs.formatted].into_iter().map(text).flat_map(lines).collect()
    }
}

/// Lines between the markers of a conflict that the template had before: nobody keeps them.
fn lines_of_bases(lines: &[&str]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut inside = false;
    for (number, line) in (1..).zip(lines) {
        if line.starts_with("|||||||") {
            inside = true;
        } else if line.starts_with("=======") {
            inside = false;
        } else if inside {
            found.insert(number);
        }
    }
    found
}

/// Old names, ready to be looked for.
pub struct Names<'a> {
    /// The longest first, as the expression tries them.
    names: Vec<&'a str>,
    expression: Regex,
}

impl<'a> Names<'a> {
    /// None where nothing is renamed.
    pub fn of(renames: &'a Renames) -> Option<Self> {
        let mut names: Vec<&str> = renames.iter().map(|(from, _)| from).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let whole = |name: &&str| {
            let edge = |c: Option<char>| if c.is_some_and(is_of_a_word) { r"\b" } else { "" };
            format!("{}{}{}", edge(name.chars().next()), regex::escape(name), edge(name.chars().next_back()))
        };
        let all: Vec<String> = names.iter().map(whole).collect();
        let expression = Regex::new(&all.join("|")).ok()?;
        (!names.is_empty()).then_some(Self { names, expression })
    }

    /// The lines of a text, from 1, and the old names in them. The longest name counts; each is told once a line.
    pub fn in_text(&self, text: &str) -> Vec<(usize, &'a str)> {
        let line_of = |at: usize| text[..at].matches('\n').count() + 1;
        let known = |found: &str| self.names.iter().find(|name| **name == found).copied();
        let plain =
            self.expression.find_iter(text).filter_map(|found| Some((line_of(found.start()), known(found.as_str())?)));
        let mut found: BTreeSet<(usize, &str)> = plain.collect();
        for Imported { at, prefix, path } in imported(text) {
            // What ends before the braces stands there in full.
            let begins = |name: &&&str| path.starts_with(**name) && !path[name.len()..].starts_with(is_of_a_word);
            if let Some(name) = self.names.iter().find(begins).filter(|name| name.len() > prefix) {
                found.insert((line_of(at), name));
            }
        }
        found.into_iter().collect()
    }
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A path that an import has in braces.
struct Imported {
    /// Where its own part stands.
    at: usize,
    /// The length of what is before the braces, `::` left out.
    prefix: usize,
    path: String,
}

/// The paths in the braces of imports such as `use crate::{etag, error::{Error, Kind}};`, each in full.
fn imported(text: &str) -> Vec<Imported> {
    let mut all = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find("::{").map(|at| from + at) {
        let head = &text[..open];
        let path = &head[head.rfind(|c: char| !is_of_a_path(c)).map_or(0, |at| at + last_len(head, at))..];
        from = group(text, open + "::{".len(), path.trim_start_matches(':'), &mut all);
    }
    all
}

/// How many bytes the character at `at` has.
fn last_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

fn is_of_a_path(c: char) -> bool {
    is_of_a_word(c) || c == ':' || c == '#'
}

/// Reads the braces that open before `at`, below `prefix`; gives where they end, or where it is no import.
fn group(text: &str, mut at: usize, prefix: &str, all: &mut Vec<Imported>) -> usize {
    let mut above = vec![prefix.to_owned()];
    while let Some(prefix) = above.last().cloned() {
        let rest = &text[at..];
        let Some(next) = rest.chars().next() else { return at };
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if next == '}' {
            above.pop();
            at += 1;
        } else if next.is_whitespace() || next == ',' || next == '*' {
            at += next.len_utf8();
        } else if is_of_a_path(next) {
            let item = &rest[..rest.find(|c: char| !is_of_a_path(c)).unwrap_or(rest.len())];
            let path = format!("{prefix}::{}", item.trim_end_matches(':'));
            all.push(Imported { at, prefix: prefix.len(), path: path.clone() });
            at += item.len();
            if text[at..].starts_with('{') {
                above.push(path);
                at += 1;
            }
        } else {
            return at;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `text`, and what is found in them.
    fn found(names: &[&str], text: &str) -> Vec<(usize, String)> {
        let renames = Renames::from_pairs(names.iter().map(|name| (*name, "new")));
        let names = Names::of(&renames).unwrap();
        names.in_text(text).into_iter().map(|(line, name)| (line, name.to_owned())).collect()
    }

    #[test]
    fn a_name_is_a_whole_word() {
        for (text, expected) in [
            ("use crate::etag;", true),
            ("use crate::etag::Etag;", true),
            ("`crate::etag`", true),
            ("crate::etagger", false),
            ("my_crate::etag", false),
            ("crate::etag_of", false),
            ("crate::étag", false),
        ] {
            assert_eq!(!found(&["crate::etag"], text).is_empty(), expected, "{text}");
        }
        assert_eq!(found(&["AppError"], "MyAppError AppErrors\nResult<(), error::AppError>"), [(2, "AppError".into())]);
    }

    #[test]
    fn the_longest_name_counts() {
        let names = ["crate::users", "crate::users::Role"];
        assert_eq!(found(&names, "crate::users::Role"), [(1, "crate::users::Role".into())]);
        assert_eq!(found(&names, "crate::users::Roles"), [(1, "crate::users".into())]);
        assert_eq!(found(&names, "x\ncrate::users::repo, crate::users"), [(2, "crate::users".into())], "once a line");
    }

    #[test]
    fn what_is_imported_in_braces_is_found_in_full() {
        let text = "use crate::{\n    etag, // of ours\n    error::{AppError, Kind},\n    users::{\n        self,\n        Role as R,\n    },\n};\n";
        let names = ["crate::etag", "crate::error::AppError", "crate::users::Role", "crate::users"];
        let expected = [(2, names[0]), (3, names[1]), (4, names[3]), (6, names[2])];
        assert_eq!(found(&names, text), expected.map(|(line, name)| (line, name.to_owned())));
        assert_eq!(found(&names, "use crate::{etagger, error::Kind};"), []);
        assert_eq!(found(&names, "use other::{etag, users};"), []);
        // No import, and no end.
        assert_eq!(found(&names, "macro!(crate::{ 1 + etag"), []);
    }
}
