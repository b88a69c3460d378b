//! Migrations: the SQL that makes a table, and the SQL that takes it away.
//!
//! Written once and never touched again: what has run somewhere may not change under it. What comes later
//! is in [`super::changes`].

use std::fmt::Write as _;

use super::layout::{Constraint, Layout, TableLayout, What, list};
use super::names;
use super::types::Database;

/// One step of the schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migration {
    /// `create_orders`; its file is `STAMP_create_orders.up.sql`.
    pub name: String,
    pub up: String,
    pub down: String,
    /// What it loses of what the database holds, a line each.
    pub destructive: Vec<String>,
    /// What has to be seen to before it runs.
    pub notes: Vec<String>,
}

/// One migration a table, in the order that they run.
pub fn migrations(layout: &Layout) -> Vec<Migration> {
    let names: Vec<&str> = layout.tables.iter().map(|table| table.name.as_str()).collect();
    layout.tables.iter().map(|table| create(table, layout, &names)).collect()
}

/// The migration that makes `table`; `new` are all tables that are made with it, in order.
pub fn create(table: &TableLayout, layout: &Layout, new: &[&str]) -> Migration {
    Migration {
        name: format!("create_{}", table.name),
        up: up(table, layout, new),
        down: down(table, layout, new),
        ..Migration::default()
    }
}

fn up(table: &TableLayout, layout: &Layout, new: &[&str]) -> String {
    let waiting = |constraint: &&Constraint| !waits(&table.name, constraint, layout.dialect, new);
    let mut sql = format!("-- {}\n{}", table.purpose, table_sql(table, waiting));
    for index in &table.indexes {
        sql.push('\n');
        if !index.why.is_empty() {
            let _ = writeln!(sql, "-- {}", index.why);
        }
        sql.push_str(&index.sql(&table.name, ""));
    }
    for (other, constraint) in waiting_for(&table.name, layout, new) {
        let (name, key) = (names::sql(&other.name), constraint.sql());
        let _ = writeln!(sql, "\n-- They refer to each other: this one had to come first.");
        let _ = writeln!(sql, "ALTER TABLE {name}\n    ADD {key};");
    }
    sql
}

/// `CREATE TABLE` with the constraints that are wanted.
fn table_sql(table: &TableLayout, wanted: impl Fn(&&Constraint) -> bool) -> String {
    create_table(&table.name, &column_lines(table), &rule_lines(table, wanted))
}

pub fn create_table(name: &str, columns: &[String], rules: &[String]) -> String {
    format!("CREATE TABLE {} (\n    {}\n);\n", names::sql(name), [columns, rules].concat().join(",\n    "))
}

pub fn column_lines(table: &TableLayout) -> Vec<String> {
    table.columns.iter().map(super::layout::ColumnLayout::sql).collect()
}

/// The key, and the constraints that are wanted.
pub fn rule_lines(table: &TableLayout, wanted: impl Fn(&&Constraint) -> bool) -> Vec<String> {
    let key = names::sql(&format!("{}_pkey", table.name));
    let key = format!("CONSTRAINT {key} PRIMARY KEY ({})", list(&table.key));
    std::iter::once(key).chain(table.constraints.iter().filter(wanted).map(Constraint::sql)).collect()
}

fn down(table: &TableLayout, layout: &Layout, new: &[&str]) -> String {
    let mut sql = String::new();
    for (other, constraint) in waiting_for(&table.name, layout, new) {
        let name = names::sql(&constraint.name);
        let _ = writeln!(sql, "ALTER TABLE {} DROP CONSTRAINT {name};\n", names::sql(&other.name));
    }
    let _ = writeln!(sql, "DROP TABLE {};", names::sql(&table.name));
    sql
}

/// Constraints of tables made before `name` that are added with it.
fn waiting_for<'a>(
    name: &'a str,
    layout: &'a Layout,
    new: &'a [&str],
) -> impl Iterator<Item = (&'a TableLayout, &'a Constraint)> {
    let before = layout.tables.iter().filter(|table| new.contains(&table.name.as_str()));
    before.flat_map(move |table| {
        let all = table.constraints.iter().filter(move |constraint| {
            matches!(&constraint.what, What::Foreign { table: to, .. } if to == name)
                && waits(&table.name, constraint, layout.dialect, new)
        });
        all.map(move |constraint| (table, constraint))
    })
}

/// Whether a reference is added when its table comes. `SQLite` takes one to what is not there yet.
fn waits(table: &str, constraint: &Constraint, dialect: Database, new: &[&str]) -> bool {
    let What::Foreign { table: to, .. } = &constraint.what else { return false };
    let at = |name: &str| new.iter().position(|other| *other == name);
    dialect == Database::Postgres && at(to).is_some() && at(table) < at(to)
}
