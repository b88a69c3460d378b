//! Files that the team has moved away: the template's changes do not reach them, and are not dropped unsaid.
//!
//! No history is asked. A file that is gone is looked for among the team's own by what it held, as git looks for
//! renames: the same bytes first, then the most lines in common.

use std::collections::{BTreeMap, BTreeSet};

use super::Reviser;
use super::mentions::{MAX_FILE, MAX_TOTAL};
use crate::evolve::action::Action;
use crate::evolve::merge;
use crate::evolve::paths::service_path;
use crate::evolve::plan::MissedChange;
use crate::evolve::work::{Found, unreadable};
use crate::fault::Faults;
use crate::render::{RECORD, TreePath};

/// A file of the template's that is not where it was.
struct Missing {
    moved_from: TreePath,
    template_path: TreePath,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Reviser<'_> {
    /// What has changed of files that are gone, and that the team has under another path.
    pub(super) fn missed(&mut self) -> Result<Vec<MissedChange>, Faults> {
        let missing: Vec<Missing> = self.missing().collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        self.not_searched("files that you moved")?;
        let own = self.own_texts()?;
        let mut pairs = Vec::new();
        for (number, file) in missing.iter().enumerate() {
            for (path, text) in &own {
                if let Some(score) = similarity(&file.before, text) {
                    pairs.push((score, number, path));
                }
            }
        }
        // The best pairs first; of equal ones, in the order of their paths.
        pairs.sort_by(|one, other| other.0.cmp(&one.0).then((one.1, one.2).cmp(&(other.1, other.2))));
        let (mut found, mut taken) = (BTreeMap::new(), BTreeSet::new());
        for (_, number, path) in pairs {
            if !found.contains_key(&number) && taken.insert(path) {
                found.insert(number, path.clone());
            }
        }
        let changes = (0..).zip(missing).filter_map(|(number, file)| {
            let path = found.remove(&number)?;
            let Missing { moved_from, template_path, before, after } = file;
            Some(MissedChange { path, moved_from, template_path, before, after })
        });
        let mut changes: Vec<MissedChange> = changes.collect();
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(changes)
    }

    fn missing(&self) -> impl Iterator<Item = Missing> {
        let gone = self.entries.iter().filter(|entry| entry.action == Action::KeepDeleted);
        // The text of a file that was split is looked for once, for the path where it went.
        let went = |path: &TreePath| self.entries.iter().any(|other| other.moved_from.as_ref() == Some(path));
        gone.filter(move |entry| !went(&entry.path)).filter_map(|entry| {
            let template_path = entry.path.clone();
            let moved_from = entry.moved_from.clone().unwrap_or_else(|| template_path.clone());
            let (last, now) = (self.revision.lock.files.get(&moved_from)?, self.new.files.get(&template_path)?);
            let file = self.tree.get(template_path.as_str())?;
            if last.hash == now.hash {
                return None;
            }
            let before = self.last_text(&moved_from)?.to_vec();
            let after = self.theirs(&template_path, file).formatted.to_vec();
            Some(Missing { moved_from, template_path, before, after })
        })
    }

    /// Whether it is the team's alone: the template neither made nor makes it.
    pub(super) fn is_own(&self, path: &TreePath) -> bool {
        !self.revision.lock.files.contains_key(path)
            && self.tree.get(path.as_str()).is_none()
            && *path != service_path()
            && !path.as_str().starts_with(RECORD)
    }

    /// Texts of files that the template neither made nor makes.
    fn own_texts(&self) -> Result<BTreeMap<TreePath, Vec<u8>>, Faults> {
        let files = self.revision.work.files().map_err(|error| unreadable(&service_path(), &error))?;
        let (mut texts, mut total) = (BTreeMap::new(), 0);
        for (path, size) in files.into_iter().filter(|(path, size)| self.is_own(path) && *size <= MAX_FILE) {
            total += size;
            if total > MAX_TOTAL {
                break;
            }
            if let Found::File(content, _) = self.look(&path)?
                && !merge::is_binary(&content)
            {
                texts.insert(path, content);
            }
        }
        Ok(texts)
    }
}

/// As much of two texts has to be the same for one to have been the other: git's own bound for a rename.
const SIMILAR: usize = 50;

/// Whether one text may have been the other.
pub fn is_similar(one: &[u8], other: &[u8]) -> bool {
    similarity(one, other).is_some()
}

/// How much of two texts is the same, in hundredths; none where that is too little.
fn similarity(one: &[u8], other: &[u8]) -> Option<usize> {
    let (one, other) = (merge::without_carriages(one), merge::without_carriages(other));
    if one.is_empty() || other.is_empty() {
        return None;
    }
    if one == other {
        return Some(100);
    }
    let (less, more) = (one.len().min(other.len()), one.len().max(other.len()));
    if less * 100 / more < SIMILAR {
        return None;
    }
    // Of the last line, the break may be missing.
    let score = shared(&one, &other).min(less) * 100 / more;
    (score >= SIMILAR).then_some(score.min(99))
}

/// How many bytes are in lines that both texts have, in any order.
pub fn shared(one: &[u8], other: &[u8]) -> usize {
    let mut lines: BTreeMap<&[u8], usize> = BTreeMap::new();
    for line in lines_of(one) {
        *lines.entry(line).or_default() += 1;
    }
    let mut same = 0;
    for line in lines_of(other) {
        if let Some(left) = lines.get_mut(line).filter(|left| **left > 0) {
            *left -= 1;
            same += line.len() + 1;
        }
    }
    same
}

fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_lines_make_a_file_the_same() {
        let text = b"one\ntwo\nsix\nten\n";
        assert_eq!(similarity(text, text), Some(100));
        assert_eq!(similarity(text, b"one\r\ntwo\r\nsix\r\nten\r\n"), Some(100));
        assert_eq!(similarity(text, b"one\ntwo\nsix\nnot\n"), Some(75));
        assert_eq!(similarity(text, b"ten\nsix\nnot\nnor\n"), Some(50), "in any order");
        assert_eq!(similarity(text, b"one\nnot\nnor\nany\n"), None);
        assert_eq!(similarity(text, b"one\none\none\none\n"), None, "a line counts as often as it is there");
        assert_eq!(similarity(b"", b""), None, "empty files are like each other, and tell nothing");
    }
}
