//! Migrations: for each table the SQL that makes it, and the SQL that takes it away.
//!
//! Written once and never touched again: what has run somewhere may not change under it.

use std::fmt::Write as _;

use super::model::{Column, Index, Model, Reference, Table};
use super::names;
use super::types::Database;

/// One step of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// `create_orders`; its file is `STAMP_create_orders.up.sql`.
    pub name: String,
    pub up: String,
    pub down: String,
}

/// One migration a table, in the order that they run.
pub fn migrations(model: &Model, database: Database) -> Vec<Migration> {
    let one = |table: &Table| Migration {
        name: format!("create_{}", table.name),
        up: up(table, model, database),
        down: down(table, model, database),
    };
    model.tables.iter().map(one).collect()
}

fn up(table: &Table, model: &Model, database: Database) -> String {
    let mut lines: Vec<String> = table.columns.iter().map(|column| column_line(column, database)).collect();
    let constraint = |name: String, what: String| format!("CONSTRAINT {} {what}", names::sql(&name));
    lines.push(constraint(format!("{}_pkey", table.name), format!("PRIMARY KEY ({})", list(&table.key))));
    for unique in &table.unique {
        lines.push(constraint(unique.name.clone(), format!("UNIQUE ({})", list(&unique.columns))));
    }
    for column in &table.columns {
        if let Some(check) = column.kind.check(&names::sql(&column.name), database) {
            lines.push(constraint(format!("{}_{}_check", table.name, column.name), format!("CHECK ({check})")));
        }
    }
    for reference in &table.references {
        if !waits(table, reference, model, database) {
            lines.push(foreign_key(table, reference));
        }
    }
    let mut sql = format!(
        "-- {}\nCREATE TABLE {} (\n    {}\n);\n",
        table.purpose,
        names::sql(&table.name),
        lines.join(",\n    ")
    );
    for Index { what, why } in &table.index {
        sql.push('\n');
        if !why.is_empty() {
            let _ = writeln!(sql, "-- {why}");
        }
        let (name, table) = (names::sql(&what.name), names::sql(&table.name));
        let _ = writeln!(sql, "CREATE INDEX {name} ON {table} ({});", list(&what.columns));
    }
    for (other, reference) in model.waiting_for(&table.name) {
        if waits(other, reference, model, database) {
            let (name, key) = (names::sql(&other.name), foreign_key(other, reference));
            let _ = writeln!(sql, "\n-- They refer to each other: this one had to come first.");
            let _ = writeln!(sql, "ALTER TABLE {name}\n    ADD {key};");
        }
    }
    sql
}

fn down(table: &Table, model: &Model, database: Database) -> String {
    let mut sql = String::new();
    for (other, reference) in model.waiting_for(&table.name) {
        if waits(other, reference, model, database) {
            let name = names::sql(&foreign_key_name(other, reference));
            let _ = writeln!(sql, "ALTER TABLE {} DROP CONSTRAINT {name};\n", names::sql(&other.name));
        }
    }
    let _ = writeln!(sql, "DROP TABLE {};", names::sql(&table.name));
    sql
}

/// Whether a reference is added when its table comes. `SQLite` takes one to what is not there yet.
fn waits(table: &Table, reference: &Reference, model: &Model, database: Database) -> bool {
    database == Database::Postgres && model.precedes(&table.name, &reference.table)
}

/// `note TEXT DEFAULT 'x'`.
fn column_line(column: &Column, database: Database) -> String {
    let mut line = format!("{} {}", names::sql(&column.name), column.kind.column(database));
    if !column.nullable {
        line.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        let _ = write!(line, " DEFAULT {}", default.sql(database, &column.kind));
    }
    line
}

fn foreign_key_name(table: &Table, reference: &Reference) -> String {
    format!("{}_{}_fkey", table.name, reference.column)
}

fn foreign_key(table: &Table, reference: &Reference) -> String {
    let (name, column) = (foreign_key_name(table, reference), names::sql(&reference.column));
    let target = names::sql(&reference.table);
    let cascade = if reference.cascade { " ON DELETE CASCADE" } else { "" };
    format!("CONSTRAINT {} FOREIGN KEY ({column}) REFERENCES {target} (id){cascade}", names::sql(&name))
}

fn list(columns: &[String]) -> String {
    columns.iter().map(|column| names::sql(column)).collect::<Vec<_>>().join(", ")
}
