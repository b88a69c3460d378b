//! Tables and columns that have another name now, by what the model says they were.

use std::collections::BTreeMap;

use crate::schema::layout::{ColumnLayout, Layout, TableLayout, What};
use crate::schema::names;

/// A name that migrations changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaRename {
    Table {
        from: String,
        to: String,
    },
    /// `table` is its name after the change.
    Column {
        table: String,
        from: String,
        to: String,
    },
    Choice {
        table: String,
        column: String,
        from: String,
        to: String,
    },
}

/// The old schema under its new names, and what was called otherwise. Constraints and indexes keep theirs.
pub struct Renamed {
    pub old: Layout,
    /// Old names of tables, by the new ones.
    pub tables: BTreeMap<String, String>,
    /// Old names of columns, by table and column as they are now.
    pub columns: BTreeMap<(String, String), String>,
}

impl Renamed {
    pub fn new(old: &Layout, new: &Layout) -> Self {
        let mut renamed = Self { old: old.clone(), tables: BTreeMap::new(), columns: BTreeMap::new() };
        for table in &new.tables {
            if old.table(&table.name).is_some() {
                continue;
            }
            let before = table.was.iter().find(|was| old.table(was).is_some() && new.table(was).is_none());
            if let Some(before) = before.filter(|before| !renamed.tables.values().any(|other| other == *before)) {
                renamed.tables.insert(table.name.clone(), before.clone());
            }
        }
        for (to, from) in renamed.tables.clone() {
            renamed.rename_table(&from, &to);
        }
        for table in &new.tables {
            let Some(before) = renamed.old.table(&table.name).cloned() else { continue };
            for column in table.columns.iter().filter(|column| before.column(&column.name).is_none()) {
                let free = |was: &&String| before.column(was).is_some() && table.column(was).is_none();
                let was = column
                    .was
                    .iter()
                    .find(free)
                    .cloned()
                    .or_else(|| same_field(column, &before).filter(|was| free(&was)));
                if let Some(was) = was {
                    renamed.columns.insert((table.name.clone(), column.name.clone()), was.clone());
                    renamed.rename_column(&table.name, &was, &column.name);
                }
            }
        }
        renamed
    }

    /// What a table was called.
    pub fn old_table<'a>(&'a self, name: &'a str) -> &'a str {
        self.tables.get(name).map_or(name, String::as_str)
    }

    /// What a column was called.
    pub fn old_column<'a>(&'a self, table: &str, column: &'a str) -> &'a str {
        self.columns.get(&(table.to_owned(), column.to_owned())).map_or(column, String::as_str)
    }

    /// All of them, in an order that they can be carried out in.
    pub fn all(&self, new: &Layout) -> Vec<SchemaRename> {
        let tables = self.tables.iter().map(|(to, from)| SchemaRename::Table { from: from.clone(), to: to.clone() });
        let columns = self.columns.iter().map(|((table, to), from)| SchemaRename::Column {
            table: table.clone(),
            from: from.clone(),
            to: to.clone(),
        });
        let mut all: Vec<SchemaRename> = tables.chain(columns).collect();
        for table in &new.tables {
            let Some(old) = self.old.table(&table.name) else { continue };
            for column in &table.columns {
                let Some(before) = old.column(&column.name) else { continue };
                all.extend(super::renamed_choices(before, column).into_iter().map(|(from, to)| SchemaRename::Choice {
                    table: table.name.clone(),
                    column: column.name.clone(),
                    from: from.to_owned(),
                    to: to.to_owned(),
                }));
            }
        }
        all
    }

    /// That a rename is no step that two releases can share; none where nothing is renamed.
    pub fn note(&self, new: &Layout) -> Option<String> {
        let tables = self.tables.iter().map(|(to, from)| format!("{from} to {to}"));
        let columns = self.columns.iter().map(|((table, to), from)| format!("{table}.{from} to {to}"));
        let choices = new.tables.iter().filter_map(|table| Some((table, self.old.table(&table.name)?)));
        let choices = choices.flat_map(|(table, old)| {
            let renamed = |column: &ColumnLayout| {
                let all = old.column(&column.name).map(|before| super::renamed_choices(before, column));
                let all = all.into_iter().flatten();
                let name = format!("{}.{}", table.name, column.name);
                all.map(|(from, to)| format!("the choice {from} of {name} to {to}")).collect::<Vec<_>>()
            };
            table.columns.iter().flat_map(renamed).collect::<Vec<_>>()
        });
        let renamed: Vec<String> = tables.chain(columns).chain(choices).collect();
        (!renamed.is_empty()).then(|| {
            format!(
                "the new migrations rename {}: stop replicas of the previous release before they run, because that \
                 release fails on the new names",
                renamed.join(", ")
            )
        })
    }

    fn rename_table(&mut self, from: &str, to: &str) {
        for table in &mut self.old.tables {
            if table.name == from {
                to.clone_into(&mut table.name);
            }
            for constraint in &mut table.constraints {
                if let What::Foreign { table, .. } = &mut constraint.what
                    && table == from
                {
                    to.clone_into(table);
                }
            }
        }
    }

    fn rename_column(&mut self, table: &str, from: &str, to: &str) {
        let Some(table) = self.old.tables.iter_mut().find(|known| known.name == table) else { return };
        rename_in(table, from, to);
    }
}

/// The column that a field had before it became a reference, or when it was one.
fn same_field(column: &ColumnLayout, before: &TableLayout) -> Option<String> {
    let refers = |column: &ColumnLayout| column.spec.starts_with("ref(");
    let was = if refers(column) { column.name.strip_suffix("_id")?.to_owned() } else { format!("{}_id", column.name) };
    (refers(before.column(&was)?) != refers(column)).then_some(was)
}

fn rename_in(table: &mut TableLayout, from: &str, to: &str) {
    let change = |name: &mut String| {
        if name == from {
            to.clone_into(name);
        }
    };
    table.columns.iter_mut().for_each(|column| change(&mut column.name));
    table.key.iter_mut().for_each(change);
    table.indexes.iter_mut().flat_map(|index| &mut index.columns).for_each(|column| change(&mut column.name));
    for constraint in &mut table.constraints {
        match &mut constraint.what {
            What::Unique(columns) => columns.iter_mut().for_each(change),
            What::Check { column, sql } if column == from => {
                *sql = in_sql(sql, &names::sql(from), &names::sql(to));
                change(column);
            }
            What::Foreign { column, .. } => change(column),
            What::Check { .. } => {}
        }
    }
}

/// Another name for a column in an expression; what stands in quotes is a text.
pub fn in_sql(sql: &str, from: &str, to: &str) -> String {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '"';
    let mut out = String::new();
    for (number, part) in sql.split('\'').enumerate() {
        if number > 0 {
            out.push('\'');
        }
        if number % 2 == 1 {
            out.push_str(part);
            continue;
        }
        let mut rest = part;
        while let Some(at) = rest.find(from) {
            let end = at + from.len();
            let whole = !rest[..at].ends_with(letter) && !rest[end..].starts_with(letter);
            out.push_str(&rest[..at]);
            out.push_str(if whole { to } else { from });
            rest = &rest[end..];
        }
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_an_expression_is_changed_and_one_in_a_text_is_not() {
        assert_eq!(in_sql("kind IN ('kind', 'x')", "kind", "sort"), "sort IN ('kind', 'x')");
        assert_eq!(in_sql("char_length(kind_of) <= 2", "kind", "sort"), "char_length(kind_of) <= 2");
        assert_eq!(in_sql("a = 'x' OR a = 'it''s a'", "a", "\"order\""), "\"order\" = 'x' OR \"order\" = 'it''s a'");
    }
}
