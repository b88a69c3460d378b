//! From statements to what they leave.

use std::collections::BTreeSet;

use super::statements::{Statement, StatementReader};
use super::{
    Chain, ChainTable, MigrationFile, Object, ObjectKind, ObjectTarget, Removal, TablePart, UnknownStatement,
    WrittenAt, all_statements, same,
};
use crate::schema::types::Database;

/// Statements that leave the schema as it is.
const OF_ROWS: &str = "analyze begin checkpoint comment commit delete end explain insert lock notify pragma refresh \
                       reindex release replace reset rollback savepoint select set truncate update vacuum values with";

/// The words that a rule of a table begins with.
const RULES: [&str; 5] = ["constraint", "primary", "unique", "check", "foreign"];

impl Chain {
    pub fn read(files: &[MigrationFile], database: Database) -> Self {
        let mut chain = Self::default();
        for (by_hand, statement) in all_statements(files, database) {
            let source = WrittenAt { place: statement.place.clone(), by_hand };
            if chain.take(&statement, &source).is_none() && by_hand && !is_of_rows(&statement) {
                let (text, place) = (head(&statement.text), source.place);
                chain.others.push(UnknownStatement { text, place, mentions: statement.mentions(None) });
            }
        }
        chain
    }

    pub fn table(&self, name: &str) -> Option<&ChainTable> {
        self.tables.iter().find(|table| same(&table.name, name))
    }

    fn table_mut(&mut self, name: &str) -> Option<&mut ChainTable> {
        self.tables.iter_mut().find(|table| same(&table.name, name))
    }

    /// None where the statement is not understood, or says nothing of the schema.
    fn take(&mut self, statement: &Statement, source: &WrittenAt) -> Option<()> {
        let mut reader = statement.reader();
        match reader.word()?.as_str() {
            "create" => self.create(statement, reader, source),
            "alter" => self.alter(statement, reader, source),
            "drop" => self.drop(reader, source),
            _ => None,
        }
    }

    fn create(&mut self, statement: &Statement, mut reader: StatementReader, source: &WrittenAt) -> Option<()> {
        reader.take_words(&["or", "replace"]);
        let is_temporary = reader.take_words(&["temp"]) || reader.take_words(&["temporary"]);
        reader.take_words(&["unlogged"]);
        let what = reader.word()?;
        let object = |kind, name, on: Option<(String, usize)>| Object {
            kind,
            name,
            mentions: statement.mentions(on.as_ref().map(|(_, at)| *at)),
            on: on.map(|(table, at)| ObjectTarget { table, span: statement.span(at) }),
            text: statement.text.clone(),
            source: source.clone(),
            outdated: None,
        };
        match what.as_str() {
            // Removal with the connection.
            _ if is_temporary => Some(()),
            "table" => self.create_table(statement, reader, source),
            "unique" | "index" => {
                if what == "unique" && !reader.take_words(&["index"]) {
                    return None;
                }
                reader.take_words(&["concurrently"]);
                reader.take_words(&["if", "not", "exists"]);
                let name = reader.object_name()?;
                if !reader.take_words(&["on"]) {
                    return None;
                }
                reader.take_words(&["only"]);
                let table = reader.object_name()?;
                self.objects.push(object(ObjectKind::Index, name, Some((table, reader.last()))));
                Some(())
            }
            "constraint" | "trigger" => {
                if what == "constraint" && !reader.take_words(&["trigger"]) {
                    return None;
                }
                reader.take_words(&["if", "not", "exists"]);
                let name = reader.object_name()?;
                if !reader.skip_to("on") {
                    return None;
                }
                let table = reader.object_name()?;
                self.objects.push(object(ObjectKind::Trigger, name, Some((table, reader.last()))));
                Some(())
            }
            "materialized" | "recursive" | "view" => {
                reader.take_words(&["view"]);
                reader.take_words(&["if", "not", "exists"]);
                let name = reader.object_name()?;
                self.objects.retain(|object| object.kind != ObjectKind::View || !same(&object.name, &name));
                self.objects.push(object(ObjectKind::View, name, None));
                Some(())
            }
            "function" | "procedure" | "virtual" => {
                reader.take_words(&["table"]);
                reader.take_words(&["if", "not", "exists"]);
                let name = reader.object_name()?;
                self.objects.retain(|object| object.kind != ObjectKind::Code || !same(&object.name, &name));
                self.objects.push(object(ObjectKind::Code, name, None));
                Some(())
            }
            _ => None,
        }
    }

    fn create_table(&mut self, statement: &Statement, mut reader: StatementReader, source: &WrittenAt) -> Option<()> {
        let if_missing = reader.take_words(&["if", "not", "exists"]);
        let name = reader.object_name()?;
        if if_missing && self.table(&name).is_some() {
            return Some(());
        }
        let mut table = ChainTable {
            name,
            columns: Vec::new(),
            rules: Vec::new(),
            source: source.clone(),
            options: String::new(),
            references: statement.references(),
        };
        for definition in reader.in_brackets() {
            let (name, source) = (column(&definition), source.clone());
            if name.is_some() {
                table.columns.push(TablePart { name, definition, source });
            } else {
                let name = without_prefix(&definition, &["constraint"]).and_then(column);
                table.rules.push(TablePart { name, definition, source });
            }
        }
        table.options = reader.rest();
        self.tables.push(table);
        Some(())
    }

    fn alter(&mut self, statement: &Statement, mut reader: StatementReader, source: &WrittenAt) -> Option<()> {
        if !reader.take_words(&["table"]) {
            return if reader.take_words(&["index"]) { self.rename_index(reader) } else { None };
        }
        reader.take_words(&["if", "exists"]);
        reader.take_words(&["only"]);
        let table = reader.object_name()?;
        if reader.take_words(&["rename"]) {
            if reader.take_words(&["to"]) {
                let name = reader.object_name()?;
                self.rename_table(&table, &name);
                return Some(());
            }
            if reader.take_words(&["constraint"]) {
                return None;
            }
            reader.take_words(&["column"]);
            let from = reader.object_name()?;
            if !reader.take_words(&["to"]) {
                return None;
            }
            let to = reader.object_name()?;
            self.rename_column(source, &table, &from, &to);
            return Some(());
        }
        // PostgreSQL takes several actions; all must be known.
        let actions: Vec<ColumnAction> = reader.parts().iter().map(|part| action(part)).collect::<Option<_>>()?;
        for action in actions {
            match action {
                ColumnAction::Add(name, definition) => {
                    if let Some(table) = self.table_mut(&table) {
                        table.columns.push(TablePart { name: Some(name), definition, source: source.clone() });
                        table.references.extend(statement.references());
                    }
                }
                ColumnAction::Drop(name) => self.drop_column(source, &table, &name),
            }
        }
        Some(())
    }

    fn rename_index(&mut self, mut reader: StatementReader) -> Option<()> {
        reader.take_words(&["if", "exists"]);
        let from = reader.object_name()?;
        if !reader.take_words(&["rename", "to"]) {
            return None;
        }
        let to = reader.object_name()?;
        let index =
            self.objects.iter_mut().find(|object| object.kind == ObjectKind::Index && same(&object.name, &from));
        if let Some(index) = index {
            index.outdated.get_or_insert(from);
            index.name = to;
        }
        Some(())
    }

    fn rename_table(&mut self, from: &str, to: &str) {
        for table in &mut self.tables {
            if same(&table.name, from) {
                to.clone_into(&mut table.name);
            }
            for (other, _) in &mut table.references {
                if same(other, from) {
                    *other = to.to_lowercase();
                }
            }
        }
        for object in &mut self.objects {
            if object.is_on(from) {
                object.retarget(to);
            }
            if object.mentions.contains(&from.to_lowercase()) {
                object.mentions.insert(to.to_lowercase());
                object.outdated.get_or_insert_with(|| from.to_owned());
            }
        }
    }

    fn rename_column(&mut self, source: &WrittenAt, table: &str, from: &str, to: &str) {
        if let Some(table) = self.table_mut(table) {
            for column in table.columns.iter_mut().filter(|column| column.is_called(from)) {
                column.name = Some(to.to_owned());
                // Its name stands first.
                let rest = column.definition.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
                column.definition = format!("{to} {rest}");
            }
        }
        for object in &mut self.objects {
            let is_of_it = object.is_on(table) || object.mentions.contains(&table.to_lowercase());
            if is_of_it && object.mentions.contains(&from.to_lowercase()) {
                object.mentions.insert(to.to_lowercase());
                object.outdated.get_or_insert_with(|| from.to_owned());
            }
        }
        self.goes("column", Some(table), from, source);
    }

    fn drop_column(&mut self, source: &WrittenAt, table: &str, name: &str) {
        // PostgreSQL drops the indexes over it, and SQLite does not drop a column that has one.
        let lower = name.to_lowercase();
        let is_over = |object: &Object| {
            object.kind == ObjectKind::Index && object.is_on(table) && object.mentions.contains(&lower)
        };
        self.objects.retain(|object| !is_over(object));
        if let Some(table) = self.table_mut(table) {
            table.columns.retain(|column| !column.is_called(name));
        }
        self.goes("column", Some(table), name, source);
    }

    fn goes(&mut self, what: &'static str, table: Option<&str>, name: &str, source: &WrittenAt) {
        if source.by_hand {
            let (table, name, place) = (table.map(str::to_owned), name.to_owned(), source.place.clone());
            self.gone.push(Removal { what, table, name, place });
        }
    }

    fn drop(&mut self, mut reader: StatementReader, source: &WrittenAt) -> Option<()> {
        reader.take_words(&["materialized"]);
        let what = reader.word()?;
        reader.take_words(&["concurrently"]);
        reader.take_words(&["if", "exists"]);
        let name = reader.object_name()?;
        let kind = match what.as_str() {
            "table" => {
                self.tables.retain(|table| !same(&table.name, &name));
                let is_it = |object: &Object| object.kind == ObjectKind::Code && same(&object.name, &name);
                self.objects.retain(|object| !object.is_on(&name) && !is_it(object));
                return Some(());
            }
            "index" => ObjectKind::Index,
            "trigger" => ObjectKind::Trigger,
            "view" => ObjectKind::View,
            "function" | "procedure" => ObjectKind::Code,
            _ => return None,
        };
        // PostgreSQL has triggers of one name on several tables.
        let on = reader.take_words(&["on"]).then(|| reader.object_name()).flatten();
        let is_it = |object: &Object| {
            let there = on.as_deref().is_none_or(|on| object.is_on(on));
            object.kind == kind && same(&object.name, &name) && there
        };
        self.objects.retain(|object| !is_it(object));
        if kind == ObjectKind::Index {
            self.goes("index", None, &name, source);
        }
        Some(())
    }
}

/// What ALTER TABLE does to a column.
enum ColumnAction {
    Add(String, String),
    Drop(String),
}

fn action(text: &str) -> Option<ColumnAction> {
    let (word, rest) = first_word(text)?;
    let (next, after) = first_word(rest)?;
    // `COLUMN` may be left out.
    let rest = if next.eq_ignore_ascii_case("column") { after } else { rest };
    let rest = without_prefix(rest, &["if", "not", "exists"]).or_else(|| without_prefix(rest, &["if", "exists"]));
    let rest = rest.unwrap_or(if next.eq_ignore_ascii_case("column") { after } else { first_word(text)?.1 });
    match word.to_ascii_lowercase().as_str() {
        "add" => Some(ColumnAction::Add(column(rest)?, rest.to_owned())),
        "drop" => Some(ColumnAction::Drop(column(rest)?)),
        _ => None,
    }
}

fn first_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim_start()))
}

fn without_prefix<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().try_fold(text, |rest, word| {
        let (first, rest) = first_word(rest)?;
        first.eq_ignore_ascii_case(word).then_some(rest)
    })
}

/// The name that the definition of a column begins with; none of a rule.
fn column(part: &str) -> Option<String> {
    let part = part.trim_start();
    let close = match part.chars().next()? {
        quote @ ('"' | '`' | '\'') => quote,
        '[' => ']',
        _ => {
            let word = part.split(|c: char| c.is_whitespace() || c == '(').next()?;
            let is_rule = RULES.iter().any(|rule| word.eq_ignore_ascii_case(rule));
            return (!is_rule).then(|| word.to_owned());
        }
    };
    Some(part[1..].split_once(close)?.0.to_owned())
}

fn is_of_rows(statement: &Statement) -> bool {
    let word = statement.reader().word().unwrap_or_default();
    let mentions: BTreeSet<String> = statement.mentions(None);
    // SQLite's own tables hold the schema.
    let is_of_schema =
        ["sqlite_master", "sqlite_schema", "writable_schema"].iter().any(|name| mentions.contains(*name));
    OF_ROWS.split(' ').any(|known| known == word) && (!is_of_schema || word == "select")
}

/// The first line, for a message.
fn head(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}
