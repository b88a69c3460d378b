//! sqlx's macros in Rust text: their SQL, and where it stands.
//!
//! The text is read as tokens, so that comments, strings and documents cannot look like a query.

use memchr::memmem;
use proc_macro2::{Spacing, TokenStream, TokenTree};

use crate::fault::{Fault, Place};

/// A rendered Rust file.
#[derive(Debug, Clone, Copy)]
pub struct RustSource<'a> {
    /// Its path in the repository.
    pub path: &'a str,
    pub text: &'a str,
    /// The file of the pack that it is rendered from.
    pub from: &'a str,
}

/// The SQL of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub sql: String,
    pub place: Place,
}

const MACROS: [&str; 6] =
    ["query", "query_as", "query_scalar", "query_unchecked", "query_as_unchecked", "query_scalar_unchecked"];

/// Every query of a file, in its order.
pub fn queries(source: &RustSource) -> Result<Vec<Query>, Fault> {
    // Most files hold none, and reading tokens is the dear part.
    if !may_hold_some(source.text) {
        return Ok(Vec::new());
    }
    let tokens: TokenStream = source.text.parse().map_err(|error: proc_macro2::LexError| {
        let start = error.span().start();
        let place = Place::new(source.path, start.line, start.column + 1);
        Fault::at(place, format!("this is no Rust: {error}")).help(format!("it comes from {}", source.from))
    })?;
    let mut found = Vec::new();
    walk(tokens, source, &mut found)?;
    Ok(found)
}

/// Whether the name of one of the macros stands before a `!`, whatever that is there.
fn may_hold_some(text: &str) -> bool {
    memmem::find_iter(text.as_bytes(), "query").any(|at| {
        let rest = text[at..].trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_');
        rest.trim_start().starts_with('!')
    })
}

fn walk(tokens: TokenStream, source: &RustSource, found: &mut Vec<Query>) -> Result<(), Fault> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let name = match (at.checked_sub(2).map(|at| &tokens[at]), at.checked_sub(1).map(|at| &tokens[at])) {
            (Some(TokenTree::Ident(name)), Some(TokenTree::Punct(mark))) if mark.as_char() == '!' => name.to_string(),
            _ => String::new(),
        };
        if let Some(kind) = MACROS.iter().find(|known| **known == name) {
            let arguments: Vec<TokenTree> = group.stream().into_iter().collect();
            found.push(query(&arguments, kind.starts_with("query_as"), group.span_open().start(), source)?);
        } else if name.starts_with("query_file") {
            let start = group.span_open().start();
            let place = Place::new(source.path, start.line, start.column + 1);
            return Err(Fault::at(place, format!("the SQL of `{name}!` is in a file, which is not looked into"))
                .help("write it in the call, with `query!` or `query_as!`"));
        }
        walk(group.stream(), source, found)?;
    }
    Ok(())
}

/// The text of a call: `"…"`, or several joined by `+`, after the type of `query_as!`.
fn query(
    arguments: &[TokenTree],
    typed: bool,
    open: proc_macro2::LineColumn,
    source: &RustSource,
) -> Result<Query, Fault> {
    let mut rest = if typed { after_type(arguments) } else { arguments };
    let start = rest.first().map_or(open, |token| token.span().start());
    let place = Place::new(source.path, start.line, start.column + 1);
    let mut sql = String::new();
    loop {
        let text = match rest.first() {
            Some(TokenTree::Literal(literal)) => syn::parse_str::<syn::LitStr>(&literal.to_string()).ok(),
            _ => None,
        };
        let Some(text) = text else {
            return Err(Fault::at(place, "the SQL of a query is a text, or several joined by `+`")
                .help(format!("sqlx reads it when it compiles; it comes from {}", source.from)));
        };
        sql.push_str(&text.value());
        match rest.get(1) {
            Some(TokenTree::Punct(plus)) if plus.as_char() == '+' => rest = &rest[2..],
            _ => return Ok(Query { sql, place }),
        }
    }
}

/// What stands after the first comma that is in no `<…>`.
fn after_type(arguments: &[TokenTree]) -> &[TokenTree] {
    let mut depth = 0_i32;
    let mut arrow = false;
    for (at, token) in arguments.iter().enumerate() {
        if let TokenTree::Punct(mark) = token {
            match mark.as_char() {
                '<' => depth += 1,
                // The end of `->` closes nothing.
                '>' if !arrow => depth -= 1,
                ',' if depth == 0 => return &arguments[at + 1..],
                _ => {}
            }
            arrow = mark.as_char() == '-' && mark.spacing() == Spacing::Joint;
        } else {
            arrow = false;
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(text: &str) -> Vec<String> {
        let source = RustSource { path: "src/a.rs", text, from: "pack" };
        queries(&source).unwrap().into_iter().map(|query| query.sql).collect()
    }

    #[test]
    fn each_form_of_a_text_is_read_as_rust_does() {
        let text = "fn f() {\n    let a = sqlx::query!(\"SELECT 1\");\n    \
                    query_as!(Map<String, Vec<u8>>, r#\"SELECT \"a\" FROM b\"#, x, y);\n    \
                    query_scalar!(\"SELECT \\\n        2\" + \" AS \\\"n\\\"\" + \"!\", z);\n    \
                    query_as!(fn(A, B) -> C, \"SELECT\n 3\",);\n    \
                    if x { v.push(query_unchecked![\"SELECT 4\"]) }\n}\n";
        assert_eq!(sql(text), ["SELECT 1", "SELECT \"a\" FROM b", "SELECT 2 AS \"n\"!", "SELECT\n 3", "SELECT 4"]);
        let source = RustSource { path: "src/a.rs", text, from: "pack" };
        let places: Vec<String> = queries(&source).unwrap().iter().map(|query| query.place.to_string()).collect();
        assert_eq!(places[..3], ["src/a.rs:2:26", "src/a.rs:3:37", "src/a.rs:4:19"]);
    }

    #[test]
    fn what_only_looks_like_a_query_is_none() {
        let text = "//! query!(\"SELECT 1\")\n/* sqlx::query!(\"SELECT 2\") */\n/// query!(\"SELECT 3\")\n\
                    fn query(x: &str) -> bool { x == \"query!(\\\"SELECT 4\\\")\" && x != r#\"query!(\"SELECT 5\")\"# }\n\
                    fn g() { query(\"SELECT 6\"); query_rows!(\"SELECT 7\"); sqlx::query(\"SELECT 8\"); }\n";
        assert_eq!(sql(text), [""; 0]);
    }

    #[test]
    fn a_text_that_is_not_there_is_a_fault_at_its_place() {
        for (text, place, word) in [
            ("fn f() {\n  query!(SQL);\n}", "src/a.rs:2:10", "is a text"),
            ("fn f() {\n  query_as!(Order);\n}", "src/a.rs:2:12", "is a text"),
            ("fn f() {\n  query!(b\"x\");\n}", "src/a.rs:2:10", "is a text"),
            ("fn f() {\n  query!(\"x\" + SQL);\n}", "src/a.rs:2:10", "is a text"),
            ("fn f() {\n  query_file_as!(Order, \"x.sql\");\n}", "src/a.rs:2:17", "is in a file"),
            ("fn f() {\n  query!(\"x\"", "src/a.rs:2:9", "no Rust"),
        ] {
            let fault = queries(&RustSource { path: "src/a.rs", text, from: "pack" }).unwrap_err().to_string();
            assert!(fault.starts_with(&format!("{place}: ")) && fault.contains(word), "{text}: {fault}");
        }
    }
}
