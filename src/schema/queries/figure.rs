//! The names of columns that are given none, and the numbers of parameters.

use sqlparser::ast::{Expr, SelectItem, SetExpr, Value as Literal};

use super::kinds::written;
use super::scope::folded;

/// The number of a parameter that stands alone.
pub fn parameter(expression: &Expr) -> Option<usize> {
    match expression {
        Expr::Nested(inner) => parameter(inner),
        Expr::Value(value) => match &value.value {
            Literal::Placeholder(name) => name.strip_prefix('$')?.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The name of a bare column, in both databases.
pub fn column_name(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Identifier(name) => Some(folded(name)),
        Expr::CompoundIdentifier(names) => names.last().map(folded),
        _ => None,
    }
}

/// The name that a column without one gets (`FigureColname` in `PostgreSQL`'s parser).
pub fn figured(expression: &Expr) -> String {
    fn figure(expression: &Expr) -> Option<String> {
        let own = |name: &str| Some(name.to_owned());
        match expression {
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure(inner),
            Expr::Function(function) => {
                function.name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.to_ascii_lowercase())
            }
            Expr::Cast { expr, data_type, .. } => {
                figure(expr).or_else(|| written(data_type).ok().map(|(_, name)| name.to_owned()))
            }
            Expr::TypedString(text) => written(&text.data_type).ok().map(|(_, name)| name.to_owned()),
            Expr::Interval(_) => own("interval"),
            Expr::Case { else_result, .. } => else_result.as_deref().and_then(figure_of_else).or_else(|| own("case")),
            Expr::Exists { negated: false, .. } => own("exists"),
            Expr::Array(_) => own("array"),
            Expr::Extract { .. } => own("extract"),
            Expr::Substring { .. } => own("substring"),
            Expr::Trim { .. } => own("btrim"),
            Expr::Position { .. } => own("position"),
            Expr::Floor { .. } => own("floor"),
            Expr::Ceil { .. } => own("ceil"),
            Expr::AtTimeZone { .. } => own("timezone"),
            Expr::Subquery(query) => match &*query.body {
                SetExpr::Select(select) => match select.projection.first()? {
                    SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
                    SelectItem::UnnamedExpr(inner) => figure(inner),
                    _ => None,
                },
                _ => None,
            },
            other => column_name(other),
        }
    }
    /// Only a name counts there, not what a type or a function would give.
    fn figure_of_else(expression: &Expr) -> Option<String> {
        column_name(expression)
    }
    figure(expression).unwrap_or_else(|| "?column?".to_owned())
}
