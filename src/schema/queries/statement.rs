//! The walk over a statement: FROM and what is in reach of it, what comes out, what parameters meet.
//!
//! How a value is typed is [`super::postgres`] and [`super::sqlite`].

use std::collections::BTreeMap;

use sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, Ident, LimitClause, ObjectName, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement, Values,
};
use sqlparser::tokenizer::TokenWithSpan;

use super::from::planned;
use super::infer::{Output, Unclear, Value, unclear};
use super::scope::{Relation, Scope, folded};
use super::{figure, text};
use crate::fault::did_you_mean;
use crate::schema::model::{Model, Table};
use crate::schema::types::Database;

pub struct Walk<'a> {
    pub model: &'a Model,
    pub database: Database,
    /// Texts of the columns that come out, as they are written; `SQLite` names columns by them.
    written: Vec<String>,
    /// What WITH has named so far, the latest last.
    pub named: Vec<Relation>,
    /// The parameters met so far, each with its type when it is known.
    parameters: BTreeMap<usize, Option<&'static str>>,
}

impl<'a> Walk<'a> {
    pub fn new(model: &'a Model, database: Database, sql: &str, tokens: &[TokenWithSpan]) -> Self {
        let written = text::outputs(sql, tokens);
        Self { model, database, written, named: Vec::new(), parameters: BTreeMap::new() }
    }

    /// The columns of the answer, all of them typed.
    pub fn statement(&mut self, statement: &Statement) -> Result<Vec<Output>, Unclear> {
        if self.database == Database::Postgres
            && let Statement::Query(query) = statement
        {
            planned(query)?;
        }
        let mut outputs = self.inner_statement(statement)?;
        for output in &mut outputs {
            if output.value.kind.is_none() {
                if self.database == Database::Sqlite {
                    let message = format!("what sqlx would say of the column \"{}\" is not known here", output.name);
                    let help = "write a column, a count, a sum, a coalesce or a cast of one of these; \
                                and read what was changed by a SELECT of its own";
                    return unclear(message, help);
                }
                output.value.kind = Some("Text");
            }
        }
        Ok(outputs)
    }

    fn inner_statement(&mut self, statement: &Statement) -> Result<Vec<Output>, Unclear> {
        match statement {
            Statement::Query(query) => self.query(query, None),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            _ => unclear(
                "it is neither SELECT, INSERT, UPDATE nor DELETE",
                "run it with `sqlx::query`, which is not checked",
            ),
        }
    }

    /// The types of `$1`, `$2` …, in this order.
    pub fn parameters(&self) -> Result<Vec<&'static str>, Unclear> {
        if self.database == Database::Sqlite {
            return Ok(Vec::new());
        }
        let last = self.parameters.keys().max().copied().unwrap_or(0);
        let mut kinds = Vec::new();
        for number in 1..=last {
            let Some(Some(kind)) = self.parameters.get(&number) else {
                let message = format!("nothing says what type ${number} has");
                return unclear(message, format!("write a cast where it stands first, as in `${number}::text`"));
            };
            kinds.push(*kind);
        }
        Ok(kinds)
    }

    /// A parameter: its type, where it is known by now.
    pub fn parameter(&mut self, name: &str) -> Result<Option<&'static str>, Unclear> {
        if self.database == Database::Sqlite {
            return Ok(None);
        }
        match name.strip_prefix('$').and_then(|number| number.parse().ok()) {
            Some(number) => Ok(*self.parameters.entry(number).or_default()),
            None => unclear(format!("`{name}` is no parameter of PostgreSQL"), "write `$1`"),
        }
    }

    /// Where `expression` is a parameter without a type, it has `kind`.
    pub fn coerce(&mut self, expression: &Expr, kind: &'static str) {
        if let Some(number) = figure::parameter(expression) {
            self.parameters.entry(number).or_default().get_or_insert(kind);
        }
    }

    pub fn value(&mut self, expression: &Expr, scope: &Scope) -> Result<Value, Unclear> {
        match self.database {
            Database::Postgres => self.postgres(expression, scope),
            Database::Sqlite => self.sqlite(expression, scope),
        }
    }

    pub fn condition(&mut self, condition: Option<&Expr>, scope: &Scope) -> Result<(), Unclear> {
        if let Some(condition) = condition {
            self.value(condition, scope)?;
            self.coerce(condition, "Bool");
        }
        Ok(())
    }

    pub fn query(&mut self, query: &Query, around: Option<&Scope>) -> Result<Vec<Output>, Unclear> {
        let depth = self.named.len();
        if let Some(with) = &query.with {
            for table in &with.cte_tables {
                self.name(table, with.recursive, around)?;
            }
        }
        let order: Vec<&Expr> = match query.order_by.as_ref().map(|order| &order.kind) {
            Some(OrderByKind::Expressions(order)) => order.iter().map(|order| &order.expr).collect(),
            _ => Vec::new(),
        };
        let outputs = self.set(&query.body, &order, around)?;
        let (limit, offset) = match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
            None => (None, None),
        };
        for count in [limit, offset].into_iter().flatten() {
            self.value(count, &Scope::of(&[], None))?;
            self.coerce(count, "Int8");
        }
        self.named.truncate(depth);
        Ok(outputs)
    }

    /// A table of WITH; a recursive one is in reach of its own second half.
    fn name(&mut self, table: &Cte, recursive: bool, around: Option<&Scope>) -> Result<(), Unclear> {
        let name = folded(&table.alias.name);
        let columns: Vec<&Ident> = table.alias.columns.iter().map(|column| &column.name).collect();
        let named = |walk: &mut Self, outputs| {
            let columns = renamed(outputs, &columns);
            walk.named.push(Relation { name: name.clone(), columns, hidden: false });
        };
        if let (true, SetExpr::SetOperation { left, .. }) = (recursive, &*table.query.body) {
            let first = self.set(left, &[], around)?;
            named(self, first);
            let all = self.query(&table.query, around)?;
            self.named.pop();
            named(self, all);
        } else {
            let outputs = self.query(&table.query, around)?;
            named(self, outputs);
        }
        Ok(())
    }

    fn set(&mut self, body: &SetExpr, order: &[&Expr], around: Option<&Scope>) -> Result<Vec<Output>, Unclear> {
        match body {
            SetExpr::Select(select) => self.select(select, order, around),
            SetExpr::Query(query) => self.query(query, around),
            SetExpr::Values(values) => self.rows(values, around),
            SetExpr::SetOperation { left, right, .. } => {
                let left = self.set(left, &[], around)?;
                let right = self.set(right, &[], around)?;
                Ok(left.into_iter().zip(right).map(|(left, right)| self.united(left, &right)).collect())
            }
            SetExpr::Insert(statement) | SetExpr::Update(statement) | SetExpr::Delete(statement) => {
                self.inner_statement(statement)
            }
            _ => unclear("this form of a query is not known here", "write SELECT"),
        }
    }

    /// A column of UNION: `PostgreSQL` no longer knows where it is from, `SQLite` asks the first.
    fn united(&self, left: Output, right: &Output) -> Output {
        let kind = left.value.kind.or(right.value.kind);
        let value = match self.database {
            Database::Postgres => Value { kind, ..Value::default() },
            Database::Sqlite => {
                let nullable = left.value.nullable.zip(right.value.nullable).map(|(one, other)| one || other);
                Value { kind, nullable, ..left.value }
            }
        };
        Output { value, ..left }
    }

    fn rows(&mut self, values: &Values, around: Option<&Scope>) -> Result<Vec<Output>, Unclear> {
        let scope = Scope::of(&[], around);
        let mut outputs: Vec<Output> = Vec::new();
        for row in &values.rows {
            for (at, value) in row.content.iter().enumerate() {
                let value = self.value(value, &scope)?;
                match outputs.get_mut(at) {
                    Some(known) => known.value.kind = known.value.kind.or(value.kind),
                    None => outputs.push(Output {
                        name: format!("column{}", at + 1),
                        value: Value { kind: value.kind, ..Value::default() },
                    }),
                }
            }
        }
        Ok(outputs)
    }

    fn select(&mut self, select: &Select, order: &[&Expr], around: Option<&Scope>) -> Result<Vec<Output>, Unclear> {
        let mut relations = Vec::new();
        for table in &select.from {
            self.joined(table, &mut relations, around)?;
        }
        let keys = match &select.group_by {
            GroupByExpr::Expressions(keys, _) => keys.as_slice(),
            GroupByExpr::All(_) => &[],
        };
        let scope = Scope { grouped: !keys.is_empty(), ..Scope::of(&relations, around) };
        self.condition(select.selection.as_ref(), &scope)?;
        let outputs = self.outputs(&select.projection, &scope)?;
        self.condition(select.having.as_ref(), &scope)?;
        let distinct = match &select.distinct {
            Some(Distinct::On(keys)) => keys.as_slice(),
            _ => &[],
        };
        for key in keys.iter().chain(distinct).chain(order.iter().copied()) {
            // A bare name or number may mean a column of the answer.
            if !matches!(key, Expr::Identifier(_) | Expr::Value(_)) {
                self.value(key, &scope)?;
            }
        }
        if self.database == Database::Sqlite && scope.grouped {
            super::sqlite::check_groups(&select.projection)?;
        }
        Ok(outputs)
    }

    /// The columns of a SELECT, or of RETURNING.
    pub fn outputs(&mut self, items: &[SelectItem], scope: &Scope) -> Result<Vec<Output>, Unclear> {
        let mut outputs = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    outputs.push(Output { name: named(alias), value: self.value(expr, scope)? });
                }
                SelectItem::UnnamedExpr(expr) => {
                    let value = self.value(expr, scope)?;
                    let name = match (self.database, figure::column_name(expr)) {
                        (_, Some(name)) => name,
                        (Database::Postgres, None) => figure::figured(expr),
                        (Database::Sqlite, None) => self.written.get(at).cloned().unwrap_or_default(),
                    };
                    outputs.push(Output { name, value });
                }
                SelectItem::Wildcard(_) => {
                    let seen = scope.relations.iter().filter(|relation| !relation.hidden);
                    outputs.extend(seen.flat_map(|relation| relation.columns.iter().cloned()));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    outputs.extend(scope.relation(&last(name)?)?.columns.iter().cloned());
                }
                _ => return unclear(format!("the column `{item}` is not known here"), "name the columns one by one"),
            }
        }
        Ok(outputs)
    }

    pub fn table(&self, name: &ObjectName) -> Result<&'a Table, Unclear> {
        let wanted = folded(&last(name)?);
        self.model.table(&wanted).ok_or_else(|| {
            let names = || self.model.tables.iter().map(|table| table.name.as_str());
            Unclear {
                message: format!("there is no table \"{wanted}\"{}", did_you_mean(&wanted, names())),
                help: format!("there are {}", names().collect::<Vec<_>>().join(", ")),
            }
        })
    }
}

/// The last part of a name: schemas are no part of the model.
pub fn last(name: &ObjectName) -> Result<Ident, Unclear> {
    let part = name.0.last().and_then(|part| part.as_ident());
    part.cloned().map_or_else(|| unclear(format!("`{name}` is no name"), "name a table or a column"), Ok)
}

/// A name that is given with AS.
fn named(alias: &Ident) -> String {
    // SQLite keeps the case of what has no quotes; nothing of ours has capitals there.
    folded(alias)
}

pub fn renamed(outputs: Vec<Output>, names: &[&Ident]) -> Vec<Output> {
    let mut names = names.iter();
    outputs
        .into_iter()
        .map(|output| Output { name: names.next().map_or(output.name, |name| folded(name)), value: output.value })
        .collect()
}
