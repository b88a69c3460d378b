//! From one schema to the next: what `alembic revision --autogenerate` is. Always new migrations, never a
//! change of one that is there; each with its way back.
//!
//! The order is the safe one: names, new tables, columns that may be empty, their values, what must hold of
//! them, indexes, and last what goes. Nothing holds a lock for as long as a table takes to read.

mod postgres;
mod renames;
mod sqlite;

use super::layout::{Layout, TableLayout, What};
use super::migrations::{Migration, create};
use super::names;
use super::types::Database;

/// The migrations from `old`, which others have reached, to `new`; none where they are the same.
pub fn changes(old: &Layout, new: &Layout) -> Vec<Migration> {
    let renamed = renames::Renamed::new(old, new);
    match new.dialect {
        Database::Postgres => postgres::changes(&renamed, new),
        Database::Sqlite => sqlite::changes(&renamed, new),
    }
}

/// Tables that are made anew.
fn created(old: &Layout, new: &Layout) -> Vec<Migration> {
    let fresh: Vec<&TableLayout> = new.tables.iter().filter(|table| old.table(&table.name).is_none()).collect();
    let names: Vec<&str> = fresh.iter().map(|table| table.name.as_str()).collect();
    fresh.iter().map(|table| create(table, new, &names)).collect()
}

/// Tables that go, those that refer to others first: what made them, the other way round.
fn dropped(old: &Layout, new: &Layout) -> Vec<Migration> {
    let gone: Vec<&TableLayout> = old.tables.iter().filter(|table| new.table(&table.name).is_none()).collect();
    let names: Vec<&str> = gone.iter().map(|table| table.name.as_str()).collect();
    let one = |table: &&TableLayout| {
        let made = create(table, old, &names);
        Migration {
            name: format!("drop_{}", table.name),
            up: made.down,
            // Its purpose is not known any more.
            down: made.up.split_once('\n').map_or(String::new(), |(_, sql)| sql.to_owned()),
            destructive: vec![format!(
                "the table {} goes, with every row: first release what does not use it, and drop it in a later release",
                table.name
            )],
            notes: Vec::new(),
        }
    };
    gone.iter().rev().map(one).collect()
}

fn column_goes(table: &str, column: &str) -> String {
    format!(
        "{table}.{column} goes, with what is in it: first release what neither reads nor writes it (let it be empty), \
         and drop it in a later release"
    )
}

fn needs_value(table: &str, column: &str) -> String {
    format!(
        "{table}.{column} may not be empty and has no default: give the rows that are there a value, in its migration"
    )
}

fn may_refuse(table: &str, what: &What) -> String {
    match what {
        What::Unique(columns) => format!("{table}: rows that share {} make the migration fail", columns.join(", ")),
        What::Check { column, sql } => {
            format!("{table}.{column}: rows for which `{sql}` does not hold make the migration fail")
        }
        What::Foreign { column, table: to, .. } => {
            format!("{table}.{column}: rows that refer to nothing in {to} make the migration fail")
        }
    }
}

fn quoted(name: &str) -> String {
    names::sql(name)
}
