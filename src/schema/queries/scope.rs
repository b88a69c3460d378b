//! What names mean at a place of a statement: tables, their aliases, and their columns.

use sqlparser::ast::Ident;

use super::infer::{Output, Unclear, Value, unclear};
use crate::fault::did_you_mean;
use crate::schema::model::Table;
use crate::schema::names;
use crate::schema::types::Database;

/// Something that stands in FROM, or is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub name: String,
    pub columns: Vec<Output>,
    /// `excluded` and the like: reached by its name alone, and in no `*`.
    pub hidden: bool,
}

/// The relations of one level, and those around it.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub relations: &'a [Relation],
    pub around: Option<&'a Scope<'a>>,
    /// Whether its rows are groups.
    pub grouped: bool,
}

/// A name as the databases compare it: in quotes as it stands, else in lowercase.
pub fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() }
}

impl Relation {
    pub fn of(table: &Table, name: String, database: Database) -> Self {
        let origin = match database {
            Database::Postgres => names::postgres(&table.name),
            Database::Sqlite => table.name.clone(),
        };
        let columns = table.columns.iter().map(|column| Output {
            name: column.name.clone(),
            value: Value {
                kind: Some(column.kind.storage(database).info),
                nullable: Some(column.nullable),
                origin: Some((origin.clone(), column.name.clone())),
            },
        });
        Self { name, columns: columns.collect(), hidden: false }
    }

    pub fn hidden(self, name: &str) -> Self {
        Self { name: name.to_owned(), hidden: true, ..self }
    }

    /// One whose rows may be missing, as on the other side of a LEFT JOIN.
    pub fn optional(&mut self) {
        for column in &mut self.columns {
            column.value.nullable = Some(true);
        }
    }

    fn column(&self, name: &str) -> Option<&Output> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl<'a> Scope<'a> {
    pub fn of(relations: &'a [Relation], around: Option<&'a Scope<'a>>) -> Self {
        Self { relations, around, grouped: false }
    }

    /// The column that `name` means; None where no relation has one.
    pub fn column(&self, name: &Ident) -> Result<Output, Unclear> {
        let wanted = folded(name);
        let mut level = Some(self);
        while let Some(scope) = level {
            let seen = scope.relations.iter().filter(|relation| !relation.hidden);
            let mut found = seen.filter_map(|relation| Some((relation, relation.column(&wanted)?)));
            match (found.next(), found.next()) {
                (Some((one, _)), Some((other, _))) => {
                    let message = format!("\"{wanted}\" is a column of \"{}\" and of \"{}\"", one.name, other.name);
                    return unclear(message, format!("write `{}.{wanted}`", one.name));
                }
                (Some((_, column)), None) => return Ok(column.clone()),
                (None, _) => level = scope.around,
            }
        }
        let all = self.relations.iter().flat_map(|relation| &relation.columns).map(|column| column.name.as_str());
        let tables: Vec<&str> = self.relations.iter().map(|relation| relation.name.as_str()).collect();
        let message = format!("there is no column \"{wanted}\" here{}", did_you_mean(&wanted, all));
        unclear(message, format!("in reach are the columns of {}", listed(&tables)))
    }

    /// The column `name` of the relation `table`.
    pub fn column_of(&self, table: &Ident, name: &Ident) -> Result<Output, Unclear> {
        let (relation, wanted) = (self.relation(table)?, folded(name));
        relation.column(&wanted).cloned().ok_or_else(|| {
            let near = did_you_mean(&wanted, relation.columns.iter().map(|column| column.name.as_str()));
            Unclear {
                message: format!("\"{}\" has no column \"{wanted}\"{near}", relation.name),
                help: "a column is named as its field is, and a reference ends in `_id`".into(),
            }
        })
    }

    pub fn relation(&self, table: &Ident) -> Result<&'a Relation, Unclear> {
        let wanted = folded(table);
        let mut level = Some(self);
        while let Some(scope) = level {
            if let Some(relation) = scope.relations.iter().find(|relation| relation.name == wanted) {
                return Ok(relation);
            }
            level = scope.around;
        }
        let names: Vec<&str> = self.relations.iter().map(|relation| relation.name.as_str()).collect();
        let near = did_you_mean(&wanted, names.iter().copied());
        unclear(format!("nothing here is called \"{wanted}\"{near}"), format!("there is {}", listed(&names)))
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}
