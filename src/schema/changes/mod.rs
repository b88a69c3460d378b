//! From one schema to the next: what `alembic revision --autogenerate` is. Always new migrations, never a
//! change of one that is there; each with its way back.
//!
//! The order is the safe one: names, new tables, columns that may be empty, their values, what must hold of
//! them, indexes, and last what goes. Nothing holds a lock for as long as a table takes to read.

mod beside;
mod casts;
mod guards;
mod postgres;
mod renames;
mod sqlite;

pub use self::renames::SchemaRename;

use self::casts::Cast;
use super::chain::HandWritten;
use super::layout::{ColumnLayout, Constraint, Layout, TableLayout, What};
use super::migrations::{Migration, create};
use super::names;
use super::types::{Database, Type};
use crate::fault::{Fault, Faults};

/// The migrations from `old`, which others have reached, to `new`; none where they are the same. A type of which
/// no value becomes one of the new type is a fault, each with what to do instead.
pub fn changes(old: &Layout, new: &Layout) -> Result<Vec<Migration>, Faults> {
    changes_beside(old, new, &HandWritten::default())
}

/// The same where people wrote migrations of their own: `SQLite` carries over what they have on a table that is
/// written anew, and what cannot be is a fault; what goes with a table or a column is announced.
pub fn changes_beside(old: &Layout, new: &Layout, by_hand: &HandWritten) -> Result<Vec<Migration>, Faults> {
    let renamed = renames::Renamed::new(old, new);
    can_be_cast(&renamed.old, new)?;
    let (lost, mut faults) = beside::goes_along(&renamed, old, new, by_hand);
    let mut all = match new.dialect {
        Database::Postgres => postgres::changes(&renamed, new),
        Database::Sqlite => {
            let all = sqlite::changes(&renamed, new, &beside::kept(&renamed, old, new, by_hand));
            faults.extend(beside::bars(&renamed, old, new, by_hand, |table| sqlite::rebuilds(&all, table)));
            all
        }
    };
    faults.or(())?;
    if let Some(last) = all.last_mut() {
        last.destructive.extend(lost);
    }
    if let (Some(first), Some(note)) = (all.first_mut(), renamed.note(new)) {
        first.notes.insert(0, note);
    }
    Ok(all)
}

/// What the way from `old` to `new` renames.
pub fn renames(old: &Layout, new: &Layout) -> Vec<SchemaRename> {
    renames::Renamed::new(old, new).all(new)
}

fn can_be_cast(old: &Layout, new: &Layout) -> Result<(), Faults> {
    let mut faults = Faults::default();
    for table in &new.tables {
        let Some(before) = old.table(&table.name) else { continue };
        for column in &table.columns {
            if let Some(before) = before.column(&column.name)
                && of_column(before, column, "", new.dialect).is_none()
            {
                let message = format!("{}.{}: {} cannot become {}", table.name, column.name, before.spec, column.spec);
                faults.push(Fault::new(message).help(
                    "add a field of the new type, release what fills it, and take the old one away in a later release; \
                     where what is in it is not needed, take it away first, and add it anew then",
                ));
            }
        }
    }
    faults.or(())
}

/// How a column, which is called `x`, becomes what it is now.
fn of_column(before: &ColumnLayout, now: &ColumnLayout, x: &str, dialect: Database) -> Option<Cast> {
    let (from, to) = (Type::read(&before.spec)?, Type::read(&now.spec)?);
    let renamed = renamed_choices(before, now);
    let Type::Enum(choices) = &from else { return casts::cast(&from, &to, x, dialect) };
    if renamed.is_empty() {
        return casts::cast(&from, &to, x, dialect);
    }
    let new_name = |choice: &String| {
        renamed.iter().find(|(old, _)| *old == choice).map_or_else(|| choice.clone(), |(_, new)| (*new).to_owned())
    };
    let cast = casts::cast(&Type::Enum(choices.iter().map(new_name).collect()), &to, x, dialect)?;
    let cases: Vec<String> = renamed.iter().map(|(old, new)| format!("WHEN '{old}' THEN '{new}'")).collect();
    let renamed = format!("CASE {x} {} ELSE {x} END", cases.join(" "));
    Some(Cast { sql: cast.sql.replace(x, &renamed), guard: None, ..cast })
}

/// Choices that rows hold by other names, old and new, on the way from one layout to the other or back.
fn renamed_choices<'a>(before: &'a ColumnLayout, now: &'a ColumnLayout) -> Vec<(&'a str, &'a str)> {
    let is_choice = |column: &ColumnLayout, choice: &str| match Type::read(&column.spec) {
        Some(Type::Enum(choices)) => choices.iter().any(|known| known == choice),
        _ => false,
    };
    let forth = now.renamed_choices.iter().map(|renamed| (renamed.from.as_str(), renamed.to.as_str()));
    let back = before.renamed_choices.iter().map(|renamed| (renamed.to.as_str(), renamed.from.as_str()));
    forth.chain(back).filter(|(old, _)| is_choice(before, old) && !is_choice(now, old)).collect()
}

/// The same, after [`can_be_cast`].
fn cast(before: &ColumnLayout, now: &ColumnLayout, x: &str, dialect: Database) -> Cast {
    of_column(before, now, x, dialect).expect("what cannot be cast is refused before")
}

fn loses(table: &str, column: &ColumnLayout, cast: &Cast) -> Option<String> {
    let loses = cast.loses.as_ref()?;
    let joint = if loses.starts_with("rows with ") { ":" } else { ", and" };
    Some(format!("{table}.{} becomes {}{joint} {loses}: {EXPAND}", column.name, column.spec))
}

/// What to do in place of a change that loses something.
const EXPAND: &str = "add a field of the new type, copy, and drop the old one in a later release";

/// What rows may not hold to: a rule that is new over columns that were there. Whether what must hold of a type does,
/// its cast has said.
fn is_doubtful(old: &TableLayout, rule: &Constraint) -> bool {
    let known = old.constraints.iter().any(|other| match (&other.what, &rule.what) {
        (What::Foreign { column, table, .. }, What::Foreign { column: own, table: to, .. }) => {
            column == own && table == to
        }
        (one, other) => one == other,
    });
    !known
        && !matches!(rule.what, What::Check { .. })
        && rule.what.columns().iter().any(|column| old.column(column).is_some())
}

/// Unique rules that stay, over columns of which a cast makes several values one.
fn may_meet(old: &TableLayout, new: &TableLayout, dialect: Database) -> Vec<String> {
    let is_blurred = |column: &str| {
        let both = old.column(column).zip(new.column(column));
        let loses = both.and_then(|(before, now)| cast(before, now, "", dialect).loses);
        loses.is_some_and(|loses| loses.starts_with("loses "))
    };
    let unique = |rule: &&Constraint| matches!(rule.what, What::Unique(_)) && !is_doubtful(old, rule);
    let blurred = new.constraints.iter().filter(unique).filter(|rule| rule.what.columns().into_iter().any(is_blurred));
    blurred.map(|rule| may_refuse(&new.name, &rule.what)).collect()
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

/// What a way back loses, for the head of its file: nobody is asked before it runs.
fn back_loses(table: &str, before: &ColumnLayout, now: &ColumnLayout, dialect: Database) -> Option<String> {
    let loses = cast(now, before, "", dialect).loses.filter(|loses| loses.starts_with("loses "))?;
    Some(format!("-- {table}.{} becomes {}, and {loses}.\n", before.name, before.spec))
}

/// The default of a column that rows get it of, where every row would have to have another value.
fn shared_default<'a>(table: &TableLayout, column: &'a ColumnLayout) -> Option<&'a str> {
    let alone = |rule: &&Constraint| matches!(&rule.what, What::Unique(columns) if *columns == [column.name.clone()]);
    table.constraints.iter().find(alone).and(column.default.as_deref())
}

/// `rows` are those that get it: `that are there`.
fn shares_default(table: &str, column: &ColumnLayout, default: &str, rows: &str) -> String {
    format!(
        "{table}.{} is unique, and all rows {rows} get {default}: where there are two, give each its own value in this \
         migration",
        column.name
    )
}

/// Rows that get the default of a column that comes, and of one that may be empty no longer.
const THERE: &str = "that are there";
const EMPTY: &str = "without a value";

fn may_refuse(table: &str, what: &What) -> String {
    match what {
        What::Unique(columns) => format!("{table}: rows that share {} make the migration fail", columns.join(", ")),
        What::Check { column, sql } => {
            format!("{table}.{column}: rows for which `{sql}` does not hold make the migration fail")
        }
        What::Foreign { column, table: to, .. } => {
            format!("{table}.{column}: rows that refer to nothing in {to} make the migration fail: {EXPAND}")
        }
    }
}

fn quoted(name: &str) -> String {
    names::sql(name)
}
