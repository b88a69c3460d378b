//! Which tables a drawn migration changes, so that two branches can be told apart by them.

use std::collections::BTreeSet;

use super::MigrationFile;
use super::statements::{Statement, StatementReader, statements};
use crate::schema::layout::Layout;
use crate::schema::types::Database;

/// The head of a migration that writes a table anew, which the migrator of a service reads.
pub const REBUILD: &str = "-- rebuild: ";

/// The scratch table of a rebuild.
pub const SCRATCH: &str = "_rebuild_";

/// What a drawn migration file is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TouchedTables {
    /// Tables that it creates, changes, renames or drops, by each name that it has for them.
    pub tables: BTreeSet<String>,
    /// Tables that it refers to by a foreign key.
    pub references: BTreeSet<String>,
    /// Whether it creates a table of `SQLite` again.
    pub rebuilds: bool,
}

impl TouchedTables {
    /// Of a file, with the schemas that tell whose an index is.
    pub fn of(file: &MigrationFile, database: Database, schemas: &[&Layout]) -> Self {
        let mut touched = Self { rebuilds: file.text.starts_with(REBUILD), ..Self::default() };
        for statement in statements(file, database) {
            touched.take(&statement, schemas);
            touched.references.extend(statement.references().into_iter().map(|(table, _)| table));
        }
        touched
    }

    /// Both.
    pub fn extend(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.references.extend(other.references);
        self.rebuilds |= other.rebuilds;
    }

    fn take(&mut self, statement: &Statement, schemas: &[&Layout]) -> Option<()> {
        let mut reader = statement.reader();
        match reader.word()?.as_str() {
            "create" => {
                if reader.take_words(&["temp"]) {
                    return None;
                }
                if !reader.take_words(&["table"]) && !reader.skip_to("on") {
                    return None;
                }
                self.table(&reader.object_name()?);
            }
            what @ ("alter" | "drop") => {
                if reader.take_words(&["index"]) {
                    return self.index(reader, schemas);
                }
                if !reader.take_words(&["table"]) {
                    return None;
                }
                reader.take_words(&["if", "exists"]);
                self.table(&reader.object_name()?);
                if what == "alter" && reader.take_words(&["rename", "to"]) {
                    self.table(&reader.object_name()?);
                }
            }
            what @ ("insert" | "update") => {
                if what == "insert" {
                    reader.take_words(&["into"]);
                }
                self.table(&reader.object_name()?);
            }
            _ => return None,
        }
        Some(())
    }

    fn table(&mut self, name: &str) {
        // Temporary tables of guards begin with `_`, too.
        let table = name.strip_prefix(SCRATCH).unwrap_or(name);
        if !table.starts_with('_') {
            self.tables.insert(table.to_lowercase());
        }
    }

    fn index(&mut self, mut reader: StatementReader, schemas: &[&Layout]) -> Option<()> {
        reader.take_words(&["concurrently"]);
        reader.take_words(&["if", "exists"]);
        let name = reader.object_name()?;
        for table in schemas.iter().flat_map(|schema| &schema.tables) {
            if table.indexes.iter().any(|index| index.name == name) {
                self.tables.insert(table.name.clone());
            }
        }
        Some(())
    }
}
