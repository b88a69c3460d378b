//! The statements of a migration file, each with its tokens and its place.

use std::collections::BTreeSet;
use std::ops::Range;

use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::tokenizer::{Location, Token, Tokenizer};

use super::MigrationFile;
use crate::fault::Place;
use crate::schema::names;
use crate::schema::types::Database;

/// One statement. Its words are identifiers and keywords; a name in quotes is one without them.
#[derive(Debug, Clone)]
pub struct Statement {
    pub place: Place,
    /// As written, without the semicolon.
    pub text: String,
    tokens: Vec<Spanned>,
}

#[derive(Debug, Clone)]
struct Spanned {
    token: Token,
    /// Bytes of the text.
    start: usize,
    end: usize,
}

/// The statements of a file. One that cannot be split into tokens is a single statement.
pub fn statements(file: &MigrationFile, database: Database) -> Vec<Statement> {
    let dialect: &dyn Dialect = match database {
        Database::Postgres => &PostgreSqlDialect {},
        Database::Sqlite => &SQLiteDialect {},
    };
    let text = &file.text;
    let whole = |tokens| Statement { place: Place::new(&file.path, 1, 1), text: text.clone(), tokens };
    let Ok(tokens) = Tokenizer::new(dialect, text).tokenize_with_location() else {
        return vec![whole(plain_words(text))];
    };
    let offsets = Offsets::of(text);
    let tokens = tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    let tokens = tokens.map(|token| Spanned {
        start: offsets.at(text, token.span.start),
        end: offsets.at(text, token.span.end),
        token: token.token,
    });
    let mut all = Vec::new();
    let mut current: Vec<Spanned> = Vec::new();
    for token in tokens {
        let ends = token.token == Token::SemiColon && is_complete(&current);
        if !ends {
            current.push(token);
            continue;
        }
        all.extend(statement(file, std::mem::take(&mut current)));
    }
    all.extend(statement(file, current));
    all
}

fn statement(file: &MigrationFile, mut tokens: Vec<Spanned>) -> Option<Statement> {
    let (start, end) = (tokens.first()?.start, tokens.last()?.end);
    for token in &mut tokens {
        (token.start, token.end) = (token.start - start, token.end - start);
    }
    let place = Place::in_text(&file.path, &file.text, start);
    Some(Statement { place, text: file.text[start..end].to_owned(), tokens })
}

/// Whether a semicolon ends the statement: it does not within brackets, nor in the body of a trigger or a routine.
fn is_complete(tokens: &[Spanned]) -> bool {
    let count = |token: &Token| tokens.iter().filter(|one| one.token == *token).count();
    if count(&Token::LParen) > count(&Token::RParen) {
        return false;
    }
    // `NEW.end` is a column.
    let is_part = |at: usize| at > 0 && tokens[at - 1].token == Token::Period;
    let words = || (0..tokens.len()).filter(|at| !is_part(*at)).filter_map(|at| keyword(&tokens[at].token));
    let has_body = match words().next().as_deref() {
        Some("create") => words().take(5).any(|word| ["trigger", "function", "procedure"].contains(&word.as_str())),
        _ => false,
    };
    if !has_body {
        return true;
    }
    let opened = words().filter(|word| word == "begin" || word == "case").count();
    let closed = words().filter(|word| word == "end").count();
    // A routine of PostgreSQL may be a text, without a body of its own.
    closed >= opened
}

fn keyword(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// The words of a text whose tokens are not known.
fn plain_words(text: &str) -> Vec<Spanned> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.map(|word| Spanned { token: Token::make_word(word, None), start: 0, end: 0 }).collect()
}

/// Where each line of a text begins.
struct Offsets(Vec<usize>);

impl Offsets {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn at(&self, text: &str, place: Location) -> usize {
        let (line, column) = (usize::try_from(place.line).unwrap_or(1), usize::try_from(place.column).unwrap_or(1));
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or(text.len());
        let rest = &text[start..];
        start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
    }
}

impl Statement {
    /// Reads from its first token.
    pub fn reader(&self) -> StatementReader<'_> {
        StatementReader { statement: self, at: 0 }
    }

    /// Every name in it, in lowercase, those in texts that are code included; not the word at `but`.
    pub fn mentions(&self, but: Option<usize>) -> BTreeSet<String> {
        let is_virtual = self.reader().take_words(&["create", "virtual"]);
        let mut all = BTreeSet::new();
        for (at, Spanned { token, .. }) in self.tokens.iter().enumerate() {
            match token {
                Token::Word(_) if but == Some(at) => {}
                // A word of SQL is a name in quotes alone.
                Token::Word(word) if word.quote_style.is_none() && is_reserved(&word.value) => {}
                Token::Word(word) => drop(all.insert(word.value.to_lowercase())),
                Token::DollarQuotedString(body) => all.extend(words(&body.value)),
                Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) if is_virtual => {
                    all.extend(words(text));
                }
                Token::Mul => drop(all.insert("*".to_owned())),
                _ => {}
            }
        }
        all
    }

    /// What `REFERENCES table (columns)` names, in lowercase.
    pub fn references(&self) -> Vec<(String, BTreeSet<String>)> {
        let mut all = Vec::new();
        let mut reader = self.reader();
        while reader.at < self.tokens.len() {
            if reader.take_words(&["references"]) {
                let Some(table) = reader.object_name() else { continue };
                let columns = reader.in_brackets().iter().flat_map(|part| words(part)).collect();
                all.push((table.to_lowercase(), columns));
            } else {
                reader.at += 1;
            }
        }
        all
    }

    /// The bytes of the word at `at`.
    pub fn span(&self, at: usize) -> Range<usize> {
        self.tokens[at].start..self.tokens[at].end
    }
}

fn is_reserved(word: &str) -> bool {
    let lower = word.to_lowercase();
    names::sql(&lower) != lower
}

/// The words of a text, in lowercase.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Reads a statement from left to right.
#[derive(Clone)]
pub struct StatementReader<'a> {
    statement: &'a Statement,
    at: usize,
}

impl StatementReader<'_> {
    /// Takes these keywords, or nothing.
    pub fn take_words(&mut self, words: &[&str]) -> bool {
        let tokens = &self.statement.tokens[self.at..];
        let all = tokens.len() >= words.len()
            && words.iter().zip(tokens).all(|(word, token)| keyword(&token.token).as_deref() == Some(word));
        if all {
            self.at += words.len();
        }
        all
    }

    /// The next keyword, which is taken.
    pub fn word(&mut self) -> Option<String> {
        let word = keyword(&self.statement.tokens.get(self.at)?.token)?;
        self.at += 1;
        Some(word)
    }

    /// A name; of one with a schema before it, the last part.
    pub fn object_name(&mut self) -> Option<String> {
        let mut name = self.name()?;
        while self.statement.tokens.get(self.at).is_some_and(|token| token.token == Token::Period) {
            self.at += 1;
            name = self.name()?;
        }
        Some(name)
    }

    fn name(&mut self) -> Option<String> {
        let name = match &self.statement.tokens.get(self.at)?.token {
            Token::Word(word) => word.value.clone(),
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => text.clone(),
            _ => return None,
        };
        self.at += 1;
        Some(name)
    }

    /// The place of the token that was taken last.
    pub fn last(&self) -> usize {
        self.at.saturating_sub(1)
    }

    /// Goes on after the next `word` outside of brackets; false where there is none.
    pub fn skip_to(&mut self, word: &str) -> bool {
        let mut depth = 0_i32;
        while let Some(Spanned { token, .. }) = self.statement.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                token if depth == 0 && keyword(token).as_deref() == Some(word) => return true,
                _ => {}
            }
        }
        false
    }

    /// The texts between the commas of the brackets that come next; none where none come.
    pub fn in_brackets(&mut self) -> Vec<String> {
        if self.statement.tokens.get(self.at).is_none_or(|token| token.token != Token::LParen) {
            return Vec::new();
        }
        self.at += 1;
        let parts = self.parts();
        self.at += 1;
        parts
    }

    /// The text that is left.
    pub fn rest(&self) -> String {
        let start = self.statement.tokens.get(self.at).map_or(self.statement.text.len(), |token| token.start);
        self.statement.text[start..].to_owned()
    }

    /// The texts between commas from here on, to the bracket that closes.
    pub fn parts(&mut self) -> Vec<String> {
        let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, None);
        let mut end = 0;
        while let Some(Spanned { token, start: from, end: to }) = self.statement.tokens.get(self.at) {
            match token {
                Token::LParen => depth += 1,
                Token::RParen if depth == 0 => break,
                Token::RParen => depth -= 1,
                Token::Comma if depth == 0 => {
                    parts.extend(start.take().map(|start: usize| self.statement.text[start..end].to_owned()));
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            start.get_or_insert(*from);
            end = *to;
            self.at += 1;
        }
        parts.extend(start.map(|start| self.statement.text[start..end].to_owned()));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str, database: Database) -> Vec<String> {
        let file = MigrationFile { path: "1_x.up.sql".into(), text: sql.into(), is_as_drawn: false };
        statements(&file, database).into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn a_semicolon_within_a_body_or_a_text_ends_nothing() {
        let trigger = "CREATE TRIGGER \"a;b\" AFTER INSERT ON orders BEGIN\n  UPDATE x SET y = CASE WHEN 1 THEN ';' END;\n  SELECT 1;\nEND";
        let sql = format!("-- one; two\n{trigger};\nSELECT 'é;', 2 ;; SELECT 3");
        assert_eq!(texts(&sql, Database::Sqlite), [trigger, "SELECT 'é;', 2", "SELECT 3"]);
        let function = "CREATE OR REPLACE FUNCTION f() RETURNS trigger AS $x$ BEGIN NEW.a := 1; RETURN NEW; END $x$ LANGUAGE plpgsql";
        assert_eq!(texts(&format!("{function}; SELECT 1"), Database::Postgres), [function, "SELECT 1"]);
    }

    #[test]
    fn names_are_found_in_code_and_not_in_other_texts() {
        let mentions = |sql: &str, database| {
            let file = MigrationFile { path: "1_x.up.sql".into(), text: sql.into(), is_as_drawn: false };
            statements(&file, database)[0].mentions(None)
        };
        assert!(mentions("CREATE FUNCTION f() AS $$ NEW.note $$", Database::Postgres).contains("note"));
        assert!(
            mentions("CREATE VIRTUAL TABLE f USING fts5(x, content='orders')", Database::Sqlite).contains("orders")
        );
        assert!(!mentions("UPDATE x SET y = 'orders'", Database::Sqlite).contains("orders"));
        assert!(mentions("SELECT \"No\"\"te\" FROM [my orders]", Database::Sqlite).contains("my orders"));
    }
}
