//! What sqlx says of values in `SQLite`.
//!
//! A column has the type that it was declared with; of anything else sqlx reads the program that `SQLite`
//! makes of the query (sqlx-sqlite, `connection/explain.rs`). Here stands what comes of that for the forms
//! that we know, as found by experiment; `None` is what we do not know.

use std::collections::BTreeMap;

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, InTarget, Query,
    SelectItem, SetExpr, UnaryOperator, Value as Literal,
};

use super::infer::{Unclear, Value, unclear};
use super::scope::{Relation, Scope};
use super::statement::Walk;
use crate::schema::model::Table;

fn value(kind: &'static str, nullable: bool) -> Value {
    Value { kind: Some(kind), nullable: Some(nullable), origin: None }
}

/// A number or a truth, which is a number too.
const INTEGER: &str = "Integer";
const NULL: &str = "Null";

impl Walk<'_> {
    pub fn sqlite(&mut self, expression: &Expr, scope: &Scope) -> Result<Value, Unclear> {
        // Each part is looked at, so that no wrong name goes through; what it comes to may stay unknown.
        let mut look =
            |parts: &[&Expr]| parts.iter().map(|part| self.sqlite(part, scope)).collect::<Result<Vec<Value>, _>>();
        match expression {
            Expr::Identifier(name) => scope.column(name).map(|column| column.value),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [.., table, name] => scope.column_of(table, name).map(|column| column.value),
                _ => unclear(format!("`{expression}` is no column"), "write `table.column`"),
            },
            Expr::Nested(inner) => self.sqlite(inner, scope),
            Expr::Value(literal) => Ok(match &literal.value {
                Literal::Number(text, _) if text.contains(['.', 'e', 'E']) => value("Float", false),
                Literal::Number(..) | Literal::Boolean(_) => value(INTEGER, false),
                Literal::SingleQuotedString(_) => value("Text", false),
                Literal::HexStringLiteral(_) => value("Blob", false),
                Literal::Null | Literal::Placeholder(_) => value(NULL, true),
                _ => Value::default(),
            }),
            Expr::Cast { expr, data_type, .. } => {
                let inner = look(&[expr])?.remove(0);
                Ok(match (affinity(data_type), inner.nullable) {
                    (Some(kind), Some(nullable)) => value(kind, nullable),
                    _ => Value::default(),
                })
            }
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => {
                look(&[inner])?;
                Ok(value(INTEGER, false))
            }
            Expr::Between { expr, low, high, .. } => {
                look(&[expr, low, high])?;
                Ok(value(INTEGER, false))
            }
            Expr::In { expr, target, .. } => {
                look(&[expr])?;
                self.sqlite_in(target, scope)?;
                Ok(value(INTEGER, false))
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                look(&[left, right])?;
                Ok(Value::default())
            }
            Expr::Like { expr, pattern, .. } => {
                look(&[expr, pattern])?;
                Ok(Value::default())
            }
            Expr::UnaryOp { op, expr } => {
                let inner = look(&[expr])?.remove(0);
                Ok(match op {
                    UnaryOperator::Minus | UnaryOperator::Plus if inner.kind == Some(INTEGER) => {
                        Value { origin: None, ..inner }
                    }
                    UnaryOperator::Not if matches!(**expr, Expr::Exists { .. }) => inner,
                    _ => Value::default(),
                })
            }
            Expr::BinaryOp { left, op, right } => {
                let mut sides = look(&[left, right])?;
                let (Some(right), Some(left)) = (sides.pop(), sides.pop()) else { return Ok(Value::default()) };
                Ok(binary(&left, op, &right))
            }
            Expr::Exists { subquery, .. } => {
                self.query(subquery, Some(scope))?;
                Ok(value(INTEGER, false))
            }
            Expr::Subquery(query) => self.sqlite_subquery(query, scope),
            Expr::Case { operand, conditions, else_result, .. } => {
                for part in operand.iter().map(AsRef::as_ref).chain(conditions.iter().map(|when| &when.condition)) {
                    look(&[part])?;
                }
                let results: Vec<&Expr> =
                    conditions.iter().map(|when| &when.result).chain(else_result.as_deref()).collect();
                let results = look(&results)?;
                let nullable = else_result.is_none() || results.iter().any(|result| result.nullable == Some(true));
                Ok(common(&results).map_or_else(Value::default, |kind| value(kind, nullable)))
            }
            Expr::Tuple(parts) => {
                look(&parts.iter().collect::<Vec<_>>())?;
                Ok(Value::default())
            }
            Expr::Function(function) => self.sqlite_call(function, scope),
            Expr::Floor { expr, .. }
            | Expr::Ceil { expr, .. }
            | Expr::Trim { expr, .. }
            | Expr::Substring { expr, .. }
            | Expr::Collate { expr, .. } => {
                look(&[expr])?;
                Ok(Value::default())
            }
            _ => unclear(
                format!("`{expression}` is not known here"),
                "write a simpler form, or `sqlx::query`, which is not checked",
            ),
        }
    }

    fn sqlite_in(&mut self, target: &InTarget, scope: &Scope) -> Result<(), Unclear> {
        match target {
            InTarget::List(items) => items.iter().try_for_each(|item| self.sqlite(item, scope).map(drop)),
            InTarget::Subquery(query) => self.query(query, Some(scope)).map(drop),
            InTarget::Unnest(inner) => self.sqlite(inner, scope).map(drop),
            // `IN json_each(…)` names a function.
            InTarget::Table { .. } => Ok(()),
        }
    }

    /// A query that stands for its first value.
    fn sqlite_subquery(&mut self, query: &Query, scope: &Scope) -> Result<Value, Unclear> {
        let output = self.query(query, Some(scope))?.into_iter().next();
        let one_row = match &*query.body {
            SetExpr::Select(select) => select.from.is_empty() || is_aggregate(&select.projection),
            _ => false,
        };
        let found = output.map(|output| output.value).unwrap_or_default();
        // It may find no row.
        Ok(if one_row || found.kind.is_none() { found } else { Value { nullable: Some(true), ..found } })
    }

    fn sqlite_call(&mut self, function: &Function, scope: &Scope) -> Result<Value, Unclear> {
        let name = function.name.to_string().to_ascii_lowercase();
        if let Some(filter) = &function.filter {
            self.sqlite(filter, scope)?;
        }
        let mut arguments = Vec::new();
        if let FunctionArguments::List(list) = &function.args {
            for argument in &list.args {
                if let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument {
                    arguments.push(self.sqlite(argument, scope)?);
                }
            }
        }
        let over_groups = scope.grouped;
        Ok(match (name.as_str(), arguments.as_slice()) {
            ("count", _) | ("row_number" | "rank" | "dense_rank", []) => value(INTEGER, false),
            // Over no rows there is neither a sum nor a greatest.
            ("max" | "min", [of]) if function.over.is_none() => {
                Value { nullable: if over_groups { of.nullable } else { Some(true) }, origin: None, ..of.clone() }
            }
            ("sum", [of]) if function.over.is_none() && matches!(of.kind, Some(INTEGER)) => {
                Value { nullable: if over_groups { of.nullable } else { Some(true) }, origin: None, ..of.clone() }
            }
            ("coalesce" | "ifnull", parts) => {
                let nullable = parts.iter().all(|part| part.nullable == Some(true));
                common(parts).map_or_else(Value::default, |kind| value(kind, nullable))
            }
            ("date" | "time" | "datetime" | "strftime", [_, ..]) => value("Text", true),
            _ => Value::default(),
        })
    }
}

/// The one type that all have who have any.
fn common(parts: &[Value]) -> Option<&'static str> {
    let mut found = None;
    for part in parts {
        match (part.kind?, found) {
            (NULL, _) => {}
            (kind, Some(known)) if kind != known => return None,
            (kind, _) => found = Some(kind),
        }
    }
    found
}

fn binary(left: &Value, op: &BinaryOperator, right: &Value) -> Value {
    use BinaryOperator as Op;
    match op {
        Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::Is | Op::IsNot => value(INTEGER, false),
        Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo | Op::StringConcat => {
            let nullable = left.nullable.zip(right.nullable).map(|(left, right)| left || right);
            match (common(&[left.clone(), right.clone()]), nullable) {
                (Some(kind), Some(nullable)) => value(kind, nullable),
                _ => Value::default(),
            }
        }
        _ => Value::default(),
    }
}

/// What CAST makes (`sqlite.org/datatype3.html`, 3.1).
fn affinity(kind: &DataType) -> Option<&'static str> {
    let text = kind.to_string().to_ascii_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if holds(&["int"]) {
        Some(INTEGER)
    } else if holds(&["char", "clob", "text"]) {
        Some("Text")
    } else if holds(&["blob"]) {
        Some("Blob")
    } else if holds(&["real", "floa", "doub"]) {
        Some("Float")
    } else {
        None
    }
}

fn called(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Function(function) if function.over.is_none() => Some(function.name.to_string().to_ascii_lowercase()),
        _ => None,
    }
}

fn is_aggregate(projection: &[SelectItem]) -> bool {
    let expressions = projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expression) | SelectItem::ExprWithAlias { expr: expression, .. } => Some(expression),
        _ => None,
    });
    expressions.filter_map(called).any(|name| ["count", "max", "min", "sum"].contains(&name.as_str()))
}

/// Beside `max` or `min`, sqlx takes the column of the group for one that may be empty, or not, as the
/// program happens to be.
pub fn check_groups(projection: &[SelectItem]) -> Result<(), Unclear> {
    let expressions = || {
        projection.iter().filter_map(|item| match item {
            SelectItem::UnnamedExpr(expression) | SelectItem::ExprWithAlias { expr: expression, .. } => {
                Some(expression)
            }
            _ => None,
        })
    };
    let extreme = expressions().filter_map(called).any(|name| name == "max" || name == "min");
    let plain = expressions().any(|expression| called(expression).is_none());
    if extreme && plain {
        return unclear(
            "beside `max` or `min`, what sqlx says of the column of a group is not known here",
            "leave the column out, or ask in two queries",
        );
    }
    Ok(())
}

/// RETURNING after an INSERT: sqlx follows what was put into a column that may be empty, as long as its
/// patience lasts (`MAX_TOTAL_INSTRUCTION_COUNT`), which is a matter of how many checks the table has.
/// So only what comes to the same either way is told: a value that may be empty itself.
pub fn insert_decides(relation: &mut Relation, table: &Table, given: &BTreeMap<String, Value>) {
    for column in relation.columns.iter_mut().filter(|column| column.value.nullable == Some(true)) {
        let empty = match given.get(&column.name) {
            Some(value) => value.nullable != Some(false),
            None => table.column(&column.name).is_none_or(|known| {
                known.default.as_ref().is_none_or(|default| *default == crate::schema::Default::Now)
            }),
        };
        if !empty {
            column.value = Value::default();
        }
    }
}

/// RETURNING after an UPDATE: as for an INSERT. A reference that was set is another such case, since the
/// check of the key looks whether it is empty.
pub fn set_decides(relation: &mut Relation, table: &Table, set: &BTreeMap<String, Value>) {
    for column in relation.columns.iter_mut().filter(|column| column.value.nullable == Some(true)) {
        let Some(value) = set.get(&column.name) else { continue };
        let refers = table.references.iter().any(|reference| reference.column == column.name);
        if refers || value.nullable == Some(false) {
            column.value = Value::default();
        }
    }
}
