//! For `SQLite`, whose ALTER TABLE knows little: what it does not know is done by writing the table anew, as
//! its manual has it (`lang_altertable.html`, "Making Other Kinds Of Table Schema Changes").

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::renames::Renamed;
use super::{
    EMPTY, THERE, back_loses, cast, column_goes, created, dropped, is_doubtful, loses, may_meet, may_refuse,
    needs_value, quoted, shared_default, shares_default,
};
use crate::schema::chain::{CarriedOver, REBUILD, SCRATCH};
use crate::schema::layout::{ColumnLayout, IndexLayout, Layout, TableLayout, What};
use crate::schema::migrations::{Migration, column_lines, create_table, rule_lines};
use crate::schema::types::Database;

/// `kept` is what stands on tables beside the model, by the names that they get.
pub fn changes(renamed: &Renamed, new: &Layout, kept: &BTreeMap<String, CarriedOver>) -> Vec<Migration> {
    let none = CarriedOver::default();
    let old = &renamed.old;
    let mut all: Vec<Migration> = renamed.tables.iter().map(|(to, from)| rename(from, to)).collect();
    all.extend(created(old, new));
    for table in &new.tables {
        if let Some(before) = old.table(&table.name) {
            all.extend(change(before, table, renamed, kept.get(&table.name).unwrap_or(&none)));
        }
    }
    all.extend(dropped(old, new));
    all
}

/// Whether the way up of one of these writes the table anew.
pub fn rebuilds(migrations: &[Migration], table: &str) -> bool {
    let head = format!("{REBUILD}{table}\n");
    migrations.iter().any(|migration| migration.up.starts_with(&head))
}

fn rename(from: &str, to: &str) -> Migration {
    let sql = |from: &str, to: &str| format!("ALTER TABLE {} RENAME TO {};\n", quoted(from), quoted(to));
    Migration { name: format!("rename_{from}_to_{to}"), up: sql(from, to), down: sql(to, from), ..Migration::default() }
}

fn change(old: &TableLayout, new: &TableLayout, renamed: &Renamed, kept: &CarriedOver) -> Option<Migration> {
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
            let rebuild = Rebuild { name: &new.name, standing: new, old: new, new: old, kept };
            migration.down = rebuild.sql(|column| column.name.clone(), &mut Vec::new());
        } else {
            migration.down.push_str(&back.into_iter().rev().collect::<String>());
        }
        return Some(migration);
    }
    let forth = |column: &ColumnLayout| renamed.old_column(&new.name, &column.name).to_owned();
    // The way back is by the names of before.
    let old_names = before_renames(old, renamed);
    let rebuild = Rebuild { name: &new.name, standing: &old_names, old, new, kept };
    migration.up = rebuild.sql(forth, &mut migration.notes);
    let back = |column: &ColumnLayout| {
        let now = old.columns.iter().zip(&old_names.columns).find(|(_, before)| before.name == column.name);
        now.map_or_else(|| column.name.clone(), |(now, _)| now.name.clone())
    };
    let rebuild = Rebuild { name: &new.name, standing: new, old: new, new: &old_names, kept };
    migration.down = rebuild.sql(back, &mut Vec::new());
    let both = new.columns.iter().filter_map(|column| Some((old.column(&column.name)?, column)));
    let lost: String = both.filter_map(|(before, now)| back_loses(&new.name, before, now, Database::Sqlite)).collect();
    // Below the head, which the migrator reads.
    migration.down = migration.down.replacen("\n\n", &format!("\n\n{lost}"), 1);
    migration.destructive.extend(gone().map(|column| column_goes(&new.name, &column.name)));
    for column in &new.columns {
        if let Some(before) = old.column(&column.name) {
            let cast = cast(before, column, "", Database::Sqlite);
            migration.destructive.extend(loses(&new.name, column, &cast));
        }
    }
    migration.notes.extend(may_meet(old, new, Database::Sqlite));
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

/// Writes a table anew. Dropping a table deletes its rows, and what refers to them, unless foreign keys are off: the
/// migrator turns them off, since no transaction can.
struct Rebuild<'a> {
    name: &'a str,
    /// As it is in the database.
    standing: &'a TableLayout,
    /// The same, perhaps by the names that its columns get.
    old: &'a TableLayout,
    new: &'a TableLayout,
    kept: &'a CarriedOver,
}

impl Rebuild<'_> {
    /// `source` is the column that one is filled from.
    fn sql(&self, source: impl Fn(&ColumnLayout) -> String, notes: &mut Vec<String>) -> String {
        let Self { name, standing, old, new, kept } = *self;
        // No resource has such a name.
        let fresh_name = format!("{SCRATCH}{name}");
        let (table, fresh) = (quoted(name), quoted(&fresh_name));
        // It may be what others know a row by, such as an index of its texts.
        let (mut columns, mut values) = (vec!["_rowid_".to_owned()], vec!["_rowid_".to_owned()]);
        let (mut comments, mut guards) = (String::new(), String::new());
        for column in &new.columns {
            let from = source(column);
            let before = old.column(&column.name).or_else(|| old.column(&from));
            match before {
                Some(before) => {
                    columns.push(quoted(&column.name));
                    values.push(value(before, column, &quoted(&from)));
                    if let Some(guard) = cast(before, column, &quoted(&from), Database::Sqlite).guard {
                        guards.push_str(&refuse_others(name, &standing.key, column, &quoted(&from), &guard));
                    }
                    match shared_default(new, column) {
                        _ if !before.nullable || column.nullable => {}
                        Some(default) => {
                            let what = shares_default(name, column, default, EMPTY);
                            let _ = writeln!(comments, "-- {what}.");
                            notes.push(what);
                        }
                        None if column.default.is_none() => notes.push(needs_value(name, &column.name)),
                        None => {}
                    }
                }
                None if column.nullable || column.default.is_some() => {
                    if let Some(default) = shared_default(new, column) {
                        let what = shares_default(name, column, default, THERE);
                        let _ = writeln!(comments, "-- {what}.");
                        columns.push(quoted(&column.name));
                        values.push(default.to_owned());
                        notes.push(what);
                    }
                }
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
        for column in kept.columns.iter().filter(|column| !column.is_generated) {
            columns.push(identifier(&column.name));
            values.push(identifier(&column.name));
        }
        let (columns, values) = (columns.join(", "), values.join(", "));
        let definitions = kept.columns.iter().map(|column| column.definition.clone());
        let lines: Vec<String> = column_lines(new).into_iter().chain(definitions).collect();
        let rules = [rule_lines(new, |_| true), kept.rules.clone()].concat();
        let made = create_table(&fresh_name, &lines, &rules);
        let mut objects: String = new.indexes.iter().map(|index| index.sql(name, "")).collect();
        for object in kept.indexes.iter().chain(&kept.triggers) {
            let _ = writeln!(objects, "{};", object.sql);
        }
        let (head, references) = (self.head(), references_hold(name));
        format!(
            "{head}\n{KEYS_ARE_OFF}\n{guards}{made}\n{comments}INSERT INTO {fresh} ({columns})\nSELECT {values}\nFROM {table};\n\n\
         DROP TABLE {table};\nALTER TABLE {fresh} RENAME TO {table};\n{objects}\n{references}"
        )
    }

    /// What the table must have before, nothing more and nothing less: the migrator compares it.
    fn head(&self) -> String {
        let Self { name, standing, kept, .. } = *self;
        let columns = standing.columns.iter().map(|column| &column.name);
        let indexes = standing.indexes.iter().map(|index| &index.name);
        let mut head = format!("{REBUILD}{name}\n");
        for (what, names) in [
            ("columns", columns.chain(kept.columns.iter().map(|column| &column.name)).collect::<Vec<_>>()),
            ("indexes", indexes.chain(kept.indexes.iter().map(|index| &index.name)).collect()),
            ("triggers", kept.triggers.iter().map(|trigger| &trigger.name).collect()),
        ] {
            if !names.is_empty() {
                let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
                let _ = writeln!(head, "-- {what}: {}", names.join(", "));
            }
        }
        head
    }
}

const KEYS_ARE_OFF: &str = "\
    -- The service's `migrate` turns foreign keys off; with them, DROP TABLE deletes what refers to its rows.\n\
    CREATE TEMP TABLE _keys (\n    \
        \"on\" INTEGER CONSTRAINT \"foreign keys are on: apply this migration by the service's own migrate\" CHECK (NOT \"on\")\n\
    );\n\
    INSERT INTO _keys SELECT foreign_keys FROM pragma_foreign_keys;\n\
    DROP TABLE _keys;\n";

/// Fails where a row of the table, or one that refers to it, refers to nothing.
fn references_hold(table: &str) -> String {
    format!(
        "CREATE TEMP TABLE _broken (\n    \
             child TEXT CONSTRAINT \"{table}: references to missing rows, which PRAGMA foreign_key_check lists\" CHECK (child IS NULL)\n\
         );\n\
         INSERT INTO _broken\n\
         SELECT child FROM (\n    \
             SELECT '{table}' AS child UNION\n    \
             SELECT m.name FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS k\n    \
             WHERE m.type = 'table' AND lower(k.\"table\") = '{table}'\n\
         ), pragma_foreign_key_check(child) AS f\n\
         WHERE child = '{table}' OR lower(f.parent) = '{table}';\n\
         DROP TABLE _broken;\n"
    )
}

/// A name that a person chose, as SQL has it.
fn identifier(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { quoted(name) } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Fails where a row holds what the new type does not have, and names the rows: a column of `SQLite` takes anything.
/// Before 3.47, the only message that can hold a value is that of a path which is none.
fn refuse_others(name: &str, key: &[String], column: &ColumnLayout, from: &str, guard: &str) -> String {
    let kind = column.spec.replace('\'', "''");
    let shown = |key: &String| format!("iif(typeof({0}) = 'blob', lower(hex({0})), {0})", quoted(key));
    let keys: Vec<String> = key.iter().map(shown).collect();
    format!(
        "SELECT json_extract('{{}}', '{name}.{}: no {kind} in the rows with {} ' || group_concat(wrong.key, '; '))\n\
         FROM (SELECT {} AS key FROM {} WHERE {from} IS NOT NULL AND NOT ({guard}) LIMIT 10) AS wrong;\n\n",
        column.name,
        key.join(", "),
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
