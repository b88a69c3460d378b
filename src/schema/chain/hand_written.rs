//! What stands beside the model, and what a change of the model would do to it.

use std::collections::BTreeSet;

use super::statements::words;
use super::{Chain, ChainTable, MigrationFile, Object, ObjectKind, TablePart, same};
use crate::fault::{Fault, Faults, Place};
use crate::schema::layout::{ColumnLayout, IndexLayout, Layout, TableLayout};
use crate::schema::types::Database;

/// What the migrations of a repository leave, to be compared with the model that they have reached.
#[derive(Debug, Default)]
pub struct HandWritten {
    chain: Chain,
    /// Whether migrations that were drawn carry over what people wrote.
    is_carried: bool,
}

/// What stands on one table beside the model: what a rebuild carries over.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CarriedOver {
    pub columns: Vec<CarriedColumn>,
    /// Rules as they were written.
    pub rules: Vec<String>,
    pub indexes: Vec<CarriedObject>,
    pub triggers: Vec<CarriedObject>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedColumn {
    pub name: String,
    /// As it was written, its name first.
    pub definition: String,
    /// Whether its value is computed, so that none can be given.
    pub is_generated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedObject {
    pub name: String,
    /// The statement that creates it, without a semicolon.
    pub sql: String,
}

/// What a change of the model does to a table.
pub struct TableFate<'a> {
    /// As the migrations so far have it.
    pub before: &'a TableLayout,
    /// The name that it has after; none where it goes.
    pub now: Option<&'a str>,
    /// Columns of before that go or get another name, each with what becomes of it: `goes`.
    pub lost: Vec<(String, String)>,
    /// Columns of `PostgreSQL` whose type changes in SQL, each with what becomes of it: `becomes int`.
    pub retyped: Vec<(String, String)>,
}

impl<'a> TableFate<'a> {
    pub fn dropped(before: &'a TableLayout) -> Self {
        Self { before, now: None, lost: vec![(String::new(), "goes".to_owned())], retyped: Vec::new() }
    }
}

const DROP_FIRST: &str = "drop it in a migration of your own, then run this again; where it is still needed, create it \
                          again in a migration after the new ones";

impl HandWritten {
    pub fn of(files: &[MigrationFile], database: Database) -> Self {
        Self { chain: Chain::read(files, database), is_carried: database == Database::Sqlite }
    }

    /// What a rebuild of a table carries over, which has the name `now` by then.
    pub fn kept(&self, before: &TableLayout, now: &str) -> CarriedOver {
        let table = before.name.as_str();
        let column = |part: &TablePart| {
            let name = part.name.clone()?;
            let is_generated = is_generated(&part.definition);
            Some(CarriedColumn { name, definition: part.definition.clone(), is_generated })
        };
        let objects = |kind| {
            let object = |object: &Object| {
                let mut object = object.clone();
                object.retarget(now);
                CarriedObject { name: object.name, sql: object.text }
            };
            self.objects_on(before).filter(move |object| object.kind == kind).map(object).collect()
        };
        let found = self.chain.table(table);
        CarriedOver {
            columns: found.into_iter().flat_map(|table| columns(table, before)).filter_map(column).collect(),
            rules: found
                .into_iter()
                .flat_map(|table| rules(table, before))
                .map(|rule| rule.definition.clone())
                .collect(),
            indexes: objects(ObjectKind::Index),
            triggers: objects(ObjectKind::Trigger),
        }
    }

    /// Indexes and triggers on a table that the model does not have.
    fn objects_on<'a>(&'a self, before: &'a TableLayout) -> impl Iterator<Item = &'a Object> {
        let is_known = |object: &&Object| {
            let names = before.indexes.iter().map(|index| &index.name);
            !names.chain(before.constraints.iter().map(|rule| &rule.name)).any(|name| same(name, &object.name))
        };
        self.chain.objects.iter().filter(move |object| object.is_on(&before.name)).filter(is_known)
    }

    /// Why a table cannot be written anew: what stands on it, or names it, could not be carried over whole.
    pub fn bars_rebuild(&self, change: &TableFate) -> Faults {
        let TableFate { before, now, lost, .. } = change;
        let table = before.name.as_str();
        let is_renamed = now.is_some_and(|now| now != table);
        let mut faults = Faults::default();
        let name = table.to_lowercase();
        for other in self.chain.others.iter().filter(|other| other.mentions.contains(&name)) {
            let message = format!("{table} has to be written anew, and `{}` is not understood here", other.text);
            faults.push(Fault::at(other.place.clone(), message).help(
                "take the change back in a migration of your own; or make this change of the model by a migration of \
                 your own, too",
            ));
        }
        for gone in &self.chain.gone {
            let is_column = gone.table.as_deref().is_some_and(|own| same(own, table));
            let in_model = match gone.what {
                "column" => is_column && before.columns.iter().any(|column| same(&column.name, &gone.name)),
                _ => before.indexes.iter().any(|index| same(&index.name, &gone.name)),
            };
            if in_model && !self.is_there_again(table, gone.what, &gone.name) {
                let message = format!(
                    "the {} {} is taken away here, and the model has it: {table} cannot be written anew",
                    gone.what, gone.name
                );
                faults
                    .push(Fault::at(gone.place.clone(), message).help(
                        "give it back in a migration of your own; what the model has is changed in service.toml",
                    ));
            }
        }
        if let Some(found) = self.chain.table(table) {
            for (column, place) in altered(found, before) {
                let message = format!("{table}.{} is not as the model has it: `{}`", column.name, column.sql());
                faults.push(Fault::at(place.clone(), message).help(
                    "a change of the model writes the table anew, and this would be lost; change the field in \
                     service.toml, or keep what is yours in a column of its own",
                ));
            }
            if found.source.by_hand && !found.options.is_empty() {
                let message = format!("{table} is created with `{}` here, which a rebuild would lose", found.options);
                faults
                    .push(Fault::at(found.source.place.clone(), message).help(
                        "create it without in a migration of your own, as the model has it, then run this again",
                    ));
            }
            for part in columns(found, before).chain(rules(found, before)) {
                if label(part).contains([',', '\n']) {
                    let message = format!(
                        "the column {} has a name that cannot be listed at the head of a migration",
                        label(part)
                    );
                    faults.push(Fault::at(part.source.place.clone(), message).help(DROP_FIRST));
                }
                let named: BTreeSet<String> = words(&part.definition).skip(1).collect();
                Self::bars(lost, &named, table, &part.source.place, &format!("`{}`", first_line(part)), &mut faults);
            }
        }
        for object in &self.chain.objects {
            let is_on = object.is_on(table);
            let is_kept = is_on && self.objects_on(before).any(|other| std::ptr::eq(other, object));
            if is_on && !is_kept {
                continue;
            }
            let what = format!("the {} {}", object.kind.noun(), object.name);
            let place = &object.source.place;
            let renamed = (is_renamed && object.mentions.contains(&name)).then_some(table);
            if is_kept && let Some(outdated) = object.outdated.as_deref().or(renamed) {
                let message = format!("{what} still names {outdated}, which has another name by then");
                faults.push(
                    Fault::at(place.clone(), message)
                        .help("drop it in a migration of your own, and create it again there by the names of today"),
                );
            } else if is_on || object.mentions.contains(&name) {
                Self::bars(lost, &object.mentions, table, place, &what, &mut faults);
            }
            if is_kept && object.name.contains([',', '\n']) {
                let message = format!("{what} has a name that cannot be listed at the head of a migration");
                faults.push(Fault::at(place.clone(), message).help(DROP_FIRST));
            }
        }
        for other in self.chain.tables.iter().filter(|other| !same(&other.name, table)) {
            for (to, columns) in &other.references {
                if same(to, table) {
                    let what = format!("the table {}", other.name);
                    Self::bars(lost, columns, table, &other.source.place, &what, &mut faults);
                }
            }
        }
        faults
    }

    fn bars(
        lost: &[(String, String)],
        named: &BTreeSet<String>,
        table: &str,
        place: &Place,
        what: &str,
        faults: &mut Faults,
    ) {
        for (column, fate) in lost.iter().filter(|(column, _)| named.contains(&column.to_lowercase())) {
            let message = format!("{what} names {table}.{column}, which {fate}");
            faults.push(Fault::at(place.clone(), message).help(DROP_FIRST));
        }
    }

    /// Whether a routine is what a trigger on the table runs, which need not name the table.
    fn is_run_by_trigger(&self, routine: &Object, table: &str) -> bool {
        let name = routine.name.to_lowercase();
        let is_it = |trigger: &Object| trigger.kind == ObjectKind::Trigger && trigger.is_on(table);
        routine.kind == ObjectKind::Code
            && self.chain.objects.iter().any(|trigger| is_it(trigger) && trigger.mentions.contains(&name))
    }

    /// Whether what was taken away was created again later.
    fn is_there_again(&self, table: &str, what: &str, name: &str) -> bool {
        if what == "column" {
            let found = self.chain.table(table);
            return found.is_some_and(|table| table.columns.iter().any(|column| column.is_called(name)));
        }
        self.chain.objects.iter().any(|object| object.kind == ObjectKind::Index && same(&object.name, name))
    }

    /// What the new model would create, and a file by hand has created.
    pub fn clashes(&self, old: &Layout, new: &Layout, before: impl Fn(&str) -> String) -> Faults {
        let mut faults = Faults::default();
        let mut clash = |what: String, place: &Place| {
            let message = format!("{what} is there already, by this migration, and the model gets one of that name");
            faults.push(Fault::at(place.clone(), message).help(
                "choose another name in the model; or drop yours, or give it another name, in a migration of your own",
            ));
        };
        for table in &new.tables {
            let Some(known) = old.table(&table.name) else {
                if let Some(found) = self.chain.table(&table.name).filter(|found| found.source.by_hand) {
                    clash(format!("the table {}", table.name), &found.source.place);
                }
                for view in self.chain.objects.iter().filter(|object| object.kind == ObjectKind::View) {
                    if same(&view.name, &table.name) {
                        clash(format!("the view {}", table.name), &view.source.place);
                    }
                }
                continue;
            };
            let found = self.chain.table(&before(&table.name));
            let parts = found.into_iter().flat_map(|found| columns(found, known));
            for part in parts.filter(|part| self.is_carried || part.source.by_hand) {
                let is_new =
                    |column: &&ColumnLayout| known.column(&column.name).is_none() && part.is_called(&column.name);
                if let Some(column) = table.columns.iter().find(is_new) {
                    clash(format!("the column {}.{}", table.name, column.name), &part.source.place);
                }
            }
            let is_new = |index: &&IndexLayout| !known.indexes.iter().any(|other| other.name == index.name);
            for index in table.indexes.iter().filter(is_new) {
                let is_it = |object: &&Object| object.kind == ObjectKind::Index && same(&object.name, &index.name);
                if let Some(object) = self.chain.objects.iter().filter(|object| object.source.by_hand).find(is_it) {
                    clash(format!("the index {}", index.name), &object.source.place);
                }
            }
        }
        faults
    }

    /// What goes with a table or, of `PostgreSQL`, with its columns: a line each. Where the change would fail, a fault.
    pub fn goes_along(&self, change: &TableFate) -> (Vec<String>, Faults) {
        let TableFate { before, now, lost, retyped } = change;
        let (table, whole) = (before.name.as_str(), now.is_none());
        let name = table.to_lowercase();
        let (mut lines, mut faults) = (Vec::new(), Faults::default());
        let is_in = |named: &BTreeSet<String>, column: &String| {
            whole || named.contains(&column.to_lowercase()) || named.contains("*")
        };
        let hit = |named: &BTreeSet<String>| lost.iter().find(|(column, _)| is_in(named, column));
        // What a column's type is part of: PostgreSQL does not change it under a view or the head of a trigger.
        let bound = |named: &BTreeSet<String>| {
            let gone = lost.iter().filter(|(_, fate)| fate == "goes");
            gone.chain(retyped).find(|(column, _)| is_in(named, column))
        };
        if whole && let Some(found) = self.chain.table(table) {
            for part in columns(found, before) {
                lines.push(format!("{}: {table}.{} goes with its table", part.source.place, label(part)));
            }
        }
        let is_kept =
            |object: &Object| self.is_carried && self.objects_on(before).any(|other| std::ptr::eq(other, object));
        for object in self.chain.objects.iter().filter(|object| object.source.by_hand || is_kept(object)) {
            let is_on = object.is_on(table) || (!whole && self.is_run_by_trigger(object, table));
            if !is_on && !object.mentions.contains(&name) {
                continue;
            }
            let is_view = object.kind == ObjectKind::View;
            let named = if is_view { object.mentions.clone() } else { without_star(&object.mentions) };
            let is_bound = is_view || (object.kind == ObjectKind::Trigger && !whole);
            let bound = bound(&named).filter(|_| is_bound);
            let Some((column, fate)) = bound.or_else(|| hit(&named)) else { continue };
            let what = format!("the {} {}", object.kind.noun(), object.name);
            let of = if whole { table.to_owned() } else { format!("{table}.{column}") };
            if is_view || bound.is_some() {
                let message = format!("{what} names {of}, which {fate}");
                faults.push(Fault::at(object.source.place.clone(), message).help(DROP_FIRST));
            } else if is_on && (whole || object.kind == ObjectKind::Index) {
                lines.push(format!("{}: {what} goes with {of}", object.source.place));
            } else {
                lines.push(format!("{}: {what} names {of}, which {fate}", object.source.place));
            }
        }
        for other in self.chain.tables.iter().filter(|other| other.source.by_hand && !same(&other.name, table)) {
            for (to, columns) in &other.references {
                if same(to, table)
                    && let Some((column, fate)) = hit(columns)
                {
                    let of = if whole { table.to_owned() } else { format!("{table}.{column}") };
                    let message = format!("the table {} refers to {of}, which {fate}", other.name);
                    faults.push(
                        Fault::at(other.source.place.clone(), message)
                            .help("drop the reference, or the table, in a migration of your own, then run this again"),
                    );
                }
            }
        }
        for other in self.chain.others.iter().filter(|other| other.mentions.contains(&name)) {
            let named = without_star(&other.mentions);
            if let Some((column, fate)) = hit(&named).or_else(|| bound(&named)) {
                let of = if whole { table.to_owned() } else { format!("{table}.{column}") };
                lines.push(format!("{}: `{}` names {of}, which {fate}", other.place, other.text));
            }
        }
        (lines, faults)
    }
}

fn without_star(names: &BTreeSet<String>) -> BTreeSet<String> {
    names.iter().filter(|name| *name != "*").cloned().collect()
}

fn label(part: &TablePart) -> &str {
    part.name.as_deref().unwrap_or_default()
}

fn first_line(part: &TablePart) -> &str {
    part.definition.lines().next().unwrap_or_default()
}

/// Columns that the model does not have.
fn columns<'a>(table: &'a ChainTable, before: &'a TableLayout) -> impl Iterator<Item = &'a TablePart> {
    let is_known = |part: &&TablePart| before.columns.iter().any(|column| part.is_called(&column.name));
    table.columns.iter().filter(move |part| !is_known(part))
}

/// Rules that the model does not have.
fn rules<'a>(table: &'a ChainTable, before: &'a TableLayout) -> impl Iterator<Item = &'a TablePart> {
    let key = format!("{}_pkey", before.name);
    let is_known = move |part: &&TablePart| match &part.name {
        Some(name) => same(name, &key) || before.constraints.iter().any(|rule| same(&rule.name, name)),
        None => !part.source.by_hand,
    };
    table.rules.iter().filter(move |part| !is_known(part))
}

/// Columns of the model that a file by hand has otherwise, each with its place.
fn altered<'a>(table: &'a ChainTable, before: &'a TableLayout) -> impl Iterator<Item = (&'a ColumnLayout, &'a Place)> {
    before.columns.iter().filter_map(|column| {
        let part = table.columns.iter().find(|part| part.is_called(&column.name))?;
        let is_altered = part.source.by_hand && plain(&part.definition) != plain(&column.sql());
        is_altered.then_some((column, &part.source.place))
    })
}

/// A definition without what does not count.
fn plain(definition: &str) -> String {
    definition.replace(['"', '`', '[', ']'], "").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// `x AS (…)`, with or without `GENERATED ALWAYS`; not `DEFAULT (CAST(x AS TEXT))`.
fn is_generated(definition: &str) -> bool {
    let mut depth = 0_i32;
    let mut outside = String::new();
    for c in definition.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    words(&outside).skip(1).any(|word| word == "as")
}
