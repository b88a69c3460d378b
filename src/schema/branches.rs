//! What two branches made of one schema: where they disagree, and which names are others now.

use std::collections::BTreeSet;
use std::fmt;

use super::changes::SchemaRename;
use super::draft::RenamedChoice;
use super::layout::{ColumnLayout, Layout, TableLayout};
use super::types::Type;

/// The schema of a branch, and the renames that led to it from where the branches parted.
#[derive(Debug, Clone, Copy)]
pub struct BranchSchema<'a> {
    pub layout: &'a Layout,
    /// In the order that they were carried out.
    pub renames: &'a [SchemaRename],
}

/// A part of the schema of which two branches say what cannot both hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// By each name that the branches have for it.
    pub tables: BTreeSet<String>,
    /// `orders.note`, by the name that it had before, if it had one.
    pub what: String,
    pub kind: DisagreementKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisagreementKind {
    /// This branch drops it, the other changes it.
    DroppedByOurs,
    DroppedByTheirs,
    /// Both change it, each in another way.
    TwoValues(&'static str),
}

impl fmt::Display for SchemaRename {
    /// As `.new-service/lock` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { from, to } => write!(f, "table {from} {to}"),
            Self::Column { table, from, to } => write!(f, "column {table} {from} {to}"),
            Self::Choice { table, column, from, to } => write!(f, "choice {table} {column} {from} {to}"),
        }
    }
}

impl SchemaRename {
    /// Reads what `Display` wrote.
    pub fn read(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        match <[String; 3]>::try_from(words.clone()) {
            Ok([kind, from, to]) if kind == "table" => return Some(Self::Table { from, to }),
            _ => {}
        }
        match <[String; 4]>::try_from(words.clone()) {
            Ok([kind, table, from, to]) if kind == "column" => return Some(Self::Column { table, from, to }),
            _ => {}
        }
        match <[String; 5]>::try_from(words) {
            Ok([kind, table, column, from, to]) if kind == "choice" => Some(Self::Choice { table, column, from, to }),
            _ => None,
        }
    }

    /// The tables that it names.
    pub fn tables(&self) -> Vec<&str> {
        match self {
            Self::Table { from, to } => vec![from, to],
            Self::Column { table, .. } | Self::Choice { table, .. } => vec![table],
        }
    }
}

impl BranchSchema<'_> {
    /// The name that a table has now.
    fn table_name(&self, before: &str) -> String {
        self.names(before, "").0
    }

    /// The names that a column and its table have now.
    fn names(&self, table: &str, column: &str) -> (String, String) {
        let (mut table, mut column) = (table.to_owned(), column.to_owned());
        for rename in self.renames {
            match rename {
                SchemaRename::Table { from, to } if *from == table => to.clone_into(&mut table),
                SchemaRename::Column { table: of, from, to } if *of == table && *from == column => {
                    to.clone_into(&mut column);
                }
                _ => {}
            }
        }
        (table, column)
    }

    fn choice(&self, table: &str, column: &str, choice: &str) -> String {
        let mut choice = choice.to_owned();
        for rename in self.renames {
            if let SchemaRename::Choice { table: of, column: at, from, to } = rename
                && of == table
                && at == column
                && *from == choice
            {
                to.clone_into(&mut choice);
            }
        }
        choice
    }

    /// The tables whose layout is not that of `base`, by their names there and here.
    pub fn changed_tables(&self, base: &Layout) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for table in &base.tables {
            let name = self.table_name(&table.name);
            if self.layout.table(&name).is_none_or(|now| name != table.name || !same_table(table, now)) {
                all.extend([table.name.clone(), name]);
            }
        }
        let is_new = |table: &&TableLayout| base.table(&table.name).is_none();
        all.extend(self.layout.tables.iter().filter(is_new).map(|table| table.name.clone()));
        all
    }

    /// The tables that `base` does not have by that name, or that are no longer there by it.
    pub fn named_anew(&self, base: &Layout) -> BTreeSet<String> {
        let came = self.layout.tables.iter().filter(|table| base.table(&table.name).is_none());
        let gone = base.tables.iter().filter(|table| self.layout.table(&table.name).is_none());
        came.chain(gone).map(|table| table.name.clone()).collect()
    }
}

/// Whether two layouts of a table say the same; not by the notes of a change that leads there.
pub fn same_table(one: &TableLayout, other: &TableLayout) -> bool {
    let facts = |table: &TableLayout| {
        let layout = Layout { dialect: super::Database::Postgres, tables: vec![table.clone()] };
        let mut lines: Vec<String> = layout.lines().into_iter().map(|line| without_number(&line)).collect();
        lines.sort();
        lines
    };
    facts(one) == facts(other)
}

/// `column orders 3 note …` without the number, which the order of `service.toml` gives it.
fn without_number(line: &str) -> String {
    match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
        ["column", table, _, rest] => format!("column {table} {rest}"),
        _ => line.to_owned(),
    }
}

/// Where two branches that began with `base` say what cannot both hold.
pub fn disagreements(base: &Layout, ours: BranchSchema, theirs: BranchSchema) -> Vec<Disagreement> {
    let mut all = Vec::new();
    for before in &base.tables {
        let names = [&ours, &theirs].map(|side| side.table_name(&before.name));
        let tables: BTreeSet<String> = names.iter().cloned().chain([before.name.clone()]).collect();
        let mut push = |what: String, kind| all.push(Disagreement { tables: tables.clone(), what, kind });
        let is_changed = |name: &String, now: &TableLayout| *name != before.name || !same_table(before, now);
        match (ours.layout.table(&names[0]), theirs.layout.table(&names[1])) {
            (None, None) => {}
            (None, Some(now)) => {
                if is_changed(&names[1], now) {
                    push(before.name.clone(), DisagreementKind::DroppedByOurs);
                }
            }
            (Some(now), None) => {
                if is_changed(&names[0], now) {
                    push(before.name.clone(), DisagreementKind::DroppedByTheirs);
                }
            }
            (Some(one), Some(two)) => {
                if two_values(&before.name, &names[0], &names[1]) {
                    push(before.name.clone(), DisagreementKind::TwoValues("name"));
                }
                for (what, kind) in columns(before, (ours, one), (theirs, two)) {
                    push(what, kind);
                }
            }
        }
    }
    for one in ours.layout.tables.iter().filter(|table| base.table(&table.name).is_none()) {
        let is_renamed = |side: BranchSchema| base.tables.iter().any(|known| side.table_name(&known.name) == one.name);
        let Some(two) = theirs.layout.table(&one.name) else { continue };
        // What both renamed is compared by what it was.
        if is_renamed(ours) || is_renamed(theirs) {
            continue;
        }
        for (what, kind) in new_columns(one, two, |_| true) {
            all.push(Disagreement { tables: [one.name.clone()].into(), what, kind });
        }
    }
    all
}

/// Of a table that both have, which may have two names.
fn columns(
    before: &TableLayout,
    (ours, one): (BranchSchema, &TableLayout),
    (theirs, two): (BranchSchema, &TableLayout),
) -> Vec<(String, DisagreementKind)> {
    let mut all = Vec::new();
    let mut known = BTreeSet::new();
    for column in &before.columns {
        let what = format!("{}.{}", before.name, column.name);
        let names = [&ours, &theirs].map(|side| side.names(&before.name, &column.name).1);
        known.extend(names.iter().cloned());
        let is_changed = |name: &String, now: &ColumnLayout, table: &TableLayout| {
            *name != column.name
                || [now.kind != column.kind, now.spec != column.spec, now.nullable != column.nullable].contains(&true)
                || now.default != column.default
                || over(table, name) > over(before, &column.name)
        };
        match (one.column(&names[0]), two.column(&names[1])) {
            (None, Some(now)) if is_changed(&names[1], now, two) => all.push((what, DisagreementKind::DroppedByOurs)),
            (Some(now), None) if is_changed(&names[0], now, one) => all.push((what, DisagreementKind::DroppedByTheirs)),
            (None, _) | (_, None) => {}
            (Some(a), Some(b)) => {
                if two_values(&column.name, &names[0], &names[1]) {
                    all.push((what.clone(), DisagreementKind::TwoValues("name")));
                }
                let renamed_apart = |choice: &String| {
                    let side =
                        |side: &BranchSchema, table: &TableLayout, name: &str| side.choice(&table.name, name, choice);
                    two_values(choice, &side(&ours, one, &names[0]), &side(&theirs, two, &names[1]))
                };
                match (Type::read(&column.spec), Type::read(&a.spec), Type::read(&b.spec)) {
                    // Each choice is a fact of its own.
                    (Some(Type::Enum(choices)), Some(Type::Enum(_)), Some(Type::Enum(_))) => {
                        let apart = choices.iter().any(renamed_apart);
                        all.extend(apart.then(|| (what.clone(), DisagreementKind::TwoValues("choice"))));
                    }
                    _ if two_values(&column.spec, &a.spec, &b.spec) => {
                        all.push((what.clone(), DisagreementKind::TwoValues("type")));
                    }
                    _ => {}
                }
                if two_values(&column.default, &a.default, &b.default) && a.spec == b.spec {
                    all.push((what, DisagreementKind::TwoValues("default")));
                }
            }
        }
    }
    all.extend(new_columns(one, two, |name| !known.contains(name)));
    all
}

/// Columns that both branches added by one name.
fn new_columns(one: &TableLayout, two: &TableLayout, is_new: impl Fn(&str) -> bool) -> Vec<(String, DisagreementKind)> {
    let mut all = Vec::new();
    for a in one.columns.iter().filter(|column| is_new(&column.name)) {
        let Some(b) = two.column(&a.name) else { continue };
        for (differs, fact) in
            [(a.spec != b.spec, "type"), (a.nullable != b.nullable, "nullability"), (a.default != b.default, "default")]
        {
            if differs {
                all.push((format!("{}.{}", one.name, a.name), DisagreementKind::TwoValues(fact)));
                break;
            }
        }
    }
    all
}

/// Constraints and indexes over a column.
fn over(table: &TableLayout, column: &str) -> usize {
    let rules = table.constraints.iter().filter(|rule| rule.what.columns().contains(column)).count();
    rules + table.indexes.iter().filter(|index| index.is_over(column)).count()
}

fn two_values<T: PartialEq>(base: &T, ours: &T, theirs: &T) -> bool {
    ours != base && theirs != base && ours != theirs
}

impl Layout {
    /// Takes from `other` all tables that are not in `but`: as they are there, or gone where they are gone.
    pub fn take_tables(&mut self, base: &Self, other: &Self, but: &BTreeSet<String>) {
        let differs = |name: &str| match (base.table(name), other.table(name)) {
            (Some(one), Some(two)) => !same_table(one, two),
            (None, None) => false,
            _ => true,
        };
        let names: BTreeSet<String> = base.tables.iter().chain(&other.tables).map(|table| table.name.clone()).collect();
        for name in names.iter().filter(|name| !but.contains(*name) && differs(name)) {
            self.tables.retain(|table| table.name != *name);
            self.tables.extend(other.table(name).cloned());
        }
        self.sort();
    }

    /// Says of tables, columns and choices what they were, by renames that led to this schema and that `reached` does
    /// not have yet.
    pub fn recall(&mut self, reached: &Self, renames: &[SchemaRename]) {
        // The newest first: from a name that is here to each that it had before.
        for table in &mut self.tables {
            let mut name = table.name.clone();
            let mut names: Vec<(String, String)> =
                table.columns.iter().map(|column| (column.name.clone(), column.name.clone())).collect();
            for rename in renames.iter().rev() {
                match rename {
                    SchemaRename::Table { from, to } if *to == name => {
                        table.was.push(from.clone());
                        from.clone_into(&mut name);
                    }
                    SchemaRename::Column { table: of, from, to } if *of == name => {
                        for (now, then) in names.iter_mut().filter(|(_, then)| then == to) {
                            if let Some(column) = table.columns.iter_mut().find(|column| column.name == *now) {
                                column.was.push(from.clone());
                            }
                            from.clone_into(then);
                        }
                    }
                    SchemaRename::Choice { table: of, column, from, to } if *of == name => {
                        for (now, _) in names.iter().filter(|(_, then)| then == column) {
                            if let Some(column) = table.columns.iter_mut().find(|column| column.name == *now) {
                                let to = column
                                    .renamed_choices
                                    .iter()
                                    .find(|known| known.from == *to)
                                    .map(|known| known.to.clone())
                                    .unwrap_or(to.clone());
                                column.renamed_choices.push(RenamedChoice { from: from.clone(), to });
                            }
                        }
                    }
                    _ => {}
                }
            }
            // A table that is there by its own name was not renamed from here on.
            if reached.table(&table.name).is_some() {
                table.was.clear();
            }
        }
    }
}
