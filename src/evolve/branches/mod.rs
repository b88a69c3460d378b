//! Two branches that both drew migrations: what the published one drew stays, and what the other drew stays where it
//! fits beside it, or is drawn again from what the published one reached.

mod bases;
mod drawn;
mod settlement;

use std::collections::BTreeSet;

pub use bases::{InGit, PristineSide, resolve, revise_from_both};
pub use settlement::Settlement;

use self::drawn::{BranchSide, DrawnMigration, Split, drawn_since, split};
use self::settlement::notes_on;
use super::paths::{hash, lock_path};
use super::record::{self, Lock};
use super::repo::Repo;
use super::work::{Disk, Found, WorkTree as _, unreadable};
use crate::fault::{Fault, Faults};
use crate::git::{self, Meeting, MeetingKind, PublishedSide};
use crate::pack::{Policy, Text};
use crate::render::TreePath;
use crate::schema::{DisagreementKind, Layout, MigrationFile, SchemaRename, disagreements};

/// Two branches that meet, and are not settled.
#[derive(Debug)]
pub struct Branches<'a> {
    git: &'a git::Repository,
    meeting: &'a Meeting,
    /// What both had before.
    base: Layout,
    base_lock: Option<Lock>,
    ours: BranchSide,
    theirs: BranchSide,
}

impl<'a> Branches<'a> {
    /// The branches that meet in `repo`; none where none do, or all is settled.
    pub fn of(repo: &'a Repo) -> Result<Option<Self>, Faults> {
        let (Some(git), Some(meeting)) = (&repo.git, &repo.meeting) else { return Ok(None) };
        let path = lock_path();
        let text_at = |commit: &str| git.file_at(commit, path.as_str());
        let (Some(ours), Some(theirs)) = (text_at(&meeting.ours), text_at(&meeting.theirs)) else { return Ok(None) };
        let digest = meeting_digest(&ours, &theirs);
        if ours == theirs {
            return Ok(None);
        }
        // What was written since began with what the merge had.
        if meeting.merge.as_deref().is_some_and(|merge| text_at(merge) != text_at("HEAD")) {
            return Ok(None);
        }
        let base = meeting.base.as_deref().and_then(text_at);
        // What one side alone changed, git takes over whole.
        let alone = [(&ours, &theirs), (&theirs, &ours)].into_iter().find(|(one, _)| base.as_ref() == Some(*one));
        let read = |text: &[u8]| Lock::parse(&Text::from_utf8(path.as_str(), text.to_vec())?.content);
        let base = base.map(|text| read(&text)).transpose()?;
        let is_settled = |lock: &Lock| lock.branches.as_ref() == Some(&digest);
        if let record::Read::Whole(lock) = &repo.lock {
            if is_settled(lock) {
                return Ok(None);
            }
            if let Some((_, changed)) = alone
                && **lock == read(changed)?
            {
                return Ok(None);
            }
        }
        let (ours, theirs) = (read(&ours)?, read(&theirs)?);
        if ours.digest != theirs.digest {
            let (one, other) =
                (format!("{} {}", ours.pack, ours.version), format!("{} {}", theirs.pack, theirs.version));
            let fault = Fault::new(format!("{path}: one side is at {one}, the other at {other}"));
            let help = "take the merge back, run `new-service update` on the branch that is behind, and merge again";
            return Err(fault.help(help).into());
        }
        let branches = Self::read(git, meeting, base.as_ref(), ours, theirs)?;
        // A merge that is committed is judged as it was committed: what was changed since is no part of it.
        let committed = || Some(read(&git.file_at("HEAD", path.as_str())?));
        let judged = match (&repo.lock, meeting.goes_on()) {
            (record::Read::Whole(lock), true) => Some(Lock::clone(lock)),
            (record::Read::Whole(_), false) => committed().and_then(Result::ok),
            (record::Read::InConflict, _) => None,
        };
        if judged.is_some_and(|lock| is_settled(&lock) || branches.is_plain_union(base.as_ref(), &lock)) {
            return Ok(None);
        }
        if meeting.kind == MeetingKind::MergedBefore && !branches.is_left_out(&repo.lock, &repo.disk) {
            return Ok(None);
        }
        Ok(Some(branches))
    }

    /// Whether a migration that one of them drew is there, and the lock knows nothing of it: the record was taken from
    /// one side alone.
    fn is_left_out(&self, lock: &record::Read, disk: &Disk) -> bool {
        let record::Read::Whole(lock) = lock else { return true };
        let drawn = self.ours.drawn.iter().chain(&self.theirs.drawn).flat_map(|one| &one.files);
        drawn.filter(|path| !lock.files.contains_key(*path)).any(|path| {
            let drawn = [&self.ours.lock, &self.theirs.lock].into_iter().find_map(|lock| lock.files.get(path));
            matches!(disk.look(path), Ok(Found::File(there, _)) if drawn.is_some_and(|drawn| drawn.hash == hash(&there)))
        })
    }

    fn read(
        git: &'a git::Repository,
        meeting: &'a Meeting,
        base: Option<&Lock>,
        ours: Lock,
        theirs: Lock,
    ) -> Result<Self, Faults> {
        let dialect = ours.schema.as_ref().or(theirs.schema.as_ref()).map(|schema| schema.dialect);
        if let (Some(one), Some(two)) = (&ours.schema, &theirs.schema)
            && one.dialect != two.dialect
        {
            return Err(Fault::new("the branches have migrations for two databases").help("keep one of them").into());
        }
        let nothing = Layout { dialect: dialect.unwrap_or(crate::schema::Database::Postgres), tables: Vec::new() };
        let drawn = drawn_since(base, &ours, &theirs, git, &meeting.ours);
        let of_theirs = drawn_since(base, &theirs, &ours, git, &meeting.theirs);
        if meeting.base.is_none() && !drawn.is_empty() && !of_theirs.is_empty() {
            let fault = Fault::new("git does not know where the two branches parted");
            return Err(fault.help("of a shallow clone, fetch the rest: git fetch --unshallow").into());
        }
        let known = |stamp: &String, rename: &SchemaRename| {
            base.is_some_and(|base| base.renames.contains(&(stamp.clone(), rename.clone())))
        };
        let side = |commit: &str, lock: Lock, drawn| BranchSide {
            commit: commit.to_owned(),
            name: git.name_of(commit),
            renames: lock
                .renames
                .iter()
                .filter(|(stamp, rename)| !known(stamp, rename))
                .map(|one| one.1.clone())
                .collect(),
            layout: lock.schema.clone().unwrap_or_else(|| nothing.clone()),
            lock,
            drawn,
        };
        Ok(Self {
            git,
            meeting,
            base_lock: base.cloned(),
            base: base.and_then(|base| base.schema.clone()).unwrap_or_else(|| nothing.clone()),
            ours: side(&meeting.ours, ours, drawn),
            theirs: side(&meeting.theirs, theirs, of_theirs),
        })
    }

    /// Whether `lock` is what git makes of both by itself, and nothing more is to be done.
    fn is_plain_union(&self, base: Option<&Lock>, lock: &Lock) -> bool {
        let (one, two) = (split(&self.base, &self.ours, &self.theirs), split(&self.base, &self.theirs, &self.ours));
        if [&one, &two].iter().any(|split| !split.twins.is_empty() || !split.replaced.is_empty()) {
            return false;
        }
        let reached = self.reached(&self.ours, &self.theirs, &one);
        let same_schema = match (&lock.schema, &reached) {
            (Some(lock), Some(reached)) => {
                let facts = |layout: &Layout| layout.lines().into_iter().collect::<BTreeSet<_>>();
                facts(lock) == facts(reached)
            }
            (lock, reached) => lock.is_none() && reached.is_none(),
        };
        let paths: BTreeSet<&TreePath> =
            [&self.ours.lock, &self.theirs.lock, lock].iter().flat_map(|lock| lock.files.keys()).collect();
        let before = |path: &TreePath| base.and_then(|base| base.files.get(path));
        same_schema
            && paths.into_iter().all(|path| {
                let (ours, theirs) = (self.ours.lock.files.get(path), self.theirs.lock.files.get(path));
                let merged = if ours == before(path) { theirs } else { ours };
                lock.files.get(path) == merged && (ours == theirs || [ours, theirs].contains(&before(path)))
            })
    }

    /// The schema of `published`, with what of `other` stays.
    fn reached(&self, published: &BranchSide, other: &BranchSide, split: &Split) -> Option<Layout> {
        let mut reached = published.layout.clone();
        reached.take_tables(&self.base, &other.layout, &split.apart);
        published.lock.schema.as_ref().or(other.lock.schema.as_ref()).map(|_| reached)
    }

    /// What to begin with. `onto` names the published branch.
    pub fn settle(&self, onto: Option<&str>, disk: &Disk) -> Result<Settlement, Faults> {
        self.agree()?;
        let splits = [split(&self.base, &self.ours, &self.theirs), split(&self.base, &self.theirs, &self.ours)];
        let side = self.git.published(self.meeting, onto).map_err(Fault::new)?;
        let [of_theirs, of_ours] = splits;
        let replaces = |split: &Split| !split.replaced.is_empty();
        let mut notes = Vec::new();
        let ours_is_published = match side {
            Some(PublishedSide::Ours) => true,
            Some(PublishedSide::Theirs) => false,
            Some(PublishedSide::Both) if replaces(&of_theirs) || replaces(&of_ours) => {
                return Err(self.both_published(onto));
            }
            None if replaces(&of_theirs) || replaces(&of_ours) => return Err(self.nothing_published(onto)),
            // The earlier of two that are the same.
            _ => match (of_theirs.twins.first(), of_ours.twins.first()) {
                (Some(theirs), Some(ours)) => ours.stamp <= theirs.stamp,
                _ => true,
            },
        };
        let (published, other, split) =
            if ours_is_published { (&self.ours, &self.theirs, of_theirs) } else { (&self.theirs, &self.ours, of_ours) };
        self.is_free_to_go(published, other, &split, disk)?;
        notes.extend(notes_on(published, other, &split));
        let mut lock = published.lock.clone();
        for path in split.kept.iter().flat_map(|one| &one.files) {
            lock.files.extend(other.lock.files.get(path).map(|locked| (path.clone(), locked.clone())));
        }
        for one in &split.kept {
            lock.drew(&one.name, &one.stamp);
        }
        for (resource, retain) in &other.lock.retained {
            lock.retains(resource, *retain);
        }
        lock.schema = self.reached(published, other, &split);
        let is_apart = |rename: &SchemaRename| rename.tables().iter().any(|table| split.apart.contains(*table));
        let stays = other.lock.renames.iter().filter(|(_, rename)| other.renames.contains(rename) && !is_apart(rename));
        lock.renames.extend(stays.cloned());
        let text_at = |commit: &str| self.git.file_at(commit, lock_path().as_str()).unwrap_or_default();
        lock.branches = Some(meeting_digest(&text_at(&self.ours.commit), &text_at(&self.theirs.commit)));
        let mut other_lock = other.lock.clone();
        other_lock.files.retain(|_, locked| locked.policy != Policy::Append);
        let migrations = lock.files.iter().filter(|(_, locked)| locked.policy == Policy::Append);
        other_lock.files.extend(migrations.map(|(path, locked)| (path.clone(), locked.clone())));
        let there = self.missing(published, &published.drawn, disk)?.into_iter().chain(self.missing(
            other,
            &split.kept,
            disk,
        )?);
        Ok(Settlement {
            there: there.collect(),
            other: other_lock,
            commits: [&published.commit, &other.commit].into_iter().chain(&self.meeting.base).cloned().collect(),
            published: match side {
                Some(_) => published.drawn.iter().flat_map(|one| one.files.clone()).collect(),
                None => BTreeSet::new(),
            },
            renamed: other.renames.iter().filter(|rename| is_apart(rename)).cloned().collect(),
            gone: split.twins.into_iter().chain(split.replaced).collect(),
            goes_on: self.meeting.goes_on(),
            lock,
            notes,
        })
    }

    /// That the branches say nothing that cannot both hold.
    fn agree(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        for one in disagreements(&self.base, self.ours.schema(), self.theirs.schema()) {
            let (ours, theirs) = (self.ours.migrations_of(&one.tables), self.theirs.migrations_of(&one.tables));
            let message = match one.kind {
                DisagreementKind::DroppedByOurs => format!("{}: {ours} drops it, {theirs} changes it", one.what),
                DisagreementKind::DroppedByTheirs => format!("{}: {theirs} drops it, {ours} changes it", one.what),
                DisagreementKind::TwoValues(fact) => {
                    format!("{}: {ours} and {theirs} each give it another {fact}", one.what)
                }
            };
            faults.push(Fault::new(message).help(
                "take the merge back; on the branch that is not published, take its change back by `new-service resource`, \
                 commit, and merge again",
            ));
        }
        faults.or(())
    }

    fn nothing_published(&self, onto: Option<&str>) -> Faults {
        let message = format!(
            "{} and {} both changed a table, and which of them is published is not known",
            self.ours.migrations_of(&all_tables(&self.ours)),
            self.theirs.migrations_of(&all_tables(&self.theirs))
        );
        let message = match onto {
            Some(onto) => format!("{message}: neither is part of {onto}"),
            None => message,
        };
        Fault::new(message).help("name the branch whose migrations have run: new-service apply --onto BRANCH").into()
    }

    fn both_published(&self, onto: Option<&str>) -> Faults {
        let whose = onto.map_or_else(String::new, |onto| format!(" ({onto} has both)"));
        let message =
            format!("{} and {} changed a table, and both are published{whose}", self.ours.name, self.theirs.name);
        Fault::new(message)
            .help(
                "where the migrations of one of them have run nowhere, name the other: new-service apply --onto BRANCH",
            )
            .into()
    }

    /// That what is to go is as it was drawn, and that nothing is built on it.
    fn is_free_to_go(
        &self,
        published: &BranchSide,
        other: &BranchSide,
        split: &Split,
        disk: &Disk,
    ) -> Result<(), Faults> {
        let mut faults = Faults::default();
        for path in split.replaced.iter().chain(&split.twins).flat_map(|one| &one.files) {
            let drawn = other.lock.files.get(path).map(|locked| locked.hash.clone());
            let is_drawn = |content: &[u8]| Some(hash(&super::merge::without_carriages(content))) == drawn;
            let committed = self.git.file_at(&other.commit, path.as_str());
            let there = match disk.look(path).map_err(|error| unreadable(path, &error))? {
                // In conflict with a file of the same name, it stands there with markers.
                Found::File(content, _) if !published.lock.files.contains_key(path) => Some(content),
                _ => None,
            };
            if [committed, there].iter().flatten().any(|content| !is_drawn(content)) {
                let fault =
                    Fault::new(format!("{path} ({}): was changed by hand, and has to be drawn again", other.name));
                faults.push(fault.help(
                    "move what was written into a migration of your own, and give this file the text it was drawn with",
                ));
            }
        }
        let first = split.replaced.iter().map(|one| one.stamp.as_str()).min();
        if let (Some(first), Some(folder)) =
            (first, split.replaced.iter().find_map(|one| one.files.first()?.parents().last()))
        {
            let tables: BTreeSet<&String> = split.replaced.iter().flat_map(|one| &one.touched.tables).collect();
            let known = self.git.folder_at(&published.commit, folder);
            for path in self.git.folder_at(&other.commit, folder).into_iter().filter(|path| !known.contains(path)) {
                let Some(text) = self.git.file_at(&other.commit, &path) else { continue };
                let file =
                    MigrationFile { text: String::from_utf8_lossy(&text).into_owned(), path, is_as_drawn: false };
                let is_drawn = TreePath::new(&file.path).is_ok_and(|path| other.lock.files.contains_key(&path));
                let is_later = file.version().is_some_and(|version| Some(version) > first.parse().ok());
                let words: BTreeSet<String> = words(&file.text).collect();
                if let (false, true, Some(table)) =
                    (is_drawn, is_later, tables.iter().find(|table| words.contains(**table)))
                {
                    let message = format!(
                        "{} ({}): names {table}, whose migration has to be drawn again and comes later then",
                        file.path, other.name
                    );
                    faults.push(Fault::new(message).help(
                        "take it out of the folder, run this again, and put it back with a version after the new migrations",
                    ));
                }
            }
        }
        faults.or(())
    }

    /// Files of migrations that are not there, or were merged with others of the same name.
    fn missing(
        &self,
        side: &BranchSide,
        drawn: &[DrawnMigration],
        disk: &Disk,
    ) -> Result<Vec<(TreePath, Vec<u8>)>, Faults> {
        let other = if side.commit == self.ours.commit { &self.theirs } else { &self.ours };
        let mut missing = Vec::new();
        for path in drawn.iter().flat_map(|one| &one.files) {
            let found = disk.look(path).map_err(|error| unreadable(path, &error))?;
            if (found == Found::Nothing || other.lock.files.contains_key(path))
                && let Some(content) = self.git.file_at(&side.commit, path.as_str())
            {
                missing.push((path.clone(), content));
            }
        }
        Ok(missing)
    }

    /// Whether a file in conflict is one that is settled here: made by the template, or drawn.
    pub fn owns(&self, path: &str) -> bool {
        self.locks().any(|lock| lock.files.contains_key(path))
    }

    fn locks(&self) -> impl Iterator<Item = &Lock> {
        [&self.ours.lock, &self.theirs.lock].into_iter().chain(&self.base_lock)
    }

    /// Files of the template that git left in conflict.
    pub fn unmerged(&self) -> Result<BTreeSet<TreePath>, Faults> {
        let status = self.git.status().map_err(Fault::new)?;
        let is_generated = |path: &TreePath| {
            let known = self.locks().find_map(|lock| lock.files.get(path));
            known.is_some_and(|locked| locked.policy != Policy::Append)
        };
        Ok(status.unmerged.iter().filter_map(|path| TreePath::new(path).ok()).filter(is_generated).collect())
    }

    /// What both began with, where git knows it, and both branches.
    pub fn sides(&self) -> [Option<PristineSide<'_>>; 3] {
        let base = self.base_lock.as_ref().zip(self.meeting.base.as_deref());
        [
            base.map(|(lock, commit)| PristineSide { lock, commit }),
            Some(PristineSide { lock: &self.ours.lock, commit: &self.ours.commit }),
            Some(PristineSide { lock: &self.theirs.lock, commit: &self.theirs.commit }),
        ]
    }
}

fn all_tables(side: &BranchSide) -> BTreeSet<String> {
    side.drawn.iter().flat_map(|one| one.touched.tables.clone()).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_lowercase)
}

/// What the lock says of the branches that meet in `repo`, once they are settled.
pub fn digest(repo: &Repo) -> Option<String> {
    let (git, meeting) = (repo.git.as_ref()?, repo.meeting.as_ref()?);
    let text_at = |commit: &str| git.file_at(commit, lock_path().as_str());
    Some(meeting_digest(&text_at(&meeting.ours)?, &text_at(&meeting.theirs)?))
}

/// What two locks are known by, whichever of them is ours.
fn meeting_digest(one: &[u8], other: &[u8]) -> String {
    let mut digests = [hash(one), hash(other)];
    digests.sort();
    hash(digests.concat().as_bytes())
}
