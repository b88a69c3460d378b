//! INSERT, UPDATE and DELETE: what goes into a column has its type, and what comes back.

use std::collections::BTreeMap;

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Insert, ObjectName, OnConflictAction, OnInsert, Query,
    SelectItem, SetExpr, TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::infer::{Output, Unclear, Value, unclear};
use super::scope::{Relation, Scope, folded};
use super::sqlite::{insert_decides, set_decides};
use super::statement::{Walk, last};
use crate::schema::model::Table;
use crate::schema::types::Database;

impl<'a> Walk<'a> {
    pub fn insert(&mut self, insert: &Insert) -> Result<Vec<Output>, Unclear> {
        let TableObject::TableName(name) = &insert.table else {
            return unclear("it inserts into what is no table", "name one");
        };
        let table = self.table(name)?;
        let called = insert.table_alias.as_ref().map_or_else(|| table.name.clone(), |alias| folded(&alias.alias));
        let mut relation = Relation::of(table, called, self.database);
        let targets: Vec<Output> = if insert.columns.is_empty() {
            relation.columns.clone()
        } else {
            let scope = [relation.clone()];
            insert
                .columns
                .iter()
                .map(|column| Scope::of(&scope, None).column(&last(column)?))
                .collect::<Result<_, _>>()?
        };
        let mut given = BTreeMap::new();
        if let Some(source) = &insert.source {
            for (target, value) in targets.iter().zip(self.inserted(source, &targets)?) {
                given.insert(target.name.clone(), value);
            }
        }
        insert_decides(&mut relation, table, &given);
        let before = Relation::of(table, relation.name.clone(), self.database);
        if let Some(OnInsert::OnConflict(conflict)) = &insert.on
            && let OnConflictAction::DoUpdate(update) = &conflict.action
        {
            let both = [before.clone(), before.clone().hidden("excluded")];
            let set = self.assignments(&update.assignments, &before, &Scope::of(&both, None))?;
            self.condition(update.selection.as_ref(), &Scope::of(&both, None))?;
            set_decides(&mut relation, table, &set);
        }
        let returning = [if self.database == Database::Sqlite { relation } else { before }];
        self.outputs(insert.returning.as_deref().unwrap_or_default(), &Scope::of(&returning, None))
    }

    /// Values for `targets`: what is known of each over all rows.
    fn inserted(&mut self, source: &Query, targets: &[Output]) -> Result<Vec<Value>, Unclear> {
        let SetExpr::Values(values) = &*source.body else {
            let outputs = self.query(source, None)?;
            if let SetExpr::Select(select) = &*source.body {
                for (item, target) in select.projection.iter().zip(targets) {
                    if let (
                        SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. },
                        Some(kind),
                    ) = (item, target.value.kind)
                    {
                        self.coerce(value, kind);
                    }
                }
            }
            self.same_number(outputs.len(), targets)?;
            return Ok(outputs.into_iter().map(|output| output.value).collect());
        };
        let mut all: Vec<Value> = Vec::new();
        for row in &values.rows {
            self.same_number(row.content.len(), targets)?;
            for (at, (value, target)) in row.content.iter().zip(targets).enumerate() {
                let known = if is_default(value) {
                    Value::default()
                } else {
                    self.assigned(value, target, &Scope::of(&[], None))?
                };
                match all.get_mut(at) {
                    Some(first) => first.nullable = first.nullable.zip(known.nullable).map(|(one, other)| one || other),
                    None => all.push(known),
                }
            }
        }
        Ok(all)
    }

    #[allow(clippy::unused_self)]
    fn same_number(&self, values: usize, targets: &[Output]) -> Result<(), Unclear> {
        if values == targets.len() {
            return Ok(());
        }
        let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        let message = format!("{values} values are given for {} columns", targets.len());
        unclear(message, format!("the columns are {}", names.join(", ")))
    }

    /// A value for a column: a bare parameter takes its type.
    fn assigned(&mut self, value: &Expr, target: &Output, scope: &Scope) -> Result<Value, Unclear> {
        let known = self.value(value, scope)?;
        if let Some(kind) = target.value.kind {
            self.coerce(value, kind);
        }
        Ok(known)
    }

    /// What SET gives, by column.
    fn assignments(
        &mut self,
        assignments: &[Assignment],
        target: &Relation,
        scope: &Scope,
    ) -> Result<BTreeMap<String, Value>, Unclear> {
        let own = [target.clone()];
        let own = Scope::of(&own, None);
        let mut given = BTreeMap::new();
        for assignment in assignments {
            let pairs: Vec<(&ObjectName, &Expr)> = match (&assignment.target, &assignment.value) {
                (AssignmentTarget::ColumnName(name), value) => vec![(name, value)],
                (AssignmentTarget::Tuple(names), Expr::Tuple(values)) if names.len() == values.len() => {
                    names.iter().zip(values).collect()
                }
                _ => return unclear(format!("`SET {assignment}` is not known here"), "set each column by itself"),
            };
            for (name, value) in pairs {
                let column = own.column(&last(name)?)?;
                if !is_default(value) {
                    given.insert(column.name.clone(), self.assigned(value, &column, scope)?);
                }
            }
        }
        Ok(given)
    }

    pub fn update(&mut self, update: &Update) -> Result<Vec<Output>, Unclear> {
        let (table, before) = self.changed(&update.table)?;
        let mut target = before.clone();
        let mut relations = vec![before.clone()];
        let others = match &update.from {
            Some(UpdateTableFromKind::BeforeSet(tables) | UpdateTableFromKind::AfterSet(tables)) => tables.as_slice(),
            None => &[],
        };
        for table in others {
            self.joined(table, &mut relations, None)?;
        }
        let set = self.assignments(&update.assignments, &before, &Scope::of(&relations, None))?;
        self.condition(update.selection.as_ref(), &Scope::of(&relations, None))?;
        if others.is_empty() {
            set_decides(&mut target, table, &set);
        }
        if self.database == Database::Sqlite {
            relations[0] = target;
        }
        self.outputs(update.returning.as_deref().unwrap_or_default(), &Scope::of(&relations, None))
    }

    pub fn delete(&mut self, delete: &Delete) -> Result<Vec<Output>, Unclear> {
        let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
        let [table] = tables.as_slice() else {
            return unclear("it deletes from several tables", "delete from one");
        };
        let mut relations = vec![self.changed(table)?.1];
        for table in delete.using.iter().flatten() {
            self.joined(table, &mut relations, None)?;
        }
        self.condition(delete.selection.as_ref(), &Scope::of(&relations, None))?;
        self.outputs(delete.returning.as_deref().unwrap_or_default(), &Scope::of(&relations, None))
    }

    /// The table that UPDATE or DELETE changes.
    fn changed(&self, table: &TableWithJoins) -> Result<(&'a Table, Relation), Unclear> {
        let TableFactor::Table { name, alias, args: None, .. } = &table.relation else {
            return unclear("it changes what is no table", "name one");
        };
        let table = self.table(name)?;
        let called = alias.as_ref().map_or_else(|| table.name.clone(), |alias| folded(&alias.name));
        Ok((table, Relation::of(table, called, self.database)))
    }
}

fn is_default(value: &Expr) -> bool {
    matches!(value, Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default"))
}
