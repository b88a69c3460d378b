//! What sqlx would be told of a statement: its columns, and its parameters.

use std::collections::BTreeSet;

use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::statement::Walk;
use crate::schema::model::Model;
use crate::schema::types::Database;

/// What is known of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Value {
    /// The name that sqlx has for its type. None: a bare text, NULL or parameter, which takes the type
    /// that its place asks for; for `SQLite`, that it cannot be told.
    pub kind: Option<&'static str>,
    pub nullable: Option<bool>,
    /// The table and column that it comes from, unchanged.
    pub origin: Option<(String, String)>,
}

impl Value {
    pub fn of(kind: &'static str) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    pub value: Value,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    pub outputs: Vec<Output>,
    /// Types of `$1`, `$2` …, for `PostgreSQL`.
    pub parameters: Vec<&'static str>,
    /// How many a statement of `SQLite` has.
    pub placeholders: usize,
}

/// Why nothing can be told, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    pub message: String,
    pub help: String,
}

pub fn unclear<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Unclear> {
    Err(Unclear { message: message.into(), help: help.into() })
}

/// `a + b + c` is as deep as it is long, and what walks over it has a stack that ends.
const MAX_CHAINED: usize = 400;

fn chains(token: &Token) -> bool {
    match token {
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::StringConcat => true,
        Token::Word(word) => matches!(word.keyword, Keyword::AND | Keyword::OR | Keyword::UNION),
        _ => false,
    }
}

/// Without the `NO KEY` of `FOR NO KEY UPDATE` and the `KEY` of `FOR KEY SHARE`, which sqlparser does not
/// know: which rows are locked how says nothing of what comes out.
fn known_locks(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut before = Keyword::NoKeyword;
    let mut in_lock = false;
    for token in tokens {
        if let Token::Word(word) = &token.token {
            in_lock = match (before, word.keyword) {
                (Keyword::FOR, Keyword::NO | Keyword::KEY) => true,
                (Keyword::NO, Keyword::KEY) => in_lock,
                _ => false,
            };
            before = word.keyword;
        }
        if !(in_lock && matches!(token.token, Token::Word(_))) {
            kept.push(token.clone());
        }
    }
    kept
}

pub fn describe(sql: &str, model: &Model, database: Database) -> Result<Description, Unclear> {
    let dialect: &dyn Dialect = match database {
        Database::Postgres => &PostgreSqlDialect {},
        Database::Sqlite => &SQLiteDialect {},
    };
    let unreadable = |why: String| Unclear { message: why, help: "it must be one statement of SQL".into() };
    let tokens =
        Tokenizer::new(dialect, sql).tokenize_with_location().map_err(|error| unreadable(error.to_string()))?;
    if tokens.iter().filter(|token| chains(&token.token)).count() > MAX_CHAINED {
        return unclear(format!("it has more than {MAX_CHAINED} operators"), "make several queries of it");
    }
    let mut statements = Parser::new(dialect)
        .with_tokens_with_locations(known_locks(&tokens))
        .parse_statements()
        .map_err(|error| unreadable(error.to_string()))?;
    let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
        return unclear("it is not one statement", "give each statement a query of its own");
    };
    let mut walk = Walk::new(model, database, sql, &tokens);
    let outputs = walk.statement(&statement)?;
    let parameters = walk.parameters()?;
    let placeholders = tokens.iter().filter_map(|token| match &token.token {
        Token::Placeholder(name) => Some(name.as_str()),
        _ => None,
    });
    Ok(Description { outputs, parameters, placeholders: count(placeholders) })
}

/// As `SQLite` numbers them (`sqlite.org/lang_expr.html#varparam`): `?` is the next, `?5` is the fifth,
/// and a name is the next when it is new.
fn count<'a>(placeholders: impl Iterator<Item = &'a str>) -> usize {
    let mut names = BTreeSet::new();
    let mut highest = 0;
    for placeholder in placeholders {
        match placeholder.strip_prefix('?') {
            Some("") => highest += 1,
            Some(number) => highest = highest.max(number.parse().unwrap_or(0)),
            None if names.insert(placeholder) => highest += 1,
            None => {}
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    #[test]
    fn parameters_of_sqlite_are_counted_as_it_numbers_them() {
        for (placeholders, number) in
            [(&["?", "?"][..], 2), (&["?1", "?1", "?3"], 3), (&["$1", "$2", "$1"], 2), (&["?5", "?"], 6), (&[], 0)]
        {
            assert_eq!(super::count(placeholders.iter().copied()), number, "{placeholders:?}");
        }
    }
}
