//! The plan for a repository that is there: three ways, for every file.

mod left_behind;
mod mentions;
mod missed;
mod moves;
mod retentions;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use mentions::Names;

use super::action::{Action, Version};
use super::decide::{self, Decision, Rendered};
use super::format::{self, Unformatted, format_all};
use super::merge::{self, Labels, marker};
use super::paths::{is_hash, lock_path, object_path, objects_folder, service_path};
use super::plan::{CHECK, Entry, Plan, ignore_rules, unlocked_note, unlocked_step};
use super::record::{Lock, Locked};
use super::shadows::{Stale, stale};
use super::work::{Found, WorkTree, unreadable};
use crate::blueprint::Blueprint;
use crate::fault::{Fault, Faults, Place};
use crate::pack::{Pack, Policy};
use crate::render::{Mode, Tree, TreeFile, TreePath, render_in_time};
use crate::schema::{Migration, RustSource, query_names};

/// From what a repository was made to what it is to be made of.
pub struct Revision<'a> {
    pub blueprint: &'a Blueprint,
    pub pack: &'a Arc<Pack>,
    /// What it was last made of.
    pub lock: &'a Lock,
    pub work: &'a dyn WorkTree,
    /// The text that `service.toml` is to have.
    pub service: String,
}

impl<'a> Revision<'a> {
    /// The same from another record and another working tree.
    #[must_use]
    pub fn over(&self, work: &'a dyn WorkTree, lock: &'a Lock) -> Revision<'a> {
        Revision { blueprint: self.blueprint, pack: self.pack, lock, work, service: self.service.clone() }
    }
}

impl Plan {
    /// Nothing is written; reading is all it does to `revision.work`.
    pub fn revise(revision: &Revision) -> Result<Self, Faults> {
        Self::revise_to(revision, &render_in_time(revision.blueprint, revision.pack)?)
    }

    /// The same, to a tree that is rendered already.
    pub fn revise_to(revision: &Revision, tree: &Tree) -> Result<Self, Faults> {
        let mut reviser = Reviser::new(revision, tree);
        reviser.format();
        let moves = reviser.moves();
        let is_source = |path: &TreePath| moves.values().any(|from| from == path);
        // A source that is still made is decided with the file that its text goes to.
        for (path, file) in tree.iter().filter(|(path, _)| !is_source(path)) {
            match moves.get(path) {
                Some(from) => reviser.moved(path, file, from)?,
                None => reviser.made(path, file)?,
            }
        }
        let gone = revision.lock.files.iter().filter(|(path, _)| tree.get(path.as_str()).is_none());
        for (path, locked) in gone.filter(|(path, _)| !is_source(path)) {
            reviser.gone(path, locked)?;
        }
        reviser.queries()?;
        reviser.own(service_path(), Some(revision.service.clone().into_bytes()))?;
        reviser.record(&moves)?;
        reviser.left_behind(&moves)?;
        let missed = reviser.missed()?;
        let mentions = reviser.mentions()?;
        reviser.faults.or(())?;
        let mut entries = reviser.entries;
        for entry in &mut entries {
            entry.overlay = tree.get(entry.path.as_str()).and_then(|file| file.overlay.clone());
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let Reviser { unformatted, mut notes, mut next, .. } = reviser;
        let is_new = |path: &TreePath| !revision.lock.files.contains_key(path);
        let appended = tree.iter().filter(|(path, file)| file.policy == Policy::Append && is_new(path));
        let migrations: Vec<String> = appended.map(|(path, _)| path.to_string()).collect();
        let all = |of: fn(&Migration) -> &Vec<String>| tree.steps.iter().flat_map(of).cloned().collect::<Vec<_>>();
        let mut destructive = all(|step| &step.destructive);
        destructive.extend(retentions::shorter(revision.lock, &revision.blueprint.resources));
        notes.extend(all(|step| &step.notes));
        let is_taken_in = revision.lock.digest != revision.pack.digest;
        if is_taken_in || entries.iter().any(|entry| entry.overlay.is_some() && entry.changes()) {
            notes.extend(tree.notes.iter().chain(&tree.strays).cloned());
        }
        if let Some(lock) = &revision.pack.manifest.lock
            && entries.iter().any(|entry| entry.path.as_str() == lock.manifest && entry.changes())
        {
            notes.extend(unlocked_note(tree, revision.pack));
            next.extend(unlocked_step(tree));
        }
        let stale = stale(&revision.lock.shadows, revision.pack, &tree.layers);
        notes.extend(stale.iter().map(Stale::note));
        if !migrations.is_empty() {
            next.extend(migrate_step(revision.pack, &tree.layers));
        }
        let layers = tree.layers.clone();
        Ok(Self {
            entries,
            layers,
            unformatted,
            migrations,
            destructive,
            notes,
            stale,
            missed,
            mentions,
            next,
            ignore_rules: ignore_rules(tree),
            ..Self::default()
        })
    }
}

/// How the layer that is the database runs migrations.
fn migrate_step(pack: &Pack, layers: &[String]) -> Option<String> {
    pack.database(layers)?.migrate.clone()
}

struct Reviser<'a> {
    revision: &'a Revision<'a>,
    tree: &'a Tree,
    /// Of what the template makes now.
    new: Lock,
    labels: Labels,
    /// What the formatter changes, of what the template makes now and of what it made last.
    theirs: BTreeMap<TreePath, Vec<u8>>,
    bases: BTreeMap<TreePath, Vec<u8>>,
    /// Pristine bytes of files that are not as they were.
    raw: BTreeMap<TreePath, Vec<u8>>,
    unformatted: Option<String>,
    entries: Vec<Entry>,
    notes: Vec<String>,
    next: Vec<String>,
    faults: Faults,
}

impl<'a> Reviser<'a> {
    fn new(revision: &'a Revision<'a>, tree: &'a Tree) -> Self {
        let manifest = &revision.pack.manifest;
        let lock = revision.lock;
        let (before, now) = if lock.version == manifest.version { (", before", ", now") } else { ("", "") };
        let labels = Labels {
            ours: "yours".into(),
            base: format!("{} {}{before}", lock.pack, lock.version),
            theirs: format!("{} {}{now}", manifest.name, manifest.version),
        };
        let new = Lock::of(revision.blueprint, revision.pack, tree);
        let mut raw = BTreeMap::new();
        for (path, locked) in lock.files.iter().filter(|(_, locked)| locked.policy == Policy::Merge) {
            if !is_same(Some(locked), new.files.get(path))
                && let Some(content) = revision.work.object(&locked.hash)
            {
                raw.insert(path.clone(), content);
            }
        }
        Self {
            revision,
            tree,
            new,
            labels,
            theirs: BTreeMap::new(),
            bases: BTreeMap::new(),
            raw,
            unformatted: None,
            entries: Vec::new(),
            notes: Vec::new(),
            next: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// Both sides of what is not the same go through one formatter, each by its own settings.
    fn format(&mut self) {
        let rules = &self.revision.pack.manifest.format;
        let Some(rustfmt) = &rules.rustfmt else { return };
        let lock = self.revision.lock;
        let changed = |path: &TreePath| !is_same(lock.files.get(path), self.new.files.get(path));
        let theirs: Vec<(&TreePath, &[u8])> = format::candidates(self.tree, rules)
            .filter(|path| changed(path))
            .filter_map(|path| Some((path, self.tree.get(path.as_str())?.content.as_slice())))
            .collect();
        let bases: Vec<(&TreePath, &[u8])> =
            lock.formatted.iter().filter_map(|path| Some((path, self.raw.get(path)?.as_slice()))).collect();
        let now = rustfmt.config.as_deref().and_then(|config| self.tree.get(config));
        let now = now.map_or(&[][..], |file| &file.content);
        let then = rustfmt.config.as_deref().and_then(|config| self.raw.get(&TreePath::new(config).ok()?));
        let then = then.map_or(now, Vec::as_slice);
        let texts = theirs.iter().map(|(_, text)| Unformatted { text, settings: now });
        let texts = texts.chain(bases.iter().map(|(_, text)| Unformatted { text, settings: then }));
        // Both or none: one of them alone would make every line differ.
        match format_all(&texts.collect::<Vec<_>>(), rustfmt) {
            Ok(mut formatted) => {
                let of_bases = formatted.split_off(theirs.len());
                let of_theirs = format::changed(theirs.iter().map(|(path, _)| *path), formatted);
                let of_bases = format::changed(bases.iter().map(|(path, _)| *path), of_bases);
                (self.theirs, self.bases) = (of_theirs, of_bases);
            }
            Err(why) => self.unformatted = Some(why),
        }
    }

    /// What stands at a path, as git counts it.
    fn look(&self, path: &TreePath) -> Result<Found, Faults> {
        let Revision { lock, work, .. } = self.revision;
        let assumed = lock.files.get(path).map(|locked| locked.mode);
        let found = work.look(path).and_then(|found| work.judged(path, found, assumed));
        found.map_err(|error| unreadable(path, &error))
    }

    fn base<'b>(&'b self, path: &TreePath, locked: &Locked) -> Option<Version<'b>> {
        let raw = self.raw.get(path)?;
        Some(Version { raw, formatted: self.bases.get(path).unwrap_or(raw), mode: locked.mode })
    }

    fn theirs<'b>(&'b self, path: &TreePath, file: &'b TreeFile) -> Version<'b> {
        let formatted = self.theirs.get(path).unwrap_or(&file.content);
        Version { raw: &file.content, formatted, mode: file.mode }
    }

    /// Whether a difference of form alone may be the formatter's, which is missing now.
    fn is_unformatted(&self, path: &TreePath) -> bool {
        self.unformatted.is_some() && self.revision.lock.formatted.contains(path)
    }

    fn made(&mut self, path: &TreePath, file: &TreeFile) -> Result<(), Faults> {
        let locked = self.revision.lock.files.get(path);
        if is_same(locked, self.new.files.get(path)) {
            // The template's part is as it was, so that whatever stands there is the user's.
            let entry = Entry::create(path.clone(), file.content.clone(), file.mode, Some(file.layer.clone()));
            self.entries.push(Entry { action: Action::Unchanged, ..entry });
            return Ok(());
        }
        let found = self.look(path)?;
        let decision = self.decide(path, file, path, &found);
        self.push(path, Some(&file.layer), found, decision, None);
        Ok(())
    }

    /// What becomes of `found`, which the template makes at `path` now and last made at `last`.
    fn decide(&mut self, path: &TreePath, file: &TreeFile, last: &TreePath, found: &Found) -> Decision {
        let locked = self.revision.lock.files.get(last);
        if let (Policy::Lock, Some(locked), Found::File(ours, mode)) = (file.policy, locked, found) {
            let decision = decide::lock_file(locked, &file.content, ours, *mode);
            if matches!(decision.action, Action::Merge | Action::Keep) {
                // Cargo has the last word on a lock file that two have written to.
                self.next.push(CHECK.into());
            }
            return decision;
        }
        let made = Rendered {
            path: path.as_str(),
            policy: file.policy,
            locked,
            base: locked.and_then(|locked| self.base(last, locked)),
            theirs: self.theirs(path, file),
            labels: &self.labels,
            unformatted: self.is_unformatted(last),
        };
        made.decide(found.clone())
    }

    fn gone(&mut self, path: &TreePath, locked: &Locked) -> Result<(), Faults> {
        // Written once: nobody has to look, nor git to be asked.
        if matches!(locked.policy, Policy::Once | Policy::Append) {
            return Ok(());
        }
        let found = self.look(path)?;
        let base = self.base(path, locked);
        if let Some(decision) = decide::no_longer(locked, base, found.clone(), self.is_unformatted(path)) {
            self.push(path, Some(&locked.layer), found, decision, None);
        }
        Ok(())
    }

    fn push(
        &mut self,
        path: &TreePath,
        layer: Option<&String>,
        found: Found,
        decision: Decision,
        moved_from: Option<TreePath>,
    ) {
        let before = file_of(found);
        let Decision { action, content, beside, conflicts, stages } = decision;
        if action.writes()
            && let Some(why) = self.revision.work.barred(path)
        {
            let fault = Fault::new(format!("{path}: {why}"));
            self.faults.push(fault.help("the template has something to write there: put a folder in its place first"));
            return;
        }
        if let (Action::Merge | Action::Conflict, Some((ours, _))) = (action, &before)
            && self.is_unresolved(path, path, ours)
        {
            return;
        }
        if let Some((content, mode)) = beside {
            let (path, before) = self.place_beside(path, &content);
            let conflicts = usize::from(action == Action::Beside);
            let entry = Entry::create(path, content, mode, layer.cloned());
            self.entries.push(Entry { action: Action::Beside, before, conflicts, ..entry });
        }
        if action != Action::Beside {
            let (content, mode) = content.unwrap_or((Vec::new(), Mode::Plain));
            let entry = Entry::create(path.clone(), content, mode, layer.cloned());
            self.entries.push(Entry { action, before, conflicts, stages, moved_from, ..entry });
        }
    }

    /// Whether `ours`, at `path`, still has the markers of a conflict, which is a fault; the template made it last at
    /// `last`.
    fn is_unresolved(&mut self, path: &TreePath, last: &TreePath, ours: &[u8]) -> bool {
        let marked = |text: &[u8]| marker(&String::from_utf8_lossy(text));
        let Some(line) = marked(ours) else { return false };
        if self.raw.get(last).is_some_and(|raw| marked(raw).is_some()) {
            return false;
        }
        let fault = Fault::at(Place::new(path.as_str(), line, 1), "a conflict is not resolved");
        self.faults.push(fault.help("choose, take the markers out, and commit"));
        true
    }

    /// `PATH.new`, or with a number where that is taken by something else.
    fn place_beside(&self, path: &TreePath, content: &[u8]) -> (TreePath, Option<(Vec<u8>, Mode)>) {
        let numbered = (2..).map(|number| format!("{path}.new.{number}"));
        for name in std::iter::once(format!("{path}.new")).chain(numbered) {
            let Ok(place) = TreePath::new(&name) else { break };
            match self.revision.work.look(&place) {
                Ok(Found::Nothing) => return (place, None),
                Ok(Found::File(there, mode)) if there == content => return (place, Some((there, mode))),
                _ => {}
            }
        }
        (path.clone(), None)
    }

    /// Queries that a merge has changed, and whose data nobody has written yet.
    fn queries(&mut self) -> Result<(), Faults> {
        let is_in = |layer: &&crate::pack::Layer| self.tree.layers.contains(&layer.name);
        let rules = self.revision.pack.layers.iter().filter(is_in).filter_map(|layer| layer.database.as_ref());
        let Some(folder) = rules.into_iter().find_map(|rule| rule.queries.clone()) else { return Ok(()) };
        let mut missing = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.action == Action::Merge) {
            let (path, text) = (entry.path.as_str(), String::from_utf8_lossy(&entry.content));
            if Path::new(path).extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            for name in query_names(&RustSource { path, text: &text, from: path }) {
                let Ok(data) = TreePath::new(&format!("{folder}/{name}")) else { continue };
                if self.tree.get(data.as_str()).is_none() && self.look(&data)? == Found::Nothing {
                    missing.push(path.to_owned());
                }
            }
        }
        missing.dedup();
        for path in &missing {
            let how = "with a migrated DATABASE_URL: cargo sqlx prepare";
            self.notes.push(format!("{path}: a query has no data yet in {folder}; {how}"));
        }
        Ok(())
    }

    /// A file that new-service alone writes to; none takes it away.
    fn own(&mut self, path: TreePath, content: Option<Vec<u8>>) -> Result<(), Faults> {
        let there = self.revision.work.look(&path).map_err(|error| unreadable(&path, &error))?;
        let before = match there {
            Found::File(content, mode) => Some((content, mode)),
            Found::Nothing => None,
            Found::Other(why) => {
                self.faults.push(Fault::new(format!("{path}: {why}, and a file is wanted")));
                return Ok(());
            }
        };
        // git may have turned its line ends round.
        let content = match (&before, content) {
            (Some((there, _)), Some(content)) => Some(merge::with_ends_of(there, content)),
            (_, content) => content,
        };
        let action = match (&before, &content) {
            (None, None) => return Ok(()),
            (None, Some(_)) => Action::Create,
            (Some(_), None) => Action::Delete,
            (Some((there, _)), Some(content)) if there == content => Action::Unchanged,
            (Some(_), Some(_)) => Action::Update,
        };
        let mode = before.as_ref().map_or(Mode::Plain, |(_, mode)| *mode);
        let entry = Entry::create(path, content.unwrap_or_default(), mode, None);
        self.entries.push(Entry { action, before, ..entry });
        Ok(())
    }

    /// The lock and the pristine files are those of what the template makes now, whatever became of the files.
    fn record(&mut self, moves: &BTreeMap<TreePath, TreePath>) -> Result<(), Faults> {
        let Revision { lock, work, .. } = self.revision;
        let mut new = self.new.clone();
        let shadows = std::mem::take(&mut new.shadows);
        let written_once = lock.files.iter().filter(|(_, locked)| locked.policy == Policy::Append);
        for (path, locked) in written_once.filter(|(path, _)| !moves.values().any(|from| from == *path)) {
            new.files.entry(path.clone()).or_insert_with(|| locked.clone());
        }
        new.carry_on(lock);
        // An earlier new-service did not write them, and they alone are no reason to change a repository.
        if new != **lock {
            new.shadows = shadows;
        }
        let there = work.objects().map_err(|error| unreadable(&objects_folder(), &error))?;
        let objects = new.objects(self.tree);
        for hash in there.iter().filter(|hash| !objects.contains_key(hash.as_str())) {
            // Names that are no hash are not ours.
            if is_hash(hash) {
                self.own(object_path(hash), None)?;
            }
        }
        for (hash, content) in objects.into_iter().filter(|(hash, _)| !there.contains(*hash)) {
            self.own(object_path(hash), Some(content.to_owned()))?;
        }
        self.own(lock_path(), Some(new.print().into_bytes()))
    }
}

/// What stands there, where it is a file.
fn file_of(found: Found) -> Option<(Vec<u8>, Mode)> {
    if let Found::File(content, mode) = found { Some((content, mode)) } else { None }
}

/// Whether the template makes of a file what it made last.
fn is_same(last: Option<&Locked>, now: Option<&Locked>) -> bool {
    let same =
        |(last, now): (&Locked, &Locked)| last.policy == now.policy && last.mode == now.mode && last.hash == now.hash;
    last.zip(now).is_some_and(same)
}
