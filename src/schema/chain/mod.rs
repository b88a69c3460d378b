//! What the migrations of a repository leave in a database: what people wrote beside what was drawn.
//!
//! ```text
//! files, by version → statements → Chain → HandWritten (the model taken out)
//! ```
//!
//! It is read from the text alone. What is not understood is kept as such: whether it matters, the change decides.

mod hand_written;
mod read;
mod statements;
mod touched;

use std::collections::BTreeSet;
use std::ops::Range;

pub use hand_written::{CarriedOver, HandWritten, TableFate};
pub use touched::{REBUILD, SCRATCH, TouchedTables};

use self::statements::Statement;
use super::names;
use super::types::Database;
use crate::fault::Place;

/// A migration file that the repository has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationFile {
    /// From the root of the repository.
    pub path: String,
    pub text: String,
    /// Whether it was drawn and nobody has changed it.
    pub is_as_drawn: bool,
}

impl MigrationFile {
    /// Its version, by which migrations run; none where sqlx takes it for no migration, or it leads back.
    pub fn version(&self) -> Option<i64> {
        let (version, rest) = self.parts()?;
        let leads_on = rest.strip_suffix(".sql")?.strip_suffix(".down").is_none();
        version.parse().ok().filter(|_| leads_on)
    }

    /// `create_orders` of `20261122101500_create_orders.up.sql`.
    pub fn name(&self) -> Option<&str> {
        self.version()?;
        let (_, rest) = self.parts()?;
        rest.strip_suffix(".up.sql").or_else(|| rest.strip_suffix(".sql"))
    }

    fn parts(&self) -> Option<(&str, &str)> {
        self.path.rsplit('/').next()?.split_once('_')
    }
}

/// All that the files leave, in no order that matters but that of what was written.
#[derive(Debug, Default)]
struct Chain {
    tables: Vec<ChainTable>,
    objects: Vec<Object>,
    /// Statements by hand that could be anything.
    others: Vec<UnknownStatement>,
    /// Columns and indexes that a file by hand took away.
    gone: Vec<Removal>,
}

/// Where something was written.
#[derive(Debug, Clone)]
struct WrittenAt {
    place: Place,
    /// Whether a person wrote the file, or changed it.
    by_hand: bool,
}

#[derive(Debug)]
struct ChainTable {
    name: String,
    columns: Vec<TablePart>,
    /// Rules of the table: `CONSTRAINT x CHECK (…)`.
    rules: Vec<TablePart>,
    source: WrittenAt,
    /// What stands after its brackets: `STRICT`.
    options: String,
    /// Tables that it refers to, and their columns.
    references: Vec<(String, BTreeSet<String>)>,
}

/// A column or a rule of a table.
#[derive(Debug, Clone)]
struct TablePart {
    /// None of a rule without one.
    name: Option<String>,
    definition: String,
    source: WrittenAt,
}

impl TablePart {
    fn is_called(&self, name: &str) -> bool {
        self.name.as_deref().is_some_and(|own| same(own, name))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectKind {
    Index,
    Trigger,
    View,
    /// A function or procedure, or a virtual table.
    Code,
}

impl ObjectKind {
    fn noun(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Trigger => "trigger",
            Self::View => "view",
            Self::Code => "definition of",
        }
    }
}

/// An index, a trigger, a view.
#[derive(Debug, Clone)]
struct Object {
    kind: ObjectKind,
    name: String,
    /// The table that an index or a trigger is on.
    on: Option<ObjectTarget>,
    text: String,
    source: WrittenAt,
    /// All other names in its text.
    mentions: BTreeSet<String>,
    /// A name in its text that is another one now, which the database wrote into its own copy.
    outdated: Option<String>,
}

#[derive(Debug, Clone)]
struct ObjectTarget {
    table: String,
    /// The bytes of the name in the text.
    span: Range<usize>,
}

impl Object {
    fn is_on(&self, table: &str) -> bool {
        self.on.as_ref().is_some_and(|on| same(&on.table, table))
    }

    /// Gives the table that it is on another name.
    fn retarget(&mut self, table: &str) {
        let Some(on) = &mut self.on else { return };
        let name = names::sql(table);
        self.text.replace_range(on.span.clone(), &name);
        table.clone_into(&mut on.table);
        on.span.end = on.span.start + name.len();
    }
}

#[derive(Debug)]
struct UnknownStatement {
    text: String,
    place: Place,
    mentions: BTreeSet<String>,
}

/// What a file by hand took away.
#[derive(Debug)]
struct Removal {
    /// `column` or `index`.
    what: &'static str,
    table: Option<String>,
    name: String,
    place: Place,
}

/// Whether two names are one to both databases.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn all_statements(files: &[MigrationFile], database: Database) -> Vec<(bool, Statement)> {
    let mut files: Vec<(i64, &MigrationFile)> = files.iter().filter_map(|file| Some((file.version()?, file))).collect();
    files.sort_by_key(|(version, file)| (*version, file.path.clone()));
    let mut all = Vec::new();
    for (_, file) in files {
        all.extend(statements::statements(file, database).into_iter().map(|statement| (!file.is_as_drawn, statement)));
    }
    all
}
