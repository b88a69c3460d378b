//! Where earlier versions of the template had each file: what its rules say, and what follows of a resource that had
//! another name.

use std::collections::BTreeMap;

use tera::Context;

use super::path::TreePath;
use super::tree::Tree;
use crate::fault::{Fault, Faults, Place};
use crate::pack::{FileRule, LayerFile, Matched, no_source_of_a_glob, shown};
use crate::template::Texts;

/// How much a rule says of one file. Where two files have one source, the one of the stronger claim is meant: a
/// resource may be called as a module of the template was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum SourceClaim {
    /// The path under the name that the resource had before.
    FormerName,
    /// A folder whose path holds values.
    FolderOfValues,
    PathOfValues,
    Folder,
    Path,
}

#[derive(Debug, Clone)]
struct FileSource {
    path: TreePath,
    claim: SourceClaim,
    place: Place,
}

/// The sources of all files, newest first.
#[derive(Debug, Default)]
pub struct FileSources(BTreeMap<TreePath, Vec<FileSource>>);

/// What a path or a name with values in it is rendered with: the item as it is called now, then by the names that it
/// had before.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    pub context: &'a Context,
    pub former: &'a [Context],
}

impl FileSources {
    /// Takes in the sources of a file at `path`, of which `rule` is the last that says where it was.
    pub fn take(
        &mut self,
        path: &TreePath,
        file: &LayerFile,
        rule: Option<(&FileRule, Matched)>,
        item: Item,
        texts: &Texts,
    ) -> Result<(), Fault> {
        let mut sources: Vec<FileSource> = Vec::new();
        let mut add = |path: TreePath, claim, place: &Place| {
            if sources.iter().all(|source| source.path != path) {
                sources.push(FileSource { path, claim, place: place.clone() });
            }
        };
        for former in item.former {
            // What cannot be a path was never one.
            if let Some(before) = texts.render(&file.target, former).ok().and_then(|at| at_path(&at))
                && before != *path
            {
                add(before, SourceClaim::FormerName, &Place::new(&file.source, 1, 1));
            }
        }
        if let Some((rule, matched)) = rule {
            let place = &rule.moved_from_place;
            for text in rule.moved_from.iter().flatten() {
                let has_values = text.contains(&*texts.delimiters.variable_start);
                let claim = match (matched, has_values) {
                    (Matched::Exact, false) => SourceClaim::Path,
                    (Matched::Exact, true) => SourceClaim::PathOfValues,
                    (Matched::Below(_), false) => SourceClaim::Folder,
                    (Matched::Below(_), true) => SourceClaim::FolderOfValues,
                    (Matched::Glob, _) => return Err(no_source_of_a_glob(place.clone(), &rule.pattern)),
                };
                let refused = |text: &str, why: String| {
                    let message = format!("`moved_from`: \"{}\" is not a path in the repository: {why}", shown(text));
                    Fault::at(place.clone(), message)
                        .help("write it relative to the top of the repository, as in src/etag.rs")
                };
                let rendered = texts.render(text, item.context).map_err(|why| refused(text, why))?;
                let whole = whole(&rendered, matched);
                add(TreePath::new(&whole).map_err(|why| refused(&whole, why))?, claim, place);
                for former in item.former.iter().filter(|_| has_values) {
                    let rendered = texts.render(text, former).ok();
                    if let Some(before) = rendered.and_then(|folder| at_path(&self::whole(&folder, matched))) {
                        add(before, SourceClaim::FormerName, place);
                    }
                }
            }
        }
        if !sources.is_empty() {
            self.0.insert(path.clone(), sources);
        }
        Ok(())
    }

    /// Gives each file of `tree` its sources. Two files of one source are a fault, unless one of them has the
    /// stronger claim. A source that the template still makes counts where a rule names it in full: it was split.
    pub fn settle(self, tree: &mut Tree) -> Faults {
        let mut faults = Faults::default();
        let mut strongest: BTreeMap<TreePath, (SourceClaim, TreePath)> = BTreeMap::new();
        let is_made = |path: &TreePath| tree.get(path.as_str()).is_some();
        // A file that was split, in the words of its rule: its text went on, and the pack still makes another there.
        let is_split = |source: &FileSource| source.claim == SourceClaim::Path && is_made(&source.path);
        for (path, sources) in &self.0 {
            for source in sources {
                if is_made(&source.path) {
                    if source.claim != SourceClaim::Path {
                        continue;
                    }
                    if let Some((why, help)) = self.no_split(path, source, is_split) {
                        let message = format!("`moved_from`: {path} cannot have moved from {}, {why}", source.path);
                        faults.push(Fault::at(source.place.clone(), message).help(help));
                        continue;
                    }
                }
                let claim = (source.claim, path.clone());
                let Some((other, first)) = strongest.get(&source.path) else {
                    strongest.insert(source.path.clone(), claim);
                    continue;
                };
                if *other == source.claim && source.claim != SourceClaim::FormerName {
                    let message = format!("`moved_from`: {first} and {path} both claim {}", source.path);
                    let help = "keep it for the file with most of the old text; for the other: `moved_from = []`";
                    faults.push(Fault::at(source.place.clone(), message).help(help));
                } else if *other < source.claim {
                    strongest.insert(source.path.clone(), claim);
                }
            }
        }
        for (path, sources) in self.0 {
            let own = |source: &FileSource| strongest.get(&source.path).is_some_and(|(_, owner)| *owner == path);
            let sources = sources.into_iter().filter(own).map(|source| source.path).collect();
            tree.set_moved_from(&path, sources);
        }
        faults
    }
}

impl FileSources {
    /// Why the text of a file that the pack still makes cannot have gone to `path`, and what to do.
    fn no_split(
        &self,
        path: &TreePath,
        source: &FileSource,
        is_split: impl Fn(&FileSource) -> bool,
    ) -> Option<(&'static str, &'static str)> {
        if source.path == *path {
            return Some(("which is its own path", "remove it"));
        }
        // One update would have to carry edits from file to file to file, or past each other.
        let is_in_a_chain = self.0.get(&source.path).is_some_and(|sources| sources.iter().any(is_split));
        let help = "of files that the pack still makes, keep the one `moved_from` where most of the old text went";
        is_in_a_chain.then_some(("which has moved from a path that the pack still makes", help))
    }
}

fn at_path(text: &str) -> Option<TreePath> {
    TreePath::new(text).ok()
}

/// The repository itself, as the folder that all of it was in.
const TOP: &str = ".";

/// The path of the file itself, where `moved_from` is a folder.
fn whole(moved_from: &str, matched: Matched) -> String {
    match matched {
        Matched::Below(rest) if moved_from == TOP => rest.to_owned(),
        Matched::Below(rest) => format!("{}/{rest}", moved_from.trim_end_matches('/')),
        _ => moved_from.to_owned(),
    }
}
