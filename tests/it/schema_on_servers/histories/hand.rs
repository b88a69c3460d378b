//! What a person writes between two changes of the model, and takes away again.

use new_service::schema::{Database, Layout};
use proptest::prelude::*;
use proptest::sample::Index;

use super::way::Way;

/// What is written; which table and column, the model of that moment says.
#[derive(Debug, Clone)]
pub enum ByHand {
    New(Kind, Index, Index),
    /// Something that was written before goes.
    Drop(Index),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With values of its own in rows.
    Column,
    /// With a value in each row, and a rule over it.
    RuledColumn,
    /// Over columns that every table has.
    Index,
    /// Over a column of the model, which may go; so have the others that are called so.
    IndexOver,
    View,
    ViewOver,
    /// On rows that come or go.
    Trigger,
    /// On a column that is written.
    TriggerOver,
    /// A table that refers to one of the model, with a row.
    Table,
}

/// Something that was written by hand, as it would be written today.
#[derive(Debug, Clone)]
pub struct Thing {
    /// Begins with `legacy_`, as nothing of the model does.
    pub name: String,
    pub kind: Kind,
    pub table: String,
    /// A column of the model; empty where it is over none.
    pub column: String,
}

impl Thing {
    /// None where the model has no place for it.
    pub fn new(kind: Kind, number: usize, at: &Layout, table: Index, column: Index) -> Option<Self> {
        let table = at.tables.get(table.index(at.tables.len().max(1)))?;
        let is_over = matches!(kind, Kind::IndexOver | Kind::ViewOver | Kind::TriggerOver);
        let column = &table.columns[column.index(table.columns.len())];
        // No B-tree is over documents, nor over long texts.
        if kind == Kind::IndexOver && ["json", "text", "url"].contains(&column.spec.as_str()) {
            return None;
        }
        let column = if is_over { column.name.clone() } else { String::new() };
        Some(Self { name: format!("legacy_{number}"), kind, table: table.name.clone(), column })
    }

    pub fn is_column(&self) -> bool {
        matches!(self.kind, Kind::Column | Kind::RuledColumn)
    }

    pub fn create(&self, dialect: Database) -> String {
        let Self { name, table, column, .. } = self;
        let sqlite = dialect == Database::Sqlite;
        match self.kind {
            Kind::Column => format!("ALTER TABLE \"{table}\" ADD COLUMN {name} TEXT;\n"),
            Kind::RuledColumn => format!(
                "ALTER TABLE \"{table}\" ADD COLUMN {name} TEXT NOT NULL DEFAULT 'kept, (odd)' \
                 CONSTRAINT {name}_check CHECK ({name} <> 'never');\n"
            ),
            Kind::Index => format!("CREATE INDEX {name} ON \"{table}\" (created_at, id);\n"),
            Kind::IndexOver => format!("CREATE INDEX {name} ON \"{table}\" (\"{column}\");\n"),
            Kind::View => format!("CREATE VIEW {name} AS SELECT id FROM \"{table}\";\n"),
            Kind::ViewOver => format!("CREATE VIEW {name} AS SELECT \"{column}\" FROM \"{table}\";\n"),
            Kind::Trigger => self.trigger(["INSERT", "DELETE"][name.len() % 2], sqlite),
            Kind::TriggerOver => self.trigger(&format!("UPDATE OF \"{column}\""), sqlite),
            Kind::Table => {
                let kind = if sqlite { "BLOB" } else { "uuid" };
                format!(
                    "CREATE TABLE {name} (id {kind}, note text, about {kind} REFERENCES \"{table}\" (id));\n\
                     INSERT INTO {name} SELECT id, 'about it', id FROM \"{table}\" LIMIT 1;\n"
                )
            }
        }
    }

    /// Writes a row of a table of its own, so that one that fires unasked is seen.
    fn trigger(&self, event: &str, sqlite: bool) -> String {
        let Self { name, table, .. } = self;
        if sqlite {
            return format!(
                "CREATE TABLE IF NOT EXISTS {name}_log (id INTEGER PRIMARY KEY, note TEXT);\n\
                 CREATE TRIGGER {name} AFTER {event} ON \"{table}\" BEGIN INSERT INTO {name}_log (note) VALUES ('seen; \
                 by it'); END;\n"
            );
        }
        format!(
            "CREATE TABLE IF NOT EXISTS {name}_log (id bigint GENERATED ALWAYS AS IDENTITY, note text);\n\
             CREATE OR REPLACE FUNCTION {name}_write() RETURNS trigger AS $$ BEGIN INSERT INTO {name}_log (note) VALUES \
             ('seen; by it'); RETURN NULL; END $$ LANGUAGE plpgsql;\n\
             CREATE TRIGGER {name} AFTER {event} ON \"{table}\" FOR EACH ROW EXECUTE FUNCTION {name}_write();\n"
        )
    }

    pub fn drop(&self, dialect: Database) -> String {
        let Self { name, table, .. } = self;
        match self.kind {
            Kind::Column | Kind::RuledColumn => format!("ALTER TABLE \"{table}\" DROP COLUMN {name};\n"),
            Kind::Index | Kind::IndexOver => format!("DROP INDEX {name};\n"),
            Kind::View | Kind::ViewOver => format!("DROP VIEW {name};\n"),
            Kind::Trigger | Kind::TriggerOver if dialect == Database::Sqlite => {
                format!("DROP TRIGGER {name};\nDROP TABLE {name}_log;\n")
            }
            Kind::Trigger | Kind::TriggerOver => {
                format!("DROP TRIGGER {name} ON \"{table}\";\nDROP FUNCTION {name}_write;\nDROP TABLE {name}_log;\n")
            }
            Kind::Table => format!("DROP TABLE {name};\n"),
        }
    }

    /// The same after a change of the model.
    pub fn moved(&self, way: &Way) -> Self {
        let mut moved = self.clone();
        if let Some(table) = way.table(&self.table) {
            table.clone_into(&mut moved.table);
            if let Some(column) = way.column(&self.table, &self.column) {
                column.clone_into(&mut moved.column);
            }
        }
        moved
    }
}

pub fn by_hand() -> impl Strategy<Value = ByHand> {
    let at = any::<Index>;
    let new = |kind| (at(), at()).prop_map(move |(table, column)| ByHand::New(kind, table, column));
    prop_oneof![
        3 => new(Kind::Column),
        2 => new(Kind::RuledColumn),
        1 => new(Kind::Index),
        2 => new(Kind::IndexOver),
        1 => new(Kind::View),
        1 => new(Kind::ViewOver),
        3 => new(Kind::Trigger),
        1 => new(Kind::TriggerOver),
        1 => new(Kind::Table),
        2 => at().prop_map(ByHand::Drop),
    ]
}
