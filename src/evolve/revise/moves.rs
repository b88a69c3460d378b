//! Files that the template has at another path now: what the team wrote goes along.

use std::collections::{BTreeMap, BTreeSet};

use super::{Reviser, file_of, missed};
use crate::evolve::action::Action;
use crate::evolve::decide::{Decision, is_version, three_modes};
use crate::evolve::paths::hash;
use crate::evolve::record::Locked;
use crate::evolve::work::Found;
use crate::fault::Faults;
use crate::render::{TreeFile, TreePath};

impl Reviser<'_> {
    /// From where files have moved, by where to: to the newest of their earlier places that the repository has.
    pub(super) fn moves(&self) -> BTreeMap<TreePath, TreePath> {
        let lock = self.revision.lock;
        let mut moves = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for (path, file) in self.tree.iter().filter(|(path, _)| !lock.files.contains_key(*path)) {
            let is_source = |from: &&TreePath| {
                lock.files.contains_key(*from)
                    && !taken.contains(*from)
                    && self.tree.get(from.as_str()).is_none_or(|rest| self.is_split(from, rest, path, file))
            };
            if let Some(from) = file.moved_from.iter().find(is_source) {
                taken.insert(from.clone());
                moves.insert(path.clone(), from.clone());
            }
        }
        moves
    }

    /// Whether the text that the template last made at `from`, where it now makes `rest`, went to `path`: more of its
    /// lines are there. Otherwise the split was before the last update, and answers brought the file in now.
    fn is_split(&self, from: &TreePath, rest: &TreeFile, path: &TreePath, file: &TreeFile) -> bool {
        let Some(base) = self.last_text(from) else { return false };
        let shared = |path, file| missed::shared(base, self.theirs(path, file).formatted);
        shared(path, file) > shared(from, rest)
    }

    /// A file that was at `from`. The team's changes go along, unless something of theirs stands where they would go.
    pub(super) fn moved(&mut self, path: &TreePath, file: &TreeFile, from: &TreePath) -> Result<(), Faults> {
        let Some(locked) = self.revision.lock.files.get(from) else { return self.made(path, file) };
        // What the template makes at the old path now.
        let rest = self.tree.get(from.as_str());
        let (there, found) = (self.look(path)?, self.look(from)?);
        if there != Found::Nothing {
            if found == Found::Nothing && self.is_the_same_file(from, &there) {
                // The team has moved it to the same place already.
                let decision = self.decide(path, file, from, &there);
                self.push(path, Some(&file.layer), there, decision, Some(from.clone()));
                if let Some(rest) = rest {
                    self.afresh(from, rest, locked, found);
                }
                return Ok(());
            }
            self.made(path, file)?;
            return match rest {
                Some(rest) => self.made(from, rest),
                None => self.gone(from, locked),
            };
        }
        let decision = self.decide(path, file, from, &found);
        if decision.action == Action::Beside {
            self.push(path, Some(&file.layer), there, decision, None);
            return rest.map_or(Ok(()), |rest| self.made(from, rest));
        }
        let Some((ours, _)) = file_of(found.clone()) else {
            // What was deleted is not written again, neither here nor there.
            let gone = || Decision::new(Action::KeepDeleted, None);
            self.push(path, Some(&file.layer), there, gone(), Some(from.clone()));
            if let Some(rest) = rest {
                self.push(from, Some(&rest.layer), found, gone(), None);
            }
            return Ok(());
        };
        if matches!(decision.action, Action::Merge | Action::Conflict) && self.is_unresolved(from, from, &ours) {
            return Ok(());
        }
        let action = match decision.action {
            Action::Unchanged if self.is_untouched(from, &found) => Action::Update,
            Action::Unchanged => Action::Merge,
            action => action,
        };
        match rest {
            Some(rest) => self.afresh(from, rest, locked, found),
            None => self.push(from, Some(&locked.layer), found, Decision::new(Action::Delete, None), None),
        }
        self.push(path, Some(&file.layer), there, Decision { action, ..decision }, Some(from.clone()));
        Ok(())
    }

    /// A file whose text went to another path: it is as the template makes it now.
    fn afresh(&mut self, path: &TreePath, file: &TreeFile, locked: &Locked, found: Found) {
        let content = self.theirs(path, file).formatted.to_vec();
        let decision = match &found {
            Found::File(ours, mode) => {
                let new = (content, three_modes(locked.mode, *mode, file.mode));
                let is_there = *ours == new.0 && *mode == new.1;
                Decision::new(if is_there { Action::Unchanged } else { Action::Update }, Some(new))
            }
            _ => Decision::new(Action::Create, Some((content, file.mode))),
        };
        self.push(path, Some(&file.layer), found, decision, None);
    }

    /// Whether the team has left a file as the template made it last.
    fn is_untouched(&self, path: &TreePath, found: &Found) -> bool {
        let (Some(locked), Found::File(ours, _)) = (self.revision.lock.files.get(path), found) else { return false };
        let base = self.base(path, locked);
        hash(ours) == locked.hash || base.is_some_and(|base| is_version(ours, base, self.is_unformatted(path)))
    }

    /// Whether what stands there is what the template made at `from`, with changes.
    fn is_the_same_file(&self, from: &TreePath, there: &Found) -> bool {
        let (Found::File(ours, _), Some(base)) = (there, self.last_text(from)) else { return false };
        missed::is_similar(base, ours)
    }

    /// The pristine text of a file, as the formatter leaves it.
    pub(super) fn last_text(&self, path: &TreePath) -> Option<&[u8]> {
        self.bases.get(path).or_else(|| self.raw.get(path)).map(Vec::as_slice)
    }
}
