//! Files that two branches made from other pristine texts: what the template makes now is merged from each of these in
//! turn. From the new text as the only base, a line that one branch lost would be a line that the team took out.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::evolve::action::Action;
use crate::evolve::merge::{Labels, Merged, merge};
use crate::evolve::paths::object_path;
use crate::evolve::plan::{Entry, Plan};
use crate::evolve::record::Lock;
use crate::evolve::revise::Revision;
use crate::evolve::work::{Disk, Found, WorkTree, unreadable};
use crate::fault::{Fault, Faults};
use crate::git;
use crate::pack::{Policy, hash};
use crate::render::{Mode, Tree, TreePath};

/// A working tree whose pristine files are in two commits where they are not on disk.
pub struct InGit<'a> {
    pub disk: &'a Disk,
    pub git: &'a git::Repository,
    pub commits: &'a [String],
}

/// A working tree in which some files are others.
struct Overlaid<'a> {
    work: &'a dyn WorkTree,
    files: BTreeMap<TreePath, Option<(Vec<u8>, Mode)>>,
}

/// The plan from what both branches made, `revision.lock` and `other`, to what `revision` makes.
/// Of a file that one of them made and that is not there, `has` says whether the branch had it. Files that git left in
/// conflict are `resolved` already.
pub fn revise_from_both(
    revision: &Revision,
    other: &Lock,
    tree: &Tree,
    has: impl Fn(&TreePath) -> bool,
    resolved: Vec<Entry>,
) -> Result<Plan, Faults> {
    let (ours, other) = with_all_bases(revision, other, tree, has);
    let (ours, other) = (&ours, &other);
    let mut overlaid = Overlaid { work: revision.work, files: BTreeMap::new() };
    for path in resolved.iter().map(|entry| &entry.path) {
        let made = tree.get(path.as_str()).map(|file| (file.content.clone(), file.mode));
        overlaid.files.insert(path.clone(), made);
    }
    for (path, file) in tree.iter().filter(|(_, file)| file.policy == Policy::Merge) {
        let locks = [ours, other];
        let made = hash(&file.content);
        let differs = locks.iter().any(|lock| lock.files.get(path).is_some_and(|locked| locked.hash != made));
        if let (true, Ok(Found::File(there, mode))) =
            (differs && !overlaid.files.contains_key(path), revision.work.look(path))
            && holds(&there, &file.content)
            && locks.iter().all(|lock| has_dropped(revision.work, lock, path, &there, &file.content))
        {
            // Nothing of the template's is missing, and what the branches wrote beside it stays.
            overlaid.files.insert(path.clone(), Some((file.content.clone(), mode)));
        }
    }
    // By itself, each base tells whether the file is as it was made from it.
    let from_ours = Plan::revise_to(&revision.over(&overlaid, ours), tree)?;
    let from_other = Plan::revise_to(&revision.over(&overlaid, other), tree)?;
    let mut twice = Overlaid { work: revision.work, files: overlaid.files.clone() };
    let mut made = BTreeMap::<TreePath, Entry>::new();
    for entry in from_other.entries.into_iter().filter(|entry| is_generated(entry, tree)) {
        if !entry.changes() && entry.conflicts == 0 {
            continue;
        }
        let first = from_ours.get(entry.path.as_str());
        let is_untouched = first.is_some_and(|first| first.action == Action::Update);
        if first.is_some_and(Entry::changes) && entry.action == Action::Merge && !is_untouched {
            twice.files.insert(entry.path.clone(), Some((entry.content.clone(), entry.mode)));
        }
        if !is_untouched {
            made.insert(entry.path.clone(), entry);
        }
    }
    let mut plan = if twice.files.len() == overlaid.files.len() {
        from_ours
    } else {
        Plan::revise_to(&revision.over(&twice, ours), tree)?
    };
    let is_kept = |entry: &Entry| entry.conflicts == 0 && !entry.action.writes();
    for entry in &mut plan.entries {
        let Some(earlier) = made.remove(&entry.path) else { continue };
        if is_kept(entry) || earlier.action == Action::Update {
            *entry = earlier;
        } else {
            entry.before = earlier.before;
        }
    }
    plan.entries.extend(made.into_values());
    plan.entries.retain(|entry| !overlaid.files.contains_key(&entry.path));
    plan.entries.extend(resolved);
    plan.entries.sort_by(|one, another| one.path.cmp(&another.path));
    Ok(plan)
}

/// A branch, or what both began with.
pub struct PristineSide<'a> {
    pub lock: &'a Lock,
    pub commit: &'a str,
}

/// What becomes of files that git left in conflict: the edits of both branches, each put on what the template makes
/// now. A file whose edits meet is a fault: a person has to resolve it.
pub fn resolve(
    paths: &BTreeSet<TreePath>,
    [base, ours, theirs]: [Option<PristineSide>; 3],
    revision: &Revision,
    tree: &Tree,
    git: &git::Repository,
) -> Result<Vec<Entry>, Faults> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let onto_new = |side: Option<PristineSide>| {
        let Some(side) = side else { return Ok(BTreeMap::new()) };
        renewed(paths, &side, revision, tree, git)
    };
    let (base, ours, theirs) = (onto_new(base)?, onto_new(ours)?, onto_new(theirs)?);
    let labels = Labels { ours: "ours".into(), base: "what both had".into(), theirs: "theirs".into() };
    let (mut entries, mut faults) = (Vec::new(), Faults::default());
    for path in paths {
        let [base, ours, theirs] = [&base, &ours, &theirs].map(|side| side.get(path).cloned().unwrap_or_default());
        let is_lock = tree.get(path.as_str()).is_some_and(|file| file.policy == Policy::Lock);
        let merged = match (ours, theirs) {
            (Renewed::Conflict, _) | (_, Renewed::Conflict) => None,
            // Cargo completes it.
            (ours, _) if is_lock => Some(ours),
            (ours, theirs) if ours == theirs || theirs == base => Some(ours),
            (ours, theirs) if ours == base => Some(theirs),
            (Renewed::File(ours), Renewed::File(theirs)) => {
                let base = if let Renewed::File(base) = base { base } else { Vec::new() };
                match merge(path.as_str(), &base, &ours, &theirs, &labels) {
                    Merged::Clean(content) => Some(Renewed::File(content)),
                    _ => None,
                }
            }
            _ => None,
        };
        let before = match revision.work.look(path).map_err(|error| unreadable(path, &error))? {
            Found::File(content, mode) => Some((content, mode)),
            _ => None,
        };
        let file = tree.get(path.as_str());
        let mode = file.map_or(Mode::Plain, |file| file.mode);
        let entry = |content| Entry::create(path.clone(), content, mode, file.map(|file| file.layer.clone()));
        entries.extend(match merged {
            Some(Renewed::File(content)) => Some(Entry { action: Action::Merge, before, ..entry(content) }),
            Some(_) => Some(Entry { action: Action::Delete, before, ..entry(Vec::new()) }),
            None => {
                let fault = Fault::new(format!("{path}: a conflict is not resolved"));
                faults.push(fault.help("both branches changed it by hand: resolve it, and `git add` the file"));
                None
            }
        });
    }
    faults.or(entries)
}

/// A file of a branch with what the template makes now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Renewed {
    #[default]
    Nothing,
    File(Vec<u8>),
    Conflict,
}

fn renewed(
    paths: &BTreeSet<TreePath>,
    side: &PristineSide,
    revision: &Revision,
    tree: &Tree,
    git: &git::Repository,
) -> Result<BTreeMap<TreePath, Renewed>, Faults> {
    let at = |path: &TreePath| {
        let mode = tree.get(path.as_str()).map_or(Mode::Plain, |file| file.mode);
        (path.clone(), git.file_at(side.commit, path.as_str()).map(|content| (content, mode)))
    };
    let overlaid = Overlaid { work: revision.work, files: paths.iter().map(at).collect() };
    let plan = Plan::revise_to(&revision.over(&overlaid, side.lock), tree)?;
    let of = |path: &TreePath| {
        let there = overlaid.files.get(path).and_then(Option::as_ref).map(|(content, _)| content.clone());
        match plan.get(path.as_str()) {
            Some(entry) if entry.conflicts > 0 => Renewed::Conflict,
            Some(entry) if entry.action == Action::Delete => Renewed::Nothing,
            Some(entry) if entry.action.writes() => Renewed::File(entry.content.clone()),
            _ => there.map_or(Renewed::Nothing, Renewed::File),
        }
    };
    Ok(paths.iter().map(|path| (path.clone(), of(path))).collect())
}

/// Both records. Of a file that one of them lacks, the other tells the base; and what stands there as a branch made it,
/// be it at another path, is no edit.
fn with_all_bases(revision: &Revision, other: &Lock, tree: &Tree, has: impl Fn(&TreePath) -> bool) -> (Lock, Lock) {
    let (mut ours, mut theirs) = (revision.lock.clone(), other.clone());
    for (to, from) in [(&mut ours, other), (&mut theirs, revision.lock)] {
        for (path, locked) in from.files.iter().filter(|(_, locked)| locked.policy != Policy::Append) {
            if to.files.contains_key(path) {
                continue;
            }
            // What the merge lost comes back; what the branch itself took out does not.
            let is_lost = matches!(revision.work.look(path), Ok(Found::Nothing)) && has(path);
            if !is_lost {
                to.files.insert(path.clone(), locked.clone());
            }
        }
    }
    let made = [revision.lock, other].into_iter().flat_map(|lock| lock.files.values());
    let made: BTreeSet<&str> =
        made.filter(|locked| locked.policy == Policy::Merge).map(|locked| locked.hash.as_str()).collect();
    for (path, _) in tree.iter().filter(|(_, file)| file.policy == Policy::Merge) {
        let Ok(Found::File(there, _)) = revision.work.look(path) else { continue };
        let there = hash(&there);
        for lock in [&mut ours, &mut theirs] {
            if let (Some(locked), true) = (lock.files.get_mut(path), made.contains(there.as_str())) {
                locked.hash.clone_from(&there);
            }
        }
    }
    (ours, theirs)
}

/// Whether it is of a file that is merged: not of the record, and no migration.
fn is_generated(entry: &Entry, tree: &Tree) -> bool {
    entry.layer.is_some() && tree.get(entry.path.as_str()).is_none_or(|file| file.policy != Policy::Append)
}

/// Whether every line of `made` is in `there`, as often.
fn holds(there: &[u8], made: &[u8]) -> bool {
    let mut counts = BTreeMap::<&[u8], usize>::new();
    lines(there).for_each(|line| *counts.entry(line).or_default() += 1);
    lines(made).all(|line| match counts.get_mut(line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    })
}

/// Whether `there` has no line that `lock` says was made before, and is made no more.
fn has_dropped(work: &dyn WorkTree, lock: &Lock, path: &TreePath, there: &[u8], made: &[u8]) -> bool {
    let Some(locked) = lock.files.get(path) else { return true };
    let Some(before) = work.object(&locked.hash) else { return false };
    let (made, there): (BTreeSet<&[u8]>, BTreeSet<&[u8]>) = (lines(made).collect(), lines(there).collect());
    lines(&before).all(|line| made.contains(line) || !there.contains(line))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

impl WorkTree for InGit<'_> {
    fn look(&self, path: &TreePath) -> io::Result<Found> {
        self.disk.look(path)
    }

    fn judged(&self, path: &TreePath, found: Found, assumed: Option<Mode>) -> io::Result<Found> {
        self.disk.judged(path, found, assumed)
    }

    fn not_checked_out(&self) -> io::Result<BTreeSet<TreePath>> {
        self.disk.not_checked_out()
    }

    fn barred(&self, path: &TreePath) -> Option<String> {
        self.disk.barred(path)
    }

    fn files(&self) -> io::Result<BTreeMap<TreePath, u64>> {
        self.disk.files()
    }

    fn folder(&self, folder: &TreePath) -> io::Result<Vec<TreePath>> {
        self.disk.folder(folder)
    }

    fn objects(&self) -> io::Result<BTreeSet<String>> {
        self.disk.objects()
    }

    fn object(&self, digest: &str) -> Option<Vec<u8>> {
        let path = object_path(digest);
        let in_git =
            |commit: &String| self.git.file_at(commit, path.as_str()).filter(|content| hash(content) == digest);
        self.disk.object(digest).or_else(|| self.commits.iter().find_map(in_git))
    }
}

impl WorkTree for Overlaid<'_> {
    fn look(&self, path: &TreePath) -> io::Result<Found> {
        match self.files.get(path) {
            Some(Some((content, mode))) => Ok(Found::File(content.clone(), *mode)),
            Some(None) => Ok(Found::Nothing),
            None => self.work.look(path),
        }
    }

    fn judged(&self, path: &TreePath, found: Found, assumed: Option<Mode>) -> io::Result<Found> {
        if self.files.contains_key(path) { Ok(found) } else { self.work.judged(path, found, assumed) }
    }

    fn not_checked_out(&self) -> io::Result<BTreeSet<TreePath>> {
        self.work.not_checked_out()
    }

    fn barred(&self, path: &TreePath) -> Option<String> {
        self.work.barred(path)
    }

    fn files(&self) -> io::Result<BTreeMap<TreePath, u64>> {
        self.work.files()
    }

    fn folder(&self, folder: &TreePath) -> io::Result<Vec<TreePath>> {
        self.work.folder(folder)
    }

    fn objects(&self) -> io::Result<BTreeSet<String>> {
        self.work.objects()
    }

    fn object(&self, digest: &str) -> Option<Vec<u8>> {
        self.work.object(digest)
    }
}
