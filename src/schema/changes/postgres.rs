//! For `PostgreSQL`: statements that hold their locks for a moment only. What reads a whole table does so
//! apart (`VALIDATE`, `CONCURRENTLY`), one such index a file, which no transaction is around.

use super::casts::Cast;
use super::renames::Renamed;
use super::{
    EMPTY, THERE, back_loses, cast, column_goes, created, dropped, is_doubtful, loses, may_meet, may_refuse,
    needs_value, quoted, renamed_choices, shared_default, shares_default,
};
use crate::schema::layout::{ColumnLayout, Constraint, IndexLayout, Layout, TableLayout, What, list};
use crate::schema::migrations::Migration;
use crate::schema::types::Database;

const ALONE: &str = "-- no-transaction\n";

const BREAKS: &str = "-- The previous release fails on the new names: stop its replicas before this migration runs.\n";

/// squawk, a linter of migrations, warns of every rename.
const MEANT: &str = "-- squawk-ignore-file renaming-table, renaming-column, renaming-object\n\n";

pub fn changes(renamed: &Renamed, new: &Layout) -> Vec<Migration> {
    let mut old = renamed.old.clone();
    let mut all = Vec::new();
    for table in &mut old.tables {
        if let Some(now) = new.table(&table.name) {
            all.extend(names(table, now, renamed));
        }
    }
    all.extend(created(&old, new));
    let both = || new.tables.iter().filter_map(|table| Some((old.table(&table.name)?, table)));
    let mut later = Vec::new();
    let mut gone = Vec::new();
    for (old, new) in both() {
        let change = TableChange::of(old, new);
        let [first, second, last] = change.migrations();
        all.extend(first);
        later.extend(second);
        gone.extend(last);
    }
    all.extend(later);
    for (old, new) in both() {
        all.extend(indexes(old, new));
    }
    all.extend(gone);
    all.extend(dropped(&old, new));
    all
}

/// Steps with their ways back.
#[derive(Default)]
struct Steps {
    up: Vec<String>,
    down: Vec<String>,
}

impl Steps {
    fn add(&mut self, up: impl Into<String>, down: impl Into<String>) {
        self.up.push(up.into());
        self.down.push(down.into());
    }

    /// One migration, where there is anything to do.
    fn migration(self, name: String, destructive: Vec<String>, notes: Vec<String>) -> Option<Migration> {
        let down: String = self.down.into_iter().rev().collect();
        let down = if down.is_empty() { "-- There is nothing to take back.\n".to_owned() } else { down };
        (!self.up.is_empty()).then(|| Migration { name, up: self.up.concat(), down, destructive, notes })
    }
}

fn alter(table: &str, what: &str) -> String {
    format!("ALTER TABLE {} {what};\n", quoted(table))
}

/// Where a person gives rows other values, commented out.
fn place(table: &str, column: &ColumnLayout, what: &str) -> String {
    format!("-- {what}:\n-- UPDATE {} SET {} = …;\n", quoted(table), quoted(&column.name))
}

/// Stops the migration where a value of a column is none of its type, and names the rows.
fn refuse_others(table: &TableLayout, column: &ColumnLayout, guard: &str) -> String {
    let (from, name) = (quoted(&table.name), quoted(&column.name));
    format!(
        "DO $$\nDECLARE\n    others TEXT;\nBEGIN\n\
         \x20   SELECT string_agg(concat_ws(', ', {key}), '; ') INTO others\n\
         \x20   FROM (SELECT {key} FROM {from} WHERE {name} IS NOT NULL AND NOT ({guard}) ORDER BY {key} LIMIT 10) wrong;\n\
         \x20   IF others IS NOT NULL THEN\n\
         \x20       RAISE EXCEPTION '{}.{}: no {} in the rows with {} %', others\n\
         \x20           USING HINT = 'The first ten are named. Mend them, and run the migration again.';\n\
         \x20   END IF;\nEND $$;\n",
        table.name,
        column.name,
        column.spec.replace('\'', "''").replace('%', "%%"),
        list(&table.key),
        key = list(&table.key),
    )
}

/// Gives everything of a table its new name, and notes them in `old`.
fn names(old: &mut TableLayout, new: &TableLayout, renamed: &Renamed) -> Option<Migration> {
    let (before, now) = (renamed.old_table(&new.name).to_owned(), new.name.as_str());
    let mut steps = Steps::default();
    if before != now {
        steps.add(
            alter(&before, &format!("RENAME TO {}", quoted(now))),
            alter(now, &format!("RENAME TO {}", quoted(&before))),
        );
        constraint_name(&mut steps, now, &format!("{before}_pkey"), &format!("{now}_pkey"));
    }
    let columns = new.columns.iter().filter(|column| renamed.old_column(now, &column.name) != column.name);
    let columns: Vec<(&str, &str)> =
        columns.map(|column| (renamed.old_column(now, &column.name), column.name.as_str())).collect();
    for (from, to) in &columns {
        let rename = |from: &str, to: &str| alter(now, &format!("RENAME COLUMN {} TO {}", quoted(from), quoted(to)));
        steps.add(rename(from, to), rename(to, from));
    }
    for constraint in &mut old.constraints {
        let same = |other: &&Constraint| other.what == constraint.what;
        if let Some(other) = new.constraints.iter().find(same)
            && other.name != constraint.name
        {
            constraint_name(&mut steps, now, &constraint.name, &other.name);
            constraint.name.clone_from(&other.name);
        }
    }
    for index in &mut old.indexes {
        let same = |other: &&IndexLayout| other.columns == index.columns;
        if let Some(other) = new.indexes.iter().find(same)
            && other.name != index.name
        {
            let rename = |from: &str, to: &str| format!("ALTER INDEX {} RENAME TO {};\n", quoted(from), quoted(to));
            steps.add(rename(&index.name, &other.name), rename(&other.name, &index.name));
            index.name.clone_from(&other.name);
        }
    }
    let name = match columns.as_slice() {
        _ if before != now => format!("rename_{before}_to_{now}"),
        [(from, to)] => format!("rename_{now}_{from}_to_{to}"),
        _ => format!("rename_in_{now}"),
    };
    let breaks = if before != now || !columns.is_empty() { BREAKS } else { "" };
    let migration = steps.migration(name, Vec::new(), Vec::new())?;
    Some(Migration { up: format!("{breaks}{MEANT}{}", migration.up), ..migration })
}

fn constraint_name(steps: &mut Steps, table: &str, from: &str, to: &str) {
    let rename = |from: &str, to: &str| alter(table, &format!("RENAME CONSTRAINT {} TO {}", quoted(from), quoted(to)));
    steps.add(rename(from, to), rename(to, from));
}

/// What changes in a table that stays.
struct TableChange<'a> {
    old: &'a TableLayout,
    new: &'a TableLayout,
    /// At once; what reads the table through, after that; and what goes, at last.
    first: Steps,
    second: Steps,
    last: Steps,
    destructive: Vec<String>,
    dropped: Vec<String>,
    notes: Vec<String>,
    /// What the first step is called by, when it is one thing.
    added: Vec<&'a str>,
    others: bool,
}

impl<'a> TableChange<'a> {
    fn of(old: &'a TableLayout, new: &'a TableLayout) -> Self {
        let mut change = Self {
            old,
            new,
            first: Steps::default(),
            second: Steps::default(),
            last: Steps::default(),
            destructive: Vec::new(),
            dropped: Vec::new(),
            notes: Vec::new(),
            added: Vec::new(),
            others: false,
        };
        change.constraints_that_go();
        for column in &new.columns {
            match old.column(&column.name) {
                None => change.column_comes(column),
                Some(before) => change.column_changes(before, column),
            }
        }
        change.constraints_that_come();
        change.notes.extend(may_meet(old, new, Database::Postgres));
        change.columns_that_go();
        change
    }

    fn alter(&self, what: &str) -> String {
        alter(&self.new.name, what)
    }

    /// Of columns that go, too: what must hold of them stops holding first.
    fn constraints_that_go(&mut self) {
        if self.old.key != self.new.key {
            let pkey = quoted(&format!("{}_pkey", self.new.name));
            let add = |key: &[String]| format!("ADD CONSTRAINT {pkey} PRIMARY KEY ({})", list(key));
            self.first.add(self.alter(&format!("DROP CONSTRAINT {pkey}")), self.alter(&add(&self.old.key)));
            self.others = true;
        }
        for constraint in self.old.constraints.iter().filter(|constraint| !self.new.constraints.contains(constraint)) {
            let drop = format!("DROP CONSTRAINT {}", quoted(&constraint.name));
            self.first.add(self.alter(&drop), self.alter(&format!("ADD {}", constraint.sql())));
            self.others = true;
        }
    }

    fn column_comes(&mut self, column: &'a ColumnLayout) {
        let name = quoted(&column.name);
        let drop = self.alter(&format!("DROP COLUMN {name}"));
        if column.nullable || column.default.is_some() {
            self.first.add(self.alter(&format!("ADD COLUMN {}", column.sql())), drop);
            if let Some(default) = shared_default(self.new, column) {
                let what = shares_default(&self.new.name, column, default, THERE);
                self.first.add(place(&self.new.name, column, &what), "");
                self.notes.push(what);
            }
        } else {
            self.first.add(self.alter(&format!("ADD COLUMN {name} {}", column.kind)), drop);
            self.must_be_given(column);
        }
        self.added.push(&column.name);
    }

    /// First a value for every row, then the rule.
    fn must_be_given(&mut self, column: &ColumnLayout) {
        let (table, name) = (quoted(&self.new.name), quoted(&column.name));
        if let Some(default) = &column.default {
            if shared_default(self.new, column).is_some() {
                let what = shares_default(&self.new.name, column, default, EMPTY);
                self.first.add(place(&self.new.name, column, &what), "");
                self.notes.push(what);
            }
            self.first.add(format!("UPDATE {table} SET {name} = {default} WHERE {name} IS NULL;\n"), "");
        } else {
            let what = format!(
                "-- Rows that are there need a value; without one, the next migration refuses them:\n\
                 -- UPDATE {table} SET {name} = … WHERE {name} IS NULL;\n"
            );
            self.first.add(what, "");
            self.notes.push(needs_value(&self.new.name, &column.name));
        }
        let rule = quoted(&format!("{}_{}_given", self.new.name, column.name));
        let add = self.alter(&format!("ADD CONSTRAINT {rule} CHECK ({name} IS NOT NULL) NOT VALID"));
        let drop = self.alter(&format!("DROP CONSTRAINT {rule}"));
        self.first.add(add.clone(), drop.clone());
        // With the rule proved, NOT NULL need not read the table again.
        self.second.add(self.alter(&format!("VALIDATE CONSTRAINT {rule}")), "");
        self.second.add(
            self.alter(&format!("ALTER COLUMN {name} SET NOT NULL")),
            self.alter(&format!("ALTER COLUMN {name} DROP NOT NULL")),
        );
        self.second.add(drop, add);
    }

    fn alter_column(&self, column: &ColumnLayout, what: &str) -> String {
        self.alter(&format!("ALTER COLUMN {} {what}", quoted(&column.name)))
    }

    fn set_default(&self, column: &ColumnLayout) -> String {
        let what =
            column.default.as_ref().map_or("DROP DEFAULT".to_owned(), |default| format!("SET DEFAULT {default}"));
        self.alter_column(column, &what)
    }

    fn column_changes(&mut self, before: &ColumnLayout, now: &ColumnLayout) {
        let cast = cast(before, now, &quoted(&now.name), Database::Postgres);
        self.destructive.extend(loses(&self.new.name, now, &cast));
        if before.kind == now.kind {
            self.values_change(before, now, &cast);
        } else {
            self.type_changes(before, now, &cast);
        }
        match (before.nullable, now.nullable) {
            (true, false) => {
                self.must_be_given(now);
                self.others = true;
            }
            (false, true) => {
                self.first.add(self.alter_column(now, "DROP NOT NULL"), self.alter_column(now, "SET NOT NULL"));
                self.others = true;
            }
            _ => {}
        }
    }

    fn type_changes(&mut self, before: &ColumnLayout, now: &ColumnLayout, cast: &Cast) {
        let back = super::cast(now, before, &quoted(&now.name), Database::Postgres);
        let alter = |cast: &Cast, to: &ColumnLayout| {
            // The lock keeps out what would be written between the look and the change.
            let guard = cast.guard.as_deref().map_or(String::new(), |guard| {
                let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE;\n", quoted(&self.new.name));
                lock + &refuse_others(self.new, to, guard)
            });
            let alter = self.alter_column(to, &format!("TYPE {} USING {}", to.kind, cast.sql));
            format!("{}{guard}{alter}", cast.settings)
        };
        let loses = back_loses(&self.new.name, before, now, Database::Postgres).unwrap_or_default();
        let (up, down) = (alter(cast, now), loses + &alter(&back, before));
        // A default would have to be one of both types.
        let without = before.default.is_some() || now.default.is_some();
        let no_default = self.alter_column(now, "DROP DEFAULT");
        if without {
            self.first.add(no_default.clone(), self.set_default(before));
        }
        self.first.add(up, down);
        if without {
            self.first.add(self.set_default(now), no_default);
        }
        self.notes.push(format!(
            "{}.{} becomes {}: nothing else can use the table while it is written anew",
            self.new.name, now.name, now.spec
        ));
        self.others = true;
    }

    /// Of a column that keeps its type in SQL.
    fn values_change(&mut self, before: &ColumnLayout, now: &ColumnLayout, cast: &Cast) {
        if let Some(guard) = &cast.guard {
            // Its rule stands by then, and is proved next; that would name no row.
            self.second.add(refuse_others(self.new, now, guard), "");
        }
        if !renamed_choices(before, now).is_empty() {
            let (table, name) = (quoted(&self.new.name), quoted(&now.name));
            let rename = |before: &ColumnLayout, now: &ColumnLayout| {
                let old: Vec<String> =
                    renamed_choices(before, now).into_iter().map(|(old, _)| format!("'{old}'")).collect();
                let cast = super::cast(before, now, &name, Database::Postgres);
                format!("UPDATE {table} SET {name} = {} WHERE {name} IN ({});\n", cast.sql, old.join(", "))
            };
            self.first.add(rename(before, now), rename(now, before));
            self.others = true;
        }
        if before.default != now.default {
            self.first.add(self.set_default(now), self.set_default(before));
            self.others = true;
        }
    }

    fn constraints_that_come(&mut self) {
        if self.old.key != self.new.key {
            let pkey = quoted(&format!("{}_pkey", self.new.name));
            let add = format!("ADD CONSTRAINT {pkey} PRIMARY KEY ({})", list(&self.new.key));
            self.first.add(self.alter(&add), self.alter(&format!("DROP CONSTRAINT {pkey}")));
        }
        for constraint in self.new.constraints.iter().filter(|constraint| !self.old.constraints.contains(constraint)) {
            // Those over an index come with it.
            if matches!(constraint.what, What::Unique(_)) {
                continue;
            }
            let name = quoted(&constraint.name);
            self.first.add(
                self.alter(&format!("ADD {} NOT VALID", constraint.sql())),
                self.alter(&format!("DROP CONSTRAINT {name}")),
            );
            self.second.add(self.alter(&format!("VALIDATE CONSTRAINT {name}")), "");
            if is_doubtful(self.old, constraint) {
                self.destructive.push(may_refuse(&self.new.name, &constraint.what));
            }
            self.others |= constraint.what.columns().iter().any(|column| self.old.column(column).is_some());
        }
    }

    fn columns_that_go(&mut self) {
        for column in self.old.columns.iter().filter(|column| self.new.column(&column.name).is_none()) {
            // Indexes over it go by themselves, and come back with it.
            let indexes = self.old.indexes.iter().filter(|index| index.is_over(&column.name));
            let indexes: String = indexes.map(|index| index.sql(&self.old.name, "")).collect();
            let (table, name) = (quoted(&self.old.name), quoted(&column.name));
            let back = if column.nullable || column.default.is_some() {
                let shared = shared_default(self.old, column);
                let shared = shared.map(|default| shares_default(&self.old.name, column, default, THERE));
                let place = shared.map(|what| place(&self.old.name, column, &what)).unwrap_or_default();
                self.alter(&format!("ADD COLUMN {}", column.sql())) + &place
            } else {
                // What was in it is gone.
                format!(
                    "{}-- Rows that are there need a value; without one, the next statement refuses them:\n\
                     -- UPDATE {table} SET {name} = …;\n{}",
                    self.alter(&format!("ADD COLUMN {name} {}", column.kind)),
                    self.alter(&format!("ALTER COLUMN {name} SET NOT NULL")),
                )
            };
            self.last.add(self.alter(&format!("DROP COLUMN {name}")), back + &indexes);
            self.dropped.push(column.name.clone());
        }
    }

    fn migrations(self) -> [Option<Migration>; 3] {
        let table = &self.new.name;
        let first = match (self.added.as_slice(), self.others) {
            ([one], false) => format!("add_{table}_{one}"),
            _ => format!("change_{table}"),
        };
        let last = match self.dropped.as_slice() {
            [one] => format!("drop_{table}_{one}"),
            _ => format!("drop_from_{table}"),
        };
        let goes = self.dropped.iter().map(|column| column_goes(table, column)).collect();
        [
            self.first.migration(first, self.destructive, self.notes),
            self.second.migration(format!("validate_{table}"), Vec::new(), Vec::new()),
            self.last.migration(last, goes, Vec::new()),
        ]
    }
}

/// Indexes, each in a file of its own: `CONCURRENTLY` will have no other statement beside it.
fn indexes(old: &TableLayout, new: &TableLayout) -> Vec<Migration> {
    let mut all = Vec::new();
    let table = quoted(&new.name);
    let drop = |name: &str| format!("{ALONE}DROP INDEX CONCURRENTLY IF EXISTS {};\n", quoted(name));
    let make = |index: &IndexLayout| format!("{ALONE}{}", index.sql(&new.name, " CONCURRENTLY"));
    let same = |one: &IndexLayout, other: &IndexLayout| one.name == other.name && one.columns == other.columns;
    for index in old.indexes.iter().filter(|index| !new.indexes.iter().any(|other| same(index, other))) {
        if index.columns.iter().all(|column| new.column(&column.name).is_some()) {
            let name = format!("drop_{}", index.name);
            all.push(Migration { name, up: drop(&index.name), down: make(index), ..Migration::default() });
        }
    }
    for index in new.indexes.iter().filter(|index| !old.indexes.iter().any(|other| same(index, other))) {
        let name = format!("add_{}", index.name);
        all.push(Migration { name, up: make(index), down: drop(&index.name), ..Migration::default() });
    }
    for constraint in new.constraints.iter().filter(|constraint| !old.constraints.contains(constraint)) {
        let What::Unique(columns) = &constraint.what else { continue };
        let name = quoted(&constraint.name);
        all.push(Migration {
            name: format!("add_{}", constraint.name),
            up: format!("{ALONE}CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({});\n", list(columns)),
            down: drop(&constraint.name),
            notes: is_doubtful(old, constraint).then(|| may_refuse(&new.name, &constraint.what)).into_iter().collect(),
            ..Migration::default()
        });
        all.push(Migration {
            name: format!("use_{}", constraint.name),
            up: alter(&new.name, &format!("ADD CONSTRAINT {name} UNIQUE USING INDEX {name}")),
            down: alter(&new.name, &format!("DROP CONSTRAINT {name}")),
            ..Migration::default()
        });
    }
    all
}
