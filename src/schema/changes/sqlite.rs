//! For `SQLite`, whose ALTER TABLE knows little: what it does not know is done by writing the table anew, as
//! its manual has it (`lang_altertable.html`, "Making Other Kinds Of Table Schema Changes").

use std::fmt::Write as _;

use super::renames::Renamed;
use super::{
    cast, column_goes, created, dropped, is_doubtful, loses, may_refuse, needs_value, quoted, shared_default,
    shares_default,
};
use crate::schema::layout::{ColumnLayout, IndexLayout, Layout, TableLayout, What};
use crate::schema::migrations::{Migration, table_sql};
use crate::schema::types::Database;

pub fn changes(renamed: &Renamed, new: &Layout) -> Vec<Migration> {
    let old = &renamed.old;
    let mut all: Vec<Migration> = renamed.tables.iter().map(|(to, from)| rename(from, to)).collect();
    all.extend(created(old, new));
    for table in &new.tables {
        if let Some(before) = old.table(&table.name) {
            all.extend(change(before, table, renamed));
        }
    }
    all.extend(dropped(old, new));
    all
}

fn rename(from: &str, to: &str) -> Migration {
    let sql = |from: &str, to: &str| format!("ALTER TABLE {} RENAME TO {};\n", quoted(from), quoted(to));
    Migration { name: format!("rename_{from}_to_{to}"), up: sql(from, to), down: sql(to, from), ..Migration::default() }
}

fn change(old: &TableLayout, new: &TableLayout, renamed: &Renamed) -> Option<Migration> {
    let mut migration = Migration { name: format!("change_{}", new.name), ..Migration::default() };
    let came: Vec<&ColumnLayout> = new.columns.iter().filter(|column| old.column(&column.name).is_none()).collect();
    let gone = || old.columns.iter().filter(|column| new.column(&column.name).is_none());
    if is_same(old, new, renamed) {
        indexes(old, new, &mut migration);
        return (!migration.up.is_empty()).then_some(migration);
    }
    if only_adds(old, new, &came, renamed) {
        if let [one] = came.as_slice() {
            migration.name = format!("add_{}_{}", new.name, one.name);
        }
        let mut back = Vec::new();
        let mut ruled = false;
        for column in &came {
            let (table, name) = (quoted(&new.name), quoted(&column.name));
            let mut rules = String::new();
            for rule in new.constraints.iter().filter(|rule| rule.what.columns().contains(column.name.as_str())) {
                let _ = write!(rules, " {}", rule.sql());
            }
            let _ = writeln!(migration.up, "ALTER TABLE {table} ADD COLUMN {}{rules};", column.sql());
            back.push(format!("ALTER TABLE {table} DROP COLUMN {name};\n"));
            ruled |= !rules.is_empty();
        }
        indexes(old, new, &mut migration);
        if ruled {
            // A rule goes with its column only while it stands beside it, and a later migration that writes the table
            // anew does not come back to that.
            migration.down = rebuild(&new.name, new, old, |column| column.name.clone(), &mut Vec::new());
        } else {
            migration.down.push_str(&back.into_iter().rev().collect::<String>());
        }
        return Some(migration);
    }
    let forth = |column: &ColumnLayout| renamed.old_column(&new.name, &column.name).to_owned();
    // The way back is by the names of before.
    let old_names = before_renames(old, renamed);
    migration.up = rebuild(&new.name, old, new, forth, &mut migration.notes);
    let back = |column: &ColumnLayout| {
        let now = old.columns.iter().zip(&old_names.columns).find(|(_, before)| before.name == column.name);
        now.map_or_else(|| column.name.clone(), |(now, _)| now.name.clone())
    };
    migration.down = rebuild(&new.name, new, &old_names, back, &mut Vec::new());
    migration.destructive.extend(gone().map(|column| column_goes(&new.name, &column.name)));
    for column in &new.columns {
        if let Some(before) = old.column(&column.name) {
            let cast = cast(before, column, "", Database::Sqlite);
            migration.destructive.extend(loses(&new.name, column, &cast));
        }
    }
    for rule in new.constraints.iter().filter(|rule| is_doubtful(old, rule)) {
        let list = if matches!(rule.what, What::Unique(_)) { &mut migration.notes } else { &mut migration.destructive };
        list.push(may_refuse(&new.name, &rule.what));
    }
    Some(migration)
}

/// Whether a table is as it was, but for its indexes.
fn is_same(old: &TableLayout, new: &TableLayout, renamed: &Renamed) -> bool {
    let facts =
        |column: &ColumnLayout| (column.name.clone(), column.kind.clone(), column.nullable, column.default.clone());
    let columns = |table: &TableLayout| {
        let mut columns: Vec<_> = table.columns.iter().map(facts).collect();
        columns.sort();
        columns
    };
    let same_values = new.columns.iter().all(|column| {
        old.column(&column.name).is_none_or(|before| cast(before, column, "x", Database::Sqlite).sql == "x")
    });
    let constraints = |table: &TableLayout| {
        let mut all: Vec<_> = table.constraints.iter().map(crate::schema::layout::Constraint::sql).collect();
        all.sort();
        all
    };
    old.key == new.key
        && same_values
        && columns(old) == columns(new)
        && constraints(old) == constraints(new)
        && !renamed.tables.contains_key(&new.name)
        && !renamed.columns.keys().any(|(table, _)| *table == new.name)
}

/// Whether ALTER TABLE will do: columns that may be empty or have a constant default, with nothing but a check.
fn only_adds(old: &TableLayout, new: &TableLayout, came: &[&ColumnLayout], renamed: &Renamed) -> bool {
    let rest = TableLayout {
        columns: new.columns.iter().filter(|column| old.column(&column.name).is_some()).cloned().collect(),
        constraints: new
            .constraints
            .iter()
            .filter(|constraint| constraint.what.columns().iter().any(|column| old.column(column).is_some()))
            .cloned()
            .collect(),
        ..new.clone()
    };
    let simple = |column: &ColumnLayout| match &column.default {
        Some(default) => !default.starts_with('('),
        None => column.nullable,
    };
    let checked = new.constraints.iter().all(|constraint| {
        matches!(constraint.what, What::Check { .. })
            || constraint.what.columns().iter().all(|column| old.column(column).is_some())
    });
    !came.is_empty() && is_same(old, &rest, renamed) && came.iter().all(|column| simple(column)) && checked
}

fn indexes(old: &TableLayout, new: &TableLayout, migration: &mut Migration) {
    let drop = |index: &IndexLayout| format!("DROP INDEX {};\n", quoted(&index.name));
    let same = |one: &IndexLayout, other: &IndexLayout| one.name == other.name && one.columns == other.columns;
    let mut back = Vec::new();
    for index in old.indexes.iter().filter(|index| !new.indexes.iter().any(|other| same(index, other))) {
        migration.up.push_str(&drop(index));
        back.push(index.sql(&old.name, ""));
    }
    for index in new.indexes.iter().filter(|index| !old.indexes.iter().any(|other| same(index, other))) {
        migration.up.push_str(&index.sql(&new.name, ""));
        back.push(drop(index));
    }
    migration.down.push_str(&back.into_iter().rev().collect::<String>());
}

/// The old table under the names that its columns had.
fn before_renames(old: &TableLayout, renamed: &Renamed) -> TableLayout {
    let mut table = old.clone();
    let name = |column: &str| renamed.old_column(&old.name, column).to_owned();
    renamed.old_table(&old.name).clone_into(&mut table.name);
    for column in &mut table.columns {
        column.name = name(&column.name);
    }
    table.key = table.key.iter().map(|column| name(column)).collect();
    for index in &mut table.indexes {
        index.columns.iter_mut().for_each(|column| column.name = name(&column.name));
    }
    for constraint in &mut table.constraints {
        match &mut constraint.what {
            What::Unique(columns) => *columns = columns.iter().map(|column| name(column)).collect(),
            What::Check { column, sql } => {
                let before = name(column);
                *sql = super::renames::in_sql(sql, &quoted(column), &quoted(&before));
                *column = before;
            }
            What::Foreign { column, .. } => *column = name(column),
        }
    }
    table
}

/// Writes a table anew. Foreign keys are off, for dropping a table deletes its rows, and what refers to them.
fn rebuild(
    name: &str,
    old: &TableLayout,
    new: &TableLayout,
    source: impl Fn(&ColumnLayout) -> String,
    notes: &mut Vec<String>,
) -> String {
    let (table, fresh) = (quoted(name), quoted(&format!("{name}_new")));
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    let (mut comments, mut guards) = (String::new(), String::new());
    for column in &new.columns {
        let from = source(column);
        let before = old.column(&column.name).or_else(|| old.column(&from));
        match before {
            Some(before) => {
                columns.push(quoted(&column.name));
                values.push(value(before, column, &quoted(&from)));
                if let Some(guard) = cast(before, column, &quoted(&from), Database::Sqlite).guard {
                    guards.push_str(&refuse_others(old, name, column, &quoted(&from), &guard));
                }
                if before.nullable && !column.nullable && column.default.is_none() {
                    notes.push(needs_value(name, &column.name));
                }
            }
            None if shared_default(new, column).is_some() => {
                let default = shared_default(new, column).unwrap_or_default();
                let what = shares_default(name, column, default);
                let _ = writeln!(comments, "-- {what}.");
                columns.push(quoted(&column.name));
                values.push(default.to_owned());
                notes.push(what);
            }
            None if column.nullable || column.default.is_some() => {}
            None => {
                let _ = writeln!(
                    comments,
                    "-- Rows that are there need a value for {}, in the place of NULL; without one, they are refused.",
                    column.name
                );
                columns.push(quoted(&column.name));
                values.push("NULL".into());
                notes.push(needs_value(name, &column.name));
            }
        }
    }
    let (columns, values) = (columns.join(", "), values.join(", "));
    let made = table_sql(new, &format!("{name}_new"), |_| true);
    let indexes: String = new.indexes.iter().map(|index| index.sql(name, "")).collect();
    format!(
        "-- no-transaction\nPRAGMA foreign_keys = OFF;\nBEGIN;\n\n{guards}{made}\n{comments}INSERT INTO {fresh} ({columns})\n\
         SELECT {values}\nFROM {table};\n\nDROP TABLE {table};\nALTER TABLE {fresh} RENAME TO {table};\n{indexes}\n\
         COMMIT;\nPRAGMA foreign_keys = ON;\n"
    )
}

/// Fails where a row holds what the new type does not have, and names the rows: a column of `SQLite` takes anything.
/// Before 3.47, the only message that can hold a value is that of a path which is none.
fn refuse_others(table: &TableLayout, name: &str, column: &ColumnLayout, from: &str, guard: &str) -> String {
    let kind = column.spec.replace('\'', "''");
    let shown = |key: &String| format!("iif(typeof({0}) = 'blob', lower(hex({0})), {0})", quoted(key));
    let keys: Vec<String> = table.key.iter().map(shown).collect();
    format!(
        "SELECT json_extract('{{}}', '{name}.{}: no {kind} in the rows with {} ' || group_concat(wrong.key, '; '))\n\
         FROM (SELECT {} AS key FROM {} WHERE {from} IS NOT NULL AND NOT ({guard}) LIMIT 10) AS wrong;\n\n",
        column.name,
        table.key.join(", "),
        keys.join(" || ', ' || "),
        quoted(name)
    )
}

/// What a row that is there gets.
fn value(before: &ColumnLayout, now: &ColumnLayout, from: &str) -> String {
    let sql = cast(before, now, from, Database::Sqlite).sql;
    match &now.default {
        Some(default) if before.nullable && !now.nullable => format!("coalesce({sql}, {default})"),
        _ => sql,
    }
}
