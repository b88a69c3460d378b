//! Files of the team's own in a folder that the template has left: they are not moved, and may be looked for elsewhere
//! now, as a module is beside the others of its folder.

use std::collections::{BTreeMap, BTreeSet};

use super::Reviser;
use crate::evolve::paths::service_path;
use crate::evolve::work::unreadable;
use crate::fault::Faults;
use crate::render::TreePath;

impl Reviser<'_> {
    /// Notes of them; `moves` is from where files have moved, by where to.
    pub(super) fn left_behind(&mut self, moves: &BTreeMap<TreePath, TreePath>) -> Result<(), Faults> {
        let still: BTreeSet<&str> = self.tree.iter().filter_map(|(path, _)| folder_of(path)).collect();
        let mut left: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for (to, from) in moves {
            if let (Some(to), Some(from)) = (folder_of(to), folder_of(from).filter(|from| !still.contains(from))) {
                *left.entry(from).or_default().entry(to).or_default() += 1;
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        let there = self.revision.work.files().map_err(|error| unreadable(&service_path(), &error))?;
        for path in there.keys().filter(|path| !self.revision.lock.files.contains_key(*path)) {
            let folder = path.parents().filter(|folder| left.contains_key(folder)).last();
            let Some((folder, went)) = folder.and_then(|folder| left.get_key_value(folder)) else { continue };
            let most = went.iter().max_by_key(|(_, files)| **files).map(|(to, _)| *to).unwrap_or_default();
            if self.tree.get(path.as_str()).is_none() {
                self.notes.push(format!(
                    "{path} stays: it is your file, but the template's files in {folder}/ moved to {most}/"
                ));
            }
        }
        Ok(())
    }
}

fn folder_of(path: &TreePath) -> Option<&str> {
    path.as_str().rsplit_once('/').map(|(folder, _)| folder)
}
