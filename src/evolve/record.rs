//! What a repository keeps of its making: `.new-service/lock` and `.new-service/base/`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::format;
use super::merge::marker;
use super::paths::{is_hash, lock_path, object_path};
use super::shadows::{self, Shadows};
use super::work::{Found, WorkTree, unreadable};
use crate::blueprint::{Blueprint, Drawn};
use crate::fault::{Fault, Faults, Place};
use crate::pack::{Pack, Policy, check_plain, hash};
use crate::render::{Mode, Tree, TreePath};
use crate::schema::{Layout, MigrationFile, Retention, SchemaRename};

/// The format of the lock file: 7 with lines `retain`, 6 with lines `renamed` and `branches`, 5 since it says whose tables are, 4 since resources declare who
/// may read and write them, 3 with lines `shadow`.
const FORMAT: u32 = 7;

/// The format of a lock without lines `retain`.
const WITHOUT_RETENTION: u32 = 6;

/// The format of a lock without those, which earlier binaries read as well.
const WITHOUT_BRANCHES: u32 = 5;

/// The first format of repositories whose resources declare who may read and write them.
const ACCESS_RULES: u32 = 4;

const HEADER: &str = "# Written by new-service; commit it, and leave it to new-service to change.\n";

/// `.new-service/lock`: sorted text, a fact a line, so that git merges what two people changed. new-service writes
/// it; `format` and a number say in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// `digest sha256:HEX`: of the pack, overlays included, that the files are from.
    pub digest: String,
    /// `pack NAME VERSION`: the pack, and its version then.
    pub pack: String,
    pub version: String,
    /// `drawn year YYYY`: when the repository was made, for the licence.
    pub year: String,
    /// `drawn migration NAME STAMP`: a migration that was made, and the stamp that its files begin with.
    pub migrations: BTreeMap<String, String>,
    /// `file PATH POLICY MODE SHA256 LAYER`: a file that was made; the digest is of its bytes before any formatter,
    /// which `.new-service/base/SHA256` holds where the policy is `merge`.
    pub files: BTreeMap<TreePath, Locked>,
    /// `formatted PATH`: a file that a formatter has changed, or would have, where there was one.
    pub formatted: BTreeSet<TreePath>,
    /// `shadow PATH NUMBER SHA256`: a file of the pack (without `.tera`) that an overlay, counted from 1, stands for;
    /// the digest is of what it hides.
    pub shadows: Shadows,
    /// `format NUMBER`: of the file as it was read.
    pub format: u32,
    /// `model FACT`: of the schema that the migrations have reached: a table, a column, an index, a constraint.
    pub schema: Option<Layout>,
    /// `renamed STAMP table|column|choice … FROM TO`: what migrations renamed, which another branch may not have yet.
    pub renames: BTreeSet<(String, SchemaRename)>,
    /// `retain RESOURCE DAYS`: how long the rows of a resource are kept.
    pub retained: BTreeMap<String, Retention>,
    /// `branches SHA256`: the two branches whose meeting it settles, by the digest of both locks.
    pub branches: Option<String>,
}

/// A file as it was made: raw, before any formatter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    pub policy: Policy,
    pub mode: Mode,
    pub hash: String,
    pub layer: String,
}

impl Lock {
    /// The lock of a repository that is `tree`.
    pub fn of(blueprint: &Blueprint, pack: &Pack, tree: &Tree) -> Self {
        let locked = |(path, file): (&TreePath, &crate::render::TreeFile)| {
            let hash = hash(&file.content);
            (path.clone(), Locked { policy: file.policy, mode: file.mode, hash, layer: file.layer.clone() })
        };
        Self {
            digest: pack.digest.clone(),
            pack: pack.manifest.name.clone(),
            version: pack.manifest.version.clone(),
            year: blueprint.drawn.year.clone(),
            migrations: tree.migrations.clone(),
            files: tree.iter().collect::<Vec<_>>().into_par_iter().map(locked).collect(),
            formatted: format::candidates(tree, &pack.manifest.format).cloned().collect(),
            shadows: shadows::of(pack),
            format: WITHOUT_BRANCHES,
            schema: tree.schema.clone(),
            renames: tree.schema_renames.iter().cloned().collect(),
            retained: blueprint.resources.iter().filter_map(|one| Some((one.name.clone(), one.retain?))).collect(),
            branches: None,
        }
    }

    /// What was drawn when the repository was made, for a command that began at `moment`; without its migrations.
    pub fn drawn(&self, moment: u64) -> Drawn {
        Drawn {
            year: self.year.clone(),
            moment,
            migrations: self.migrations.clone(),
            reached: self.schema.clone(),
            layers: self.files.values().map(|file| file.layer.clone()).collect(),
            files: Vec::new(),
            renamed: Vec::new(),
            replaced: None,
        }
    }

    /// Whether there are migrations that it does not list.
    pub fn lacks_migrations(&self, work: &dyn WorkTree) -> bool {
        let is_unknown =
            |path: &TreePath| path.as_str().strip_suffix(".sql").is_some() && !self.files.contains_key(path);
        self.migration_folders()
            .iter()
            .filter_map(|folder| TreePath::new(folder).ok())
            .any(|folder| work.folder(&folder).is_ok_and(|paths| paths.iter().any(is_unknown)))
    }

    /// The folders of those that were drawn.
    fn migration_folders(&self) -> BTreeSet<&str> {
        let drawn = self.files.iter().filter(|(_, locked)| locked.policy == Policy::Append);
        drawn.filter_map(|(path, _)| path.as_str().rsplit_once('/')).map(|(folder, _)| folder).collect()
    }

    /// The migrations of the repository in `work`: all SQL in the folders of those that were drawn.
    pub fn migration_files(&self, work: &dyn WorkTree) -> Result<Vec<MigrationFile>, Faults> {
        let mut files = Vec::new();
        for folder in self.migration_folders() {
            let Ok(folder) = TreePath::new(folder) else { continue };
            for path in work.folder(&folder).map_err(|error| unreadable(&folder, &error))? {
                if path.as_str().strip_suffix(".sql").is_none() {
                    continue;
                }
                let Found::File(content, _) = work.look(&path).map_err(|error| unreadable(&path, &error))? else {
                    continue;
                };
                let is_as_drawn = self.files.get(&path).is_some_and(|locked| locked.hash == hash(&content));
                let text = String::from_utf8_lossy(&content).into_owned();
                files.push(MigrationFile { path: path.to_string(), text, is_as_drawn });
            }
        }
        Ok(files)
    }

    /// Whether it was written when every account could write all rows that have no owner.
    pub fn predates_access_rules(&self) -> bool {
        self.format < ACCESS_RULES
    }

    /// The pristine bytes of every file of `tree`, which it is the lock of, that is merged, by their hash; two files
    /// of one content share an object.
    pub fn objects<'a>(&'a self, tree: &'a Tree) -> BTreeMap<&'a str, &'a [u8]> {
        let merged = self.files.iter().filter(|(_, file)| file.policy == Policy::Merge);
        merged.filter_map(|(path, file)| Some((&*file.hash, &*tree.get(path.as_str())?.content))).collect()
    }

    /// Takes over what a lock before it says of more than the files that are made now.
    pub fn carry_on(&mut self, before: &Self) {
        for (name, stamp) in &before.migrations {
            self.migrations.entry(name.clone()).or_insert_with(|| stamp.clone());
        }
        self.renames.extend(before.renames.iter().cloned());
        self.branches.clone_from(&before.branches);
        self.format = self.format_needed();
    }

    fn format_needed(&self) -> u32 {
        if !self.retained.is_empty() {
            FORMAT
        } else if !self.renames.is_empty() || self.branches.is_some() {
            WITHOUT_RETENTION
        } else {
            WITHOUT_BRANCHES
        }
    }

    pub fn print(&self) -> String {
        let mut lines = vec![
            format!("digest {}", self.digest),
            format!("drawn year {}", self.year),
            format!("format {}", self.format_needed()),
            format!("pack {} {}", self.pack, self.version),
        ];
        lines.extend(self.migrations.iter().map(|(name, stamp)| format!("drawn migration {name} {stamp}")));
        lines.extend(self.formatted.iter().map(|path| format!("formatted {path}")));
        for (path, Locked { policy, mode, hash, layer }) in &self.files {
            // The path comes first: sorted, two branches that changed one file meet at one place.
            lines.push(format!("file {path} {} {:o} {hash} {layer}", policy.as_str(), mode.bits()));
        }
        lines.extend(self.renames.iter().map(|(stamp, rename)| format!("renamed {stamp} {rename}")));
        lines.extend(self.retained.iter().map(|(resource, retain)| format!("retain {resource} {retain}")));
        lines.extend(self.branches.iter().map(|digest| format!("branches {digest}")));
        lines.extend(self.shadows.iter().map(|((path, number), hash)| format!("shadow {path} {number} {hash}")));
        lines.extend(self.schema.iter().flat_map(Layout::lines).map(|line| format!("model {line}")));
        lines.sort();
        let mut text = HEADER.to_owned();
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Reads what [`Self::print`] wrote, in any order of lines.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let mut lock = Self {
            digest: String::new(),
            pack: String::new(),
            version: String::new(),
            year: String::new(),
            migrations: BTreeMap::new(),
            files: BTreeMap::new(),
            formatted: BTreeSet::new(),
            shadows: Shadows::new(),
            format: 1,
            schema: None,
            renames: BTreeSet::new(),
            retained: BTreeMap::new(),
            branches: None,
        };
        let model: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("model ")).collect();
        if !model.is_empty() {
            lock.schema =
                Some(Layout::read(model).ok_or_else(|| broken(1, "its lines `model` do not fit each other"))?);
        }
        // Format 1 had the path of a file last, and did not know what was formatted.
        let first = text.lines().any(|line| line == "format 1");
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let line = if first { in_order(line) } else { Cow::Borrowed(line) };
            lock.line(&line).map_err(|why| broken(number, &why))?;
        }
        if first {
            let rust = lock.files.keys().filter(|path| path.as_str().rsplit('.').next() == Some("rs"));
            lock.formatted = rust.cloned().collect();
        }
        for (what, value) in [("digest", &lock.digest), ("pack", &lock.pack), ("drawn year", &lock.year)] {
            if value.is_empty() {
                return Err(broken(1, &format!("no line says `{what}`")));
            }
        }
        Ok(lock)
    }

    /// Of two branches, each may have a migration of one name: the later one counts.
    pub fn drew(&mut self, migration: &str, stamp: &str) {
        let known = self.migrations.entry(migration.to_owned()).or_default();
        if known.as_str() < stamp {
            stamp.clone_into(known);
        }
    }

    /// Of two branches, each may have another retention: the shorter one counts, which was announced there.
    pub fn retains(&mut self, resource: &str, retain: Retention) {
        let known = self.retained.entry(resource.to_owned()).or_insert(retain);
        *known = retain.min(*known);
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        // What two people's branches left is not always new-service's; messages name what is in it.
        check_plain(line)?;
        let not_ours = || "this is no line that new-service writes".to_owned();
        let (word, rest) = line.split_once(' ').ok_or_else(not_ours)?;
        let mut words = rest.splitn(5, ' ');
        let mut next = || words.next().ok_or_else(not_ours);
        match word {
            "digest" => rest.clone_into(&mut self.digest),
            "format" => {
                let format: u32 = rest.parse().map_err(|_| not_ours())?;
                if format > FORMAT {
                    return Err(format!("format {format} is newer than what this binary reads, {FORMAT}"));
                }
                self.format = format;
            }
            "pack" => (self.pack, self.version) = (next()?.to_owned(), next()?.to_owned()),
            "drawn" => match next()? {
                "year" => next()?.clone_into(&mut self.year),
                "migration" => self.drew(next()?, next()?),
                _ => return Err(not_ours()),
            },
            // Read all together.
            "model" => {}
            "renamed" => {
                let (stamp, rename) = rest.split_once(' ').ok_or_else(not_ours)?;
                self.renames.insert((stamp.to_owned(), SchemaRename::read(rename).ok_or_else(not_ours)?));
            }
            "retain" => self.retains(next()?, Retention::parse(next()?).map_err(|_| not_ours())?),
            "branches" => {
                self.branches = Some(rest.to_owned());
                is_hash(rest).then_some(()).ok_or_else(not_ours)?;
            }
            "formatted" => drop(self.formatted.insert(TreePath::new(rest)?)),
            "file" => {
                // From the end, for a path may hold spaces.
                let mut words = rest.rsplitn(5, ' ');
                let mut next = || words.next().ok_or_else(not_ours);
                let (layer, hash) = (next()?.to_owned(), next()?.to_owned());
                let mode = if next()? == "755" { Mode::Executable } else { Mode::Plain };
                let policy = Policy::of(next()?).ok_or_else(not_ours)?;
                if !is_hash(&hash) {
                    return Err(not_ours());
                }
                let path = TreePath::new(next()?)?;
                if self.files.insert(path, Locked { policy, mode, hash, layer }).is_some() {
                    return Err("a file stands twice".into());
                }
            }
            "shadow" => {
                let mut words = rest.rsplitn(3, ' ');
                let mut next = || words.next().ok_or_else(not_ours);
                let (hash, number) = (next()?, next()?.parse().map_err(|_| not_ours())?);
                if !is_hash(hash) {
                    return Err(not_ours());
                }
                self.shadows.insert((next()?.to_owned(), number), hash.to_owned());
            }
            _ => return Err(not_ours()),
        }
        Ok(())
    }
}

/// A line of format 1 in the order of today's: `file POLICY MODE HASH LAYER PATH` had the path last.
fn in_order(line: &str) -> Cow<'_, str> {
    let words: Vec<&str> = line.splitn(6, ' ').collect();
    match words[..] {
        ["file", policy, mode, hash, layer, path] => format!("file {path} {policy} {mode} {hash} {layer}").into(),
        _ => line.into(),
    }
}

/// The lock as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    Whole(Box<Lock>),
    /// Two branches were merged, and git could not merge it.
    InConflict,
}

/// Reads `.new-service/lock`, which git may have left with conflict markers.
pub fn read(text: &str) -> Result<Read, Faults> {
    if marker(text).is_some() {
        return Ok(Read::InConflict);
    }
    Ok(Read::Whole(Box::new(Lock::parse(text)?)))
}

fn broken(line: usize, why: &str) -> Faults {
    let fault = Fault::at(Place::new(lock_path().as_str(), line, 1), why);
    fault.help("take the file as it was committed: git checkout HEAD -- .new-service").into()
}

/// The record's files, by path from the repository's root.
pub fn files(blueprint: &Blueprint, pack: &Pack, tree: &Tree) -> Vec<(TreePath, Vec<u8>)> {
    let lock = Lock::of(blueprint, pack, tree);
    let objects = lock.objects(tree).into_iter().map(|(hash, content)| (object_path(hash), content.to_owned()));
    let mut files: Vec<(TreePath, Vec<u8>)> = objects.collect();
    files.push((lock_path(), lock.print().into_bytes()));
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "digest sha256:0\ndrawn year 2026\nformat 5\npack small 0.1.0\n";

    #[test]
    fn what_is_printed_is_read_the_same() {
        let lock = Lock::parse(LOCK).unwrap();
        assert_eq!(Lock::parse(&lock.print()).unwrap(), lock);
        // As an editor of Windows leaves it.
        assert_eq!(Lock::parse(&LOCK.replace('\n', "\r\n")).unwrap(), lock);
    }

    #[test]
    fn a_shadow_is_a_path_a_number_and_a_digest() {
        let hash = "a".repeat(64);
        let line = format!("shadow layers/core/files/{{= a b =}}.rs 2 {hash}\n");
        let lock = Lock::parse(&format!("{LOCK}{line}")).unwrap();
        assert_eq!(lock.shadows, [(("layers/core/files/{= a b =}.rs".into(), 2), hash.clone())].into());
        let printed = lock.print();
        assert!(printed.ends_with(&line), "{printed}");
        assert_eq!(Lock::parse(&printed).unwrap(), lock);
        for line in [format!("shadow x {hash}"), format!("shadow x y {hash}"), "shadow x 1 aa".to_owned()] {
            let said = Lock::parse(&format!("{LOCK}{line}\n")).unwrap_err().to_string();
            assert!(said.contains(":5:1: this is no line that new-service writes"), "{line}: {said}");
        }
    }

    /// As git leaves the lines of two branches.
    #[test]
    fn of_two_retentions_the_shorter_counts() {
        for lines in ["retain order 30d\nretain order 60d\n", "retain order 60d\nretain order 30d\n"] {
            let printed = Lock::parse(&format!("{LOCK}{lines}")).unwrap().print();
            assert!(printed.ends_with("\nformat 7\npack small 0.1.0\nretain order 30d\n"), "{printed}");
        }
        assert!(Lock::parse(&format!("{LOCK}retain order 12h\n")).is_err());
    }

    /// Messages name the version, and a terminal would obey it.
    #[test]
    fn what_a_terminal_would_obey_is_refused() {
        for (version, what) in [("0.1.0\u{1b}[2J", "U+001B"), ("0.1.0\r\r", "U+000D"), ("\u{202e}0.1.0", "U+202E")] {
            let said = Lock::parse(&LOCK.replace("0.1.0", version)).unwrap_err().to_string();
            assert!(said.starts_with(".new-service/lock:4:1: ") && said.contains(what), "{said}");
        }
    }
}
