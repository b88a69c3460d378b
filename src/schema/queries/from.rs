//! FROM: relations, their joins, and functions that stand for tables.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause, Query,
    Select, SetExpr, TableAlias, TableFactor, TableWithJoins, Value as Literal,
};

use super::infer::{Output, Unclear, Value, unclear};
use super::kinds;
use super::scope::{Relation, Scope, folded};
use super::statement::{Walk, last, renamed};
use crate::schema::types::Database;

/// The columns of `json_each` and `json_tree` (`sqlite.org/json1.html`); sqlx tells none of their types.
const JSON_EACH: [&str; 8] = ["key", "value", "type", "atom", "id", "parent", "fullkey", "path"];

impl Walk<'_> {
    /// Adds what a part of FROM brings; what stands further left is in reach of it.
    pub fn joined(
        &mut self,
        table: &TableWithJoins,
        relations: &mut Vec<Relation>,
        around: Option<&Scope>,
    ) -> Result<(), Unclear> {
        let start = relations.len();
        self.factor(&table.relation, relations, around)?;
        for join in &table.joins {
            self.join(join, start, relations, around)?;
        }
        Ok(())
    }

    fn join(
        &mut self,
        join: &Join,
        start: usize,
        relations: &mut Vec<Relation>,
        around: Option<&Scope>,
    ) -> Result<(), Unclear> {
        let right = relations.len();
        self.factor(&join.relation, relations, around)?;
        let (constraint, optional) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::CrossJoin(on) => (on, 0..0),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (on, right..relations.len()),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (on, start..right),
            JoinOperator::FullOuter(on) if self.database == Database::Postgres => (on, 0..0),
            _ => return unclear("this kind of join is not known here", "write JOIN, LEFT JOIN or RIGHT JOIN"),
        };
        match constraint {
            JoinConstraint::On(condition) => {
                self.value(condition, &Scope::of(relations, around))?;
                self.coerce(condition, "Bool");
            }
            JoinConstraint::None => {}
            _ => return unclear("a join by the names of columns is not known here", "write ON"),
        }
        // What sqlx says for PostgreSQL depends on the plan: `planned`.
        if self.database == Database::Sqlite {
            relations[optional].iter_mut().for_each(Relation::optional);
        }
        Ok(())
    }

    fn factor(
        &mut self,
        factor: &TableFactor,
        relations: &mut Vec<Relation>,
        around: Option<&Scope>,
    ) -> Result<(), Unclear> {
        let relation = match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let wanted = folded(&last(name)?);
                let known = self.named.iter().rev().find(|relation| relation.name == wanted).cloned();
                let relation = match known {
                    Some(relation) => relation,
                    None => Relation::of(self.table(name)?, wanted, self.database),
                };
                aliased(relation, alias.as_ref())
            }
            TableFactor::Table { name, alias, args: Some(args), .. } => {
                self.function(&folded(&last(name)?), &args.args, alias.as_ref(), &Scope::of(relations, around))?
            }
            TableFactor::Function { name, alias, args, .. } => {
                self.function(&folded(&last(name)?), args, alias.as_ref(), &Scope::of(relations, around))?
            }
            TableFactor::UNNEST { alias, array_exprs, .. } => {
                self.unnest(array_exprs, alias.as_ref(), &Scope::of(relations, around))?
            }
            TableFactor::Derived { subquery, alias, .. } => {
                let columns = self.query(subquery, Some(&Scope::of(relations, around)))?;
                aliased(Relation { name: String::new(), columns, hidden: false }, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.joined(table_with_joins, relations, around);
            }
            _ => {
                return unclear(
                    format!("`{factor}` in FROM is not known here"),
                    "write a table, or a SELECT in brackets",
                );
            }
        };
        relations.push(relation);
        Ok(())
    }

    fn function(
        &mut self,
        name: &str,
        arguments: &[FunctionArg],
        alias: Option<&TableAlias>,
        scope: &Scope,
    ) -> Result<Relation, Unclear> {
        let mut arrays = Vec::new();
        for argument in arguments {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument {
                arrays.push(argument.clone());
            }
        }
        match (self.database, name) {
            (Database::Sqlite, "json_each" | "json_tree") => {
                for argument in &arrays {
                    self.value(argument, scope)?;
                }
                let column = |name: &&str| Output { name: (*name).to_owned(), value: Value::default() };
                let columns = JSON_EACH.iter().map(column).collect();
                Ok(aliased(Relation { name: name.to_owned(), columns, hidden: false }, alias))
            }
            (Database::Postgres, "unnest") => self.unnest(&arrays, alias, scope),
            (Database::Postgres, "jsonb_to_recordset" | "json_to_recordset") => {
                for argument in &arrays {
                    self.value(argument, scope)?;
                    self.coerce(argument, if name.starts_with("jsonb") { "Jsonb" } else { "Json" });
                }
                let mut columns = Vec::new();
                for column in alias.iter().flat_map(|alias| &alias.columns) {
                    let Some(kind) = &column.data_type else {
                        return unclear(format!("`{column}` has no type"), "write `AS x(id uuid, name text)`");
                    };
                    columns.push(Value::of(kinds::written(kind)?.0));
                }
                Ok(aliased_function(name, columns, alias))
            }
            (Database::Postgres, "generate_series") => {
                let mut kind = None;
                for argument in &arrays {
                    kind = kind.or(self.value(argument, scope)?.kind);
                }
                let kind = kind.unwrap_or("Int4");
                for argument in &arrays {
                    self.coerce(argument, kind);
                }
                Ok(aliased_function(name, vec![Value::of(kind)], alias))
            }
            _ => unclear(
                format!("the function `{name}` in FROM is not known here"),
                "write UNNEST, or json_each for SQLite",
            ),
        }
    }

    /// One column an array.
    fn unnest(&mut self, arrays: &[Expr], alias: Option<&TableAlias>, scope: &Scope) -> Result<Relation, Unclear> {
        let mut columns = Vec::new();
        for array in arrays {
            let kind = self.value(array, scope)?.kind;
            let Some(element) = kind.and_then(kinds::element_of) else {
                return unclear(
                    format!("`{array}` is no array of a known type"),
                    "write a cast, as in `UNNEST($1::uuid[])`",
                );
            };
            columns.push(Value::of(element));
        }
        Ok(aliased_function("unnest", columns, alias))
    }
}

fn aliased(relation: Relation, alias: Option<&TableAlias>) -> Relation {
    let Some(alias) = alias else { return relation };
    let names: Vec<&Ident> = alias.columns.iter().map(|column| &column.name).collect();
    Relation { name: folded(&alias.name), columns: renamed(relation.columns, &names), ..relation }
}

/// A function's only column is called as the function is, where no other name is given.
fn aliased_function(name: &str, columns: Vec<Value>, alias: Option<&TableAlias>) -> Relation {
    let called = alias.map_or_else(|| name.to_owned(), |alias| folded(&alias.name));
    let one = columns.len() == 1;
    let column = |value| Output { name: if one { called.clone() } else { name.to_owned() }, value };
    let relation = Relation { name: called.clone(), columns: columns.into_iter().map(column).collect(), hidden: false };
    aliased(relation, alias)
}

/// For `PostgreSQL` sqlx asks the plan which columns an outer join may leave empty, and sees it only
/// where the join is the plan's topmost step; then the planner's choice decides (sqlx-postgres,
/// `connection/describe.rs`). A query must rule that out: else two servers would say two things.
pub fn planned(query: &Query) -> Result<(), Unclear> {
    if !is_bare(query) {
        return Ok(());
    }
    unclear(
        "whether columns of an outer join may be empty depends on PostgreSQL's plan here",
        "add a LIMIT, as a list should have anyway (`LIMIT 1` for one row), and name each column that \
         may be missing with a `?`, as in `name AS \"name?\"`",
    )
}

/// Whether an outer join may come out on top: one of its own, or of a table that it selects from.
fn is_bare(query: &Query) -> bool {
    let SetExpr::Select(select) = &*query.body else { return false };
    let named = query.with.iter().flat_map(|with| &with.cte_tables).any(|table| is_bare(&table.query));
    (named || select.from.iter().any(has_outer_join)) && !is_covered(query, select)
}

fn has_outer_join(table: &TableWithJoins) -> bool {
    let inside = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin { table_with_joins, .. } => has_outer_join(table_with_joins),
        TableFactor::Derived { subquery, .. } => is_bare(subquery),
        _ => false,
    };
    let outer = |join: &Join| {
        !matches!(join.join_operator, JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_))
    };
    inside(&table.relation) || table.joins.iter().any(|join| outer(join) || inside(&join.relation))
}

/// Whether another step is on top of the join.
fn is_covered(query: &Query, select: &Select) -> bool {
    let limited = match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit: Some(limit), .. } | LimitClause::OffsetCommaLimit { limit, .. }) => {
            // `LIMIT NULL` is none.
            matches!(limit, Expr::Value(value) if matches!(value.value, Literal::Number(..) | Literal::Placeholder(_)))
        }
        _ => false,
    };
    let grouped = matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if !keys.is_empty());
    limited || grouped || select.distinct.is_some()
}
