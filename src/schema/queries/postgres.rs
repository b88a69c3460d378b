//! Types of values in `PostgreSQL`, by its rules (its manual, chapter 10), for the forms that we know.

use sqlparser::ast::{BinaryOperator, CaseWhen, CastKind, DataType, Expr, UnaryOperator, Value as Literal};

use super::figure::parameter;
use super::infer::{Unclear, Value, unclear};
use super::kinds::{array_of, element_of, rank, wider, written};
use super::scope::Scope;
use super::statement::Walk;

impl Walk<'_> {
    pub fn postgres(&mut self, expression: &Expr, scope: &Scope) -> Result<Value, Unclear> {
        match expression {
            Expr::Identifier(name) => scope.column(name).map(|column| column.value),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [.., table, name] => scope.column_of(table, name).map(|column| column.value),
                _ => unclear(format!("`{expression}` is no column"), "write `table.column`"),
            },
            Expr::Nested(inner) => self.postgres(inner, scope),
            Expr::Collate { expr, .. } => self.postgres(expr, scope).map(expressed),
            Expr::Value(value) => self.literal(&value.value),
            Expr::TypedString(text) => Ok(Value::of(written(&text.data_type)?.0)),
            Expr::Interval(_) => Ok(Value::of("Interval")),
            Expr::Cast { expr, data_type, kind: CastKind::Cast | CastKind::DoubleColon, .. } => {
                self.cast(expr, data_type, scope)
            }
            Expr::UnaryOp { op, expr } => {
                let value = self.postgres(expr, scope)?;
                if *op == UnaryOperator::Not {
                    self.coerce(expr, "Bool");
                    return Ok(Value::of("Bool"));
                }
                Ok(expressed(value))
            }
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, scope).map(expressed),
            Expr::Subquery(query) => {
                let outputs = self.query(query, Some(scope))?;
                Ok(outputs.into_iter().next().map(|output| expressed(output.value)).unwrap_or_default())
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope)
            }
            Expr::Tuple(parts) => {
                for part in parts {
                    self.postgres(part, scope)?;
                }
                Ok(Value::default())
            }
            Expr::Array(array) => {
                let parts: Vec<&Expr> = array.elem.iter().collect();
                let kind = self.same(&parts, scope)?.kind.and_then(array_of);
                kind.map_or_else(
                    || unclear(format!("the type of `{expression}` is not known"), "write a cast"),
                    |kind| Ok(Value::of(kind)),
                )
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                self.postgres(time_zone, scope)?;
                self.coerce(time_zone, "Text");
                match self.postgres(timestamp, scope)?.kind {
                    Some("Timestamp") => Ok(Value::of("Timestamptz")),
                    Some("Timestamptz") => Ok(Value::of("Timestamp")),
                    _ => unclear(format!("the type of `{timestamp}` is not known"), "write a cast to timestamptz"),
                }
            }
            Expr::Extract { expr, .. } => {
                self.typed(expr, scope)?;
                Ok(Value::of("Numeric"))
            }
            Expr::Trim { expr, .. } | Expr::Substring { expr, .. } => {
                self.postgres(expr, scope)?;
                self.coerce(expr, "Text");
                Ok(Value::of("Text"))
            }
            Expr::Floor { expr, .. } | Expr::Ceil { expr, .. } => {
                let kind = self.typed(expr, scope)?;
                Ok(Value::of(if kind == "Numeric" { "Numeric" } else { "Float8" }))
            }
            Expr::Function(function) => self.call(function, scope),
            _ => {
                self.truth(expression, scope)?;
                Ok(Value::of("Bool"))
            }
        }
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
        scope: &Scope,
    ) -> Result<Value, Unclear> {
        for when in conditions {
            if let Some(operand) = operand {
                self.compared(operand, &when.condition, scope)?;
            } else {
                self.postgres(&when.condition, scope)?;
                self.coerce(&when.condition, "Bool");
            }
        }
        let results: Vec<&Expr> = conditions.iter().map(|when| &when.result).chain(otherwise).collect();
        self.same(&results, scope)
    }

    fn literal(&mut self, literal: &Literal) -> Result<Value, Unclear> {
        Ok(match literal {
            Literal::Number(text, _) if text.contains(['.', 'e', 'E']) => Value::of("Numeric"),
            Literal::Number(text, _) if text.parse::<i32>().is_ok() => Value::of("Int4"),
            Literal::Number(text, _) if text.parse::<i64>().is_ok() => Value::of("Int8"),
            Literal::Number(..) => Value::of("Numeric"),
            Literal::Boolean(_) => Value::of("Bool"),
            Literal::Placeholder(name) => Value { kind: self.parameter(name)?, ..Value::default() },
            _ => Value::default(),
        })
    }

    fn cast(&mut self, inner: &Expr, kind: &DataType, scope: &Scope) -> Result<Value, Unclear> {
        let (kind, _) = written(kind)?;
        let value = self.postgres(inner, scope)?;
        self.coerce(inner, kind);
        // A cast to what it is already is none.
        Ok(if value.kind == Some(kind) { value } else { Value::of(kind) })
    }

    /// The type of what must have one by itself.
    pub fn typed(&mut self, expression: &Expr, scope: &Scope) -> Result<&'static str, Unclear> {
        if let Some(kind) = self.postgres(expression, scope)?.kind {
            return Ok(kind);
        }
        match parameter(expression) {
            Some(number) => unclear(
                format!("nothing says what type ${number} has where it stands first"),
                format!("write a cast there, as in `${number}::text`"),
            ),
            None => Ok("Text"),
        }
    }

    /// What several values have in common; those without a type take it.
    pub fn same(&mut self, parts: &[&Expr], scope: &Scope) -> Result<Value, Unclear> {
        let mut common: Option<&'static str> = None;
        for part in parts {
            let Some(kind) = self.postgres(part, scope)?.kind else { continue };
            common = Some(match common {
                Some(known) => wider(known, kind).map_or_else(
                    || unclear(format!("`{part}` is {kind}, and beside it stands {known}"), "cast one of them"),
                    Ok,
                )?,
                None => kind,
            });
        }
        let kind = common.unwrap_or("Text");
        for part in parts {
            self.coerce(part, kind);
        }
        Ok(Value::of(kind))
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr, scope: &Scope) -> Result<Value, Unclear> {
        use BinaryOperator as Op;
        let boolean = Ok(Value::of("Bool"));
        match op {
            Op::And | Op::Or => {
                for side in [left, right] {
                    self.postgres(side, scope)?;
                    self.coerce(side, "Bool");
                }
                boolean
            }
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::AtArrow | Op::ArrowAt | Op::PGOverlap => {
                self.compared(left, right, scope)?;
                boolean
            }
            Op::PGRegexMatch | Op::PGRegexIMatch | Op::PGRegexNotMatch | Op::PGRegexNotIMatch | Op::PGStartsWith => {
                self.same(&[left, right], scope)?;
                boolean
            }
            Op::StringConcat => self.joined_texts(left, right, scope),
            Op::Arrow | Op::LongArrow | Op::HashArrow | Op::HashLongArrow => {
                let document = self.typed(left, scope)?;
                self.postgres(right, scope)?;
                let path = matches!(op, Op::HashArrow | Op::HashLongArrow);
                self.coerce(right, if path { "TextArray" } else { "Text" });
                Ok(Value::of(if matches!(op, Op::LongArrow | Op::HashLongArrow) { "Text" } else { document }))
            }
            Op::Question => {
                self.typed(left, scope)?;
                self.postgres(right, scope)?;
                self.coerce(right, "Text");
                boolean
            }
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => self.sum(left, op, right, scope),
            _ => unclear(format!("the operator `{op}` is not known here"), "write a simpler form"),
        }
    }

    fn joined_texts(&mut self, left: &Expr, right: &Expr, scope: &Scope) -> Result<Value, Unclear> {
        let kinds = [self.postgres(left, scope)?.kind, self.postgres(right, scope)?.kind];
        let special = kinds.into_iter().flatten().find(|kind| *kind == "Jsonb" || element_of(kind).is_some());
        match special {
            Some(kind) if kinds.iter().all(|side| side.is_none_or(|side| side == kind)) => {
                for side in [left, right] {
                    self.coerce(side, kind);
                }
                Ok(Value::of(kind))
            }
            Some(_) => unclear(format!("`{left} || {right}` joins two types"), "cast one of them"),
            None => {
                for side in [left, right] {
                    self.coerce(side, "Text");
                }
                Ok(Value::of("Text"))
            }
        }
    }

    fn sum(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr, scope: &Scope) -> Result<Value, Unclear> {
        let (first, second) = (self.postgres(left, scope)?.kind, self.postgres(right, scope)?.kind);
        let minus = *op == BinaryOperator::Minus;
        let moment = |kind: &str| matches!(kind, "Timestamptz" | "Timestamp");
        let answer = match (first, second) {
            (Some(first), Some(second)) => match (first, second) {
                (moment_kind, "Interval") | ("Interval", moment_kind) if moment(moment_kind) => Some(moment_kind),
                (one, other) if moment(one) && one == other && minus => Some("Interval"),
                ("Interval", number) | (number, "Interval") if rank(number).is_some() => Some("Interval"),
                ("Interval", "Interval") => Some("Interval"),
                ("Date", "Int4") => Some("Date"),
                ("Date", "Date") if minus => Some("Int4"),
                ("Date", "Interval") => Some("Timestamp"),
                ("Jsonb", _) if minus => Some("Jsonb"),
                _ if rank(first).is_some() && rank(second).is_some() => wider(first, second),
                _ => None,
            },
            // An operand without a type is taken for the type of the other, where that has the operator.
            (Some(kind), None) | (None, Some(kind)) => {
                let unknown = if first.is_none() { left } else { right };
                let (meant, answer) = match (kind, op) {
                    ("Interval", BinaryOperator::Multiply | BinaryOperator::Divide) => ("Float8", "Interval"),
                    (kind, BinaryOperator::Minus) if moment(kind) => (kind, "Interval"),
                    (kind, BinaryOperator::Plus) if moment(kind) => ("Interval", kind),
                    ("Interval", BinaryOperator::Plus | BinaryOperator::Minus) if first.is_some() => {
                        ("Interval", "Interval")
                    }
                    (kind, _) if rank(kind).is_some() => (kind, kind),
                    _ => return unclear(format!("`{unknown}` may be of several types"), "write a cast"),
                };
                self.coerce(unknown, meant);
                Some(answer)
            }
            (None, None) => None,
        };
        answer.map_or_else(
            || unclear(format!("the type of `{left} {op} {right}` is not known"), "cast its sides"),
            |kind| Ok(Value::of(kind)),
        )
    }
}

/// A value that is no column any more.
fn expressed(mut value: Value) -> Value {
    (value.nullable, value.origin) = (None, None);
    value
}
