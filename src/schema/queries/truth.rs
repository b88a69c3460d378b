//! Conditions of `PostgreSQL`: what they compare has one type, and a parameter takes it.

use sqlparser::ast::{Expr, InTarget};

use super::infer::{Unclear, unclear};
use super::kinds::{array_of, element_of};
use super::scope::Scope;
use super::statement::Walk;

impl Walk<'_> {
    /// An expression that is true or false, or none that is known.
    pub fn truth(&mut self, expression: &Expr, scope: &Scope) -> Result<(), Unclear> {
        match expression {
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => {
                self.typed(inner, scope)?;
                Ok(())
            }
            Expr::IsTrue(inner) | Expr::IsNotTrue(inner) | Expr::IsFalse(inner) | Expr::IsNotFalse(inner) => {
                self.postgres(inner, scope)?;
                self.coerce(inner, "Bool");
                Ok(())
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.compared(left, right, scope)?;
                Ok(())
            }
            Expr::Between { expr, low, high, .. } => {
                self.same(&[expr, low, high], scope)?;
                Ok(())
            }
            Expr::In { expr, target, .. } => {
                match target {
                    InTarget::List(items) => {
                        for item in items {
                            self.compared(expr, item, scope)?;
                        }
                    }
                    InTarget::Subquery(query) => {
                        let outputs = self.query(query, Some(scope))?;
                        self.compared_with(expr, outputs.first().and_then(|output| output.value.kind), scope)?;
                    }
                    _ => return unclear(format!("`{expression}` is not known here"), "write `IN (…)` or `= ANY($1)`"),
                }
                Ok(())
            }
            Expr::AnyOp { left, right, .. } | Expr::AllOp { left, right, .. } => {
                self.any(left, right, scope)?;
                Ok(())
            }
            Expr::Like { expr, pattern, .. }
            | Expr::ILike { expr, pattern, .. }
            | Expr::SimilarTo { expr, pattern, .. } => {
                for text in [expr, pattern] {
                    self.postgres(text, scope)?;
                    self.coerce(text, "Text");
                }
                Ok(())
            }
            Expr::Exists { subquery, .. } => {
                self.query(subquery, Some(scope))?;
                Ok(())
            }
            _ => unclear(
                format!("`{expression}` is not known here"),
                "write a simpler form, or `sqlx::query`, which is not checked",
            ),
        }
    }

    /// Two sides of a comparison; rows are compared value by value.
    pub fn compared(&mut self, left: &Expr, right: &Expr, scope: &Scope) -> Result<(), Unclear> {
        match (left, right) {
            (Expr::Nested(inner), _) if !matches!(right, Expr::Nested(_)) => self.compared(inner, right, scope),
            (Expr::Tuple(left), Expr::Tuple(right)) if left.len() == right.len() => {
                left.iter().zip(right).try_for_each(|(left, right)| self.compared(left, right, scope))
            }
            _ => {
                let kind = self.postgres(right, scope)?.kind;
                self.compared_with(left, kind, scope)?;
                if let Some(kind) = self.postgres(left, scope)?.kind {
                    self.coerce(right, kind);
                } else {
                    // Two texts without a type are texts.
                    self.coerce(left, "Text");
                    self.coerce(right, "Text");
                }
                Ok(())
            }
        }
    }

    fn compared_with(&mut self, left: &Expr, kind: Option<&'static str>, scope: &Scope) -> Result<(), Unclear> {
        self.postgres(left, scope)?;
        if let Some(kind) = kind {
            self.coerce(left, kind);
        }
        Ok(())
    }

    /// `left = ANY(right)`: an array, or a query.
    fn any(&mut self, left: &Expr, right: &Expr, scope: &Scope) -> Result<(), Unclear> {
        if let Expr::Subquery(query) = right {
            let outputs = self.query(query, Some(scope))?;
            return self.compared_with(left, outputs.first().and_then(|output| output.value.kind), scope);
        }
        let array = self.postgres(right, scope)?.kind;
        self.compared_with(left, array.and_then(element_of), scope)?;
        if array.is_none() {
            let element = self.typed(left, scope)?;
            match array_of(element) {
                Some(array) => self.coerce(right, array),
                None => return unclear(format!("no arrays of {element} are known here"), "write `IN (…)`"),
            }
        }
        Ok(())
    }
}
