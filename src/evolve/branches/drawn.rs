//! The migrations that each of two branches drew since they parted, and which of them can stand side by side.

use std::collections::{BTreeMap, BTreeSet};

use crate::evolve::record::Lock;
use crate::evolve::versions::parts;
use crate::git;
use crate::pack::Policy;
use crate::render::TreePath;
use crate::schema::{BranchSchema, Database, Layout, MigrationFile, SchemaRename, TouchedTables};

/// A migration with its files, up and down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnMigration {
    /// `20261122101500`.
    pub stamp: String,
    /// `create_orders`.
    pub name: String,
    pub files: Vec<TreePath>,
    /// The digests of the files, by their endings: what it does, whenever it was drawn.
    contents: BTreeMap<String, String>,
    pub touched: TouchedTables,
}

/// One of two branches.
#[derive(Debug)]
pub struct BranchSide {
    pub commit: String,
    /// As a person calls it.
    pub name: String,
    pub lock: Lock,
    /// Without migrations that the other has as well.
    pub drawn: Vec<DrawnMigration>,
    /// What it renamed since the branches parted.
    pub renames: Vec<SchemaRename>,
    pub layout: Layout,
}

/// What becomes of the migrations of a branch beside those of a published one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// The published branch has the same.
    pub twins: Vec<DrawnMigration>,
    /// They do not fit what the published branch made.
    pub replaced: Vec<DrawnMigration>,
    pub kept: Vec<DrawnMigration>,
    /// Tables whose layout is not taken from this branch.
    pub apart: BTreeSet<String>,
}

impl BranchSide {
    pub fn schema(&self) -> BranchSchema<'_> {
        BranchSchema { layout: &self.layout, renames: &self.renames }
    }

    /// Its migrations that touch one of `tables`.
    pub fn migrations_of(&self, tables: &BTreeSet<String>) -> String {
        let named = self.drawn.iter().filter(|one| !one.touched.tables.is_disjoint(tables));
        let files: Vec<&str> = named.filter_map(|one| Some(one.files.last()?.as_str())).collect();
        format!("{} ({})", self.name, files.join(", "))
    }
}

/// The migrations of `lock` that neither `base` nor the other branch has.
pub fn drawn_since(
    base: Option<&Lock>,
    lock: &Lock,
    other: &Lock,
    git: &git::Repository,
    commit: &str,
) -> Vec<DrawnMigration> {
    let schemas: Vec<&Layout> =
        [base.and_then(|base| base.schema.as_ref()), lock.schema.as_ref()].into_iter().flatten().collect();
    let dialect = schemas.last().map_or(Database::Postgres, |schema| schema.dialect);
    let mut all = BTreeMap::<(String, String), DrawnMigration>::new();
    for (path, locked) in lock.files.iter().filter(|(_, locked)| locked.policy == Policy::Append) {
        let is_known = |known: &Lock| known.files.get(path).is_some_and(|known| known.hash == locked.hash);
        if base.is_some_and(|base| base.files.contains_key(path)) || is_known(other) {
            continue;
        }
        let Some((_, stamp, name, ending)) = parts(path) else { continue };
        let migration = all.entry((stamp.to_owned(), name.to_owned())).or_insert_with(|| DrawnMigration {
            stamp: stamp.to_owned(),
            name: name.to_owned(),
            files: Vec::new(),
            contents: BTreeMap::new(),
            touched: TouchedTables::default(),
        });
        migration.files.push(path.clone());
        migration.contents.insert(ending.to_owned(), locked.hash.clone());
        let text = git.file_at(commit, path.as_str()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let file = MigrationFile { path: path.to_string(), text, is_as_drawn: true };
        migration.touched.extend(TouchedTables::of(&file, dialect, &schemas));
    }
    all.into_values().collect()
}

/// Which migrations of `other` stay beside those of `published`.
pub fn split(base: &Layout, published: &BranchSide, other: &BranchSide) -> Split {
    let mut split = Split { apart: published.schema().changed_tables(base), ..Split::default() };
    let is_twin = |one: &DrawnMigration| {
        published.drawn.iter().any(|known| known.name == one.name && known.contents == one.contents)
    };
    let (twins, mut kept): (Vec<_>, Vec<_>) = other.drawn.iter().cloned().partition(is_twin);
    // What a foreign key of a migration that runs earlier cannot lead to.
    let mut later = published.schema().named_anew(base);
    let attributed: BTreeSet<&String> = other.drawn.iter().flat_map(|one| &one.touched.tables).collect();
    let changed = other.schema().changed_tables(base);
    let is_understood = changed.iter().all(|table| attributed.contains(table));
    loop {
        let fits = |one: &DrawnMigration| {
            is_understood
                && !one.touched.rebuilds
                && one.touched.tables.is_disjoint(&split.apart)
                && one.touched.references.is_disjoint(&later)
        };
        let (stay, go): (Vec<_>, Vec<_>) = kept.into_iter().partition(fits);
        kept = stay;
        if go.is_empty() {
            break;
        }
        for one in go {
            later.extend(one.touched.tables.iter().filter(|table| base.table(table).is_none()).cloned());
            split.apart.extend(one.touched.tables.iter().cloned());
            split.replaced.push(one);
        }
    }
    if !is_understood {
        split.apart.extend(changed);
    }
    split.replaced.sort_by(|one, other| one.stamp.cmp(&other.stamp));
    Split { twins, kept, ..split }
}
