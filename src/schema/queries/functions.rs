//! Functions of `PostgreSQL` that queries may call: what they take, and what they answer.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::infer::{Unclear, Value, unclear};
use super::kinds::array_of;
use super::scope::Scope;
use super::statement::Walk;

struct KnownFunction {
    /// The types that bare parameters take; empty for what takes the type it is given.
    arguments: &'static [&'static str],
    answer: Returns,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Returns {
    Is(&'static str),
    /// What all arguments have in common.
    Same,
    First,
    Last,
    /// An array of the first.
    Array,
    Sum,
    Average,
}

/// The function `name` with so many arguments.
fn find(name: &str, arguments: usize) -> Option<KnownFunction> {
    use Returns::{Array, Average, First, Is, Last, Same, Sum};
    const TEXTS: &[&str] = &["Text", "Text", "Text", "Text"];
    let known = |arguments: &'static [&'static str], answer| Some(KnownFunction { arguments, answer });
    match (name, arguments) {
        ("now" | "current_timestamp" | "clock_timestamp" | "statement_timestamp" | "transaction_timestamp", 0) => {
            known(&[], Is("Timestamptz"))
        }
        ("current_date", 0) => known(&[], Is("Date")),
        ("gen_random_uuid", 0) => known(&[], Is("Uuid")),
        ("random", 0) => known(&[], Is("Float8")),
        ("count" | "row_number" | "rank" | "dense_rank", _) => known(&[], Is("Int8")),
        ("sum", 1) => known(&[], Sum),
        ("avg", 1) => known(&[], Average),
        ("min" | "max" | "abs" | "lag" | "lead" | "first_value" | "last_value", 1) => known(&[], First),
        ("bool_and" | "bool_or" | "every", 1) => known(&["Bool"], Is("Bool")),
        ("array_agg", 1) => known(&[], Array),
        ("coalesce" | "greatest" | "least", 1..) | ("nullif", 2) => known(&[], Same),
        ("lower" | "upper" | "initcap" | "btrim" | "ltrim" | "rtrim" | "md5" | "current_setting", 1)
        | ("btrim" | "ltrim" | "rtrim" | "string_agg", 2)
        | ("replace" | "translate" | "regexp_replace", 3) => known(TEXTS, Is("Text")),
        ("set_config", 3) => known(&["Text", "Text", "Bool"], Is("Text")),
        ("left" | "right" | "repeat", 2) => known(&["Text", "Int4"], Is("Text")),
        ("substr", 2 | 3) => known(&["Text", "Int4", "Int4"], Is("Text")),
        ("concat" | "concat_ws" | "format", 1..) => known(&[], Is("Text")),
        ("length" | "char_length" | "octet_length", 1) => known(&["Text"], Is("Int4")),
        ("starts_with", 2) => known(TEXTS, Is("Bool")),
        ("hashtext", 1) => known(TEXTS, Is("Int4")),
        ("hashtextextended", 2) => known(&["Text", "Int8"], Is("Int8")),
        ("date_trunc", 2) => known(&["Text", ""], Last),
        ("make_interval", _) => known(&[], Is("Interval")),
        ("cardinality", 1) | ("array_position", 2) => known(&[], Is("Int4")),
        ("to_jsonb" | "jsonb_agg" | "jsonb_build_object" | "jsonb_build_array" | "jsonb_object_agg", _) => {
            known(&[], Is("Jsonb"))
        }
        ("to_json" | "row_to_json" | "json_agg" | "json_build_object" | "json_build_array", _) => {
            known(&[], Is("Json"))
        }
        ("pg_try_advisory_lock" | "pg_try_advisory_xact_lock" | "pg_advisory_unlock", 1) => {
            known(&["Int8"], Is("Bool"))
        }
        ("pg_try_advisory_lock" | "pg_try_advisory_xact_lock" | "pg_advisory_unlock", 2) => {
            known(&["Int4", "Int4"], Is("Bool"))
        }
        ("pg_advisory_lock" | "pg_advisory_xact_lock", 1) => known(&["Int8"], Is("Void")),
        ("pg_advisory_lock" | "pg_advisory_xact_lock", 2) => known(&["Int4", "Int4"], Is("Void")),
        ("pg_notify", 2) => known(TEXTS, Is("Void")),
        _ => None,
    }
}

/// The type of an argument that is given by its name.
fn named_argument(function: &str, name: &str) -> &'static str {
    match (function, name) {
        ("make_interval", "secs") => "Float8",
        ("make_interval", _) => "Int4",
        _ => "Text",
    }
}

impl Walk<'_> {
    pub fn call(&mut self, function: &Function, scope: &Scope) -> Result<Value, Unclear> {
        let name = function.name.to_string().to_ascii_lowercase();
        let name = name.rsplit('.').next().unwrap_or_default();
        if let Some(filter) = &function.filter {
            self.postgres(filter, scope)?;
            self.coerce(filter, "Bool");
        }
        let mut arguments: Vec<&Expr> = Vec::new();
        if let FunctionArguments::List(list) = &function.args {
            for argument in &list.args {
                match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(row)))
                        if scope.column(row).is_err() && scope.relation(row).is_ok() => {}
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => arguments.push(argument),
                    FunctionArg::Named { name: part, arg: FunctionArgExpr::Expr(argument), .. } => {
                        self.postgres(argument, scope)?;
                        self.coerce(argument, named_argument(name, &part.value));
                    }
                    FunctionArg::ExprNamed { name: part, arg: FunctionArgExpr::Expr(argument), .. } => {
                        self.postgres(argument, scope)?;
                        self.coerce(argument, named_argument(name, &part.to_string()));
                    }
                    _ => {}
                }
            }
        }
        let Some(known) = find(name, arguments.len()) else {
            return unclear(
                format!("the function `{name}` with {} arguments is not known here", arguments.len()),
                "write a simpler form, or `sqlx::query`, which is not checked",
            );
        };
        let kinds: Vec<Option<&'static str>> = arguments
            .iter()
            .map(|argument| Ok(self.postgres(argument, scope)?.kind))
            .collect::<Result<_, Unclear>>()?;
        for (argument, kind) in arguments.iter().zip(known.arguments) {
            if !kind.is_empty() {
                self.coerce(argument, kind);
            }
        }
        let first = |walk: &mut Self| arguments.first().map_or(Ok("Text"), |first| walk.typed(first, scope));
        Ok(match known.answer {
            Returns::Is(kind) => {
                // What takes anything must be told what it takes.
                if known.arguments.is_empty() && kinds.contains(&None) {
                    arguments.iter().try_for_each(|argument| self.typed(argument, scope).map(drop))?;
                }
                Value::of(kind)
            }
            Returns::Same => self.same(&arguments, scope)?,
            Returns::First => Value::of(first(self)?),
            Returns::Last => Value::of(arguments.last().map_or(Ok("Text"), |last| self.typed(last, scope))?),
            Returns::Array => {
                let element = first(self)?;
                let array = array_of(element);
                Value::of(
                    array.map_or_else(|| unclear(format!("no arrays of {element} are known here"), "cast it"), Ok)?,
                )
            }
            Returns::Sum => match first(self)? {
                "Int2" | "Int4" => Value::of("Int8"),
                "Int8" => Value::of("Numeric"),
                kind => Value::of(kind),
            },
            Returns::Average => match first(self)? {
                "Int2" | "Int4" | "Int8" => Value::of("Numeric"),
                kind => Value::of(kind),
            },
        })
    }
}
