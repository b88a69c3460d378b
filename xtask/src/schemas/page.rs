//! The reference: `docs/reference.md`, a table of keys for each table of each file.

use std::fmt::Write as _;

use super::types::{Shape, Table};

const HEAD: &str = "\
# Reference of keys

Every key of the files that people write, as the types that read them say it
(`cargo xtask schemas` writes this page). What they mean together is in
[Template packs](packs.md). Of a key in **bold**, a value must be given.

Editors that know [Taplo](https://taplo.tamasfe.dev) (VS Code: Even Better TOML)
complete and check these files when the first line names their schema:

```toml
#:schema https://raw.githubusercontent.com/new-service/new-service/main/docs/schemas/layer.schema.json
```
";

/// The page: a section for each file (its name, its schema's and its table), then what the lock's lines say.
pub fn of<'a>(files: impl Iterator<Item = (&'a str, &'a str, Option<&'a str>, &'a Table)>, lock: &[String]) -> String {
    let mut page = HEAD.to_owned();
    let mut told = Vec::new();
    for (title, schema, others, table) in files {
        let _ = write!(
            page,
            "\n## {title}\n\n{}\n\nSchema: [{schema}.schema.json](schemas/{schema}.schema.json)\n",
            table.doc
        );
        keys(&mut page, "", table, &mut told);
        if let Some(doc) = others {
            let _ = write!(page, "\n### `[[KIND]]`\n\n{doc}\n");
        }
    }
    page.push_str("\n## .new-service/lock\n");
    if let Some((about, lines)) = lock.split_first() {
        let _ = writeln!(page, "\n{about}\n\n| line | what |\n| --- | --- |");
        for line in lines {
            let (form, what) = line.split_once("`: ").unwrap_or((line, ""));
            let _ = writeln!(page, "| {}` | {} |", cell(form), cell(what));
        }
    }
    page
}

/// The table of keys, then a section for each table among them that is not `told` yet: an overlay's are its pack's.
fn keys<'a>(page: &mut String, at: &str, table: &'a Table, told: &mut Vec<(String, &'a Table)>) {
    page.push_str("\n| key | value | what |\n| --- | --- | --- |\n");
    for key in &table.keys {
        let name = format!("`{}`", key.name);
        let name = if key.required { format!("**{name}**") } else { name };
        let _ = writeln!(page, "| {name} | {} | {} |", cell(&words(&key.shape)), cell(&key.doc));
    }
    for key in &table.keys {
        if let Shape::Word(words) = &key.shape {
            let _ = writeln!(page, "\n`{}` is one of\n", key.name);
            for (word, doc) in words {
                let _ = writeln!(page, "- `{word}`: {doc}");
            }
        }
    }
    for key in &table.keys {
        let path = format!("{at}{}", key.name);
        let Some((heading, path, inner)) = inner(&path, &key.shape) else { continue };
        if !told.contains(&(heading.clone(), inner)) {
            let _ = write!(page, "\n### `{heading}`\n\n{}\n", inner.doc);
            told.push((heading, inner));
            keys(page, &format!("{path}."), inner, told);
        }
    }
}

/// The table behind a key: how it is headed in TOML, and the path of what is in it.
fn inner<'a>(path: &str, shape: &'a Shape) -> Option<(String, String, &'a Table)> {
    match shape {
        Shape::Table(table) => Some((format!("[{path}]"), path.to_owned(), table)),
        Shape::List(items, _) => match &**items {
            Shape::Table(table) => Some((format!("[[{path}]]"), path.to_owned(), table)),
            _ => None,
        },
        Shape::Map(values) => match &**values {
            Shape::Table(table) => Some((format!("[{path}.NAME]"), format!("{path}.NAME"), table)),
            _ => None,
        },
        _ => None,
    }
}

fn words(shape: &Shape) -> String {
    match shape {
        Shape::Any => "any".into(),
        Shape::Text => "text".into(),
        Shape::Bool => "true or false".into(),
        Shape::Integer { .. } => "whole number".into(),
        Shape::List(items, None) => format!("list of {}", many(items)),
        Shape::List(items, Some(length)) => format!("list of {length} {}", many(items)),
        Shape::Map(values) => match &**values {
            Shape::Any => "table of any".into(),
            Shape::Table(_) => "tables, by name".into(),
            values => format!("table: by name, {}", words(values)),
        },
        Shape::Table(_) => "table".into(),
        Shape::Word(_) => "word".into(),
        Shape::Either(shapes) => shapes.iter().map(one).collect::<Vec<_>>().join(", or "),
    }
}

/// As one of several: a small table names its keys.
fn one(shape: &Shape) -> String {
    match shape {
        Shape::Table(table) => {
            let keys: Vec<String> = table.keys.iter().map(|key| format!("`{}`", key.name)).collect();
            format!("table of {}", keys.join(" and "))
        }
        Shape::Map(_) => "table".into(),
        other => words(other),
    }
}

fn many(shape: &Shape) -> String {
    match shape {
        Shape::Text => "texts".into(),
        Shape::Table(_) | Shape::Map(_) => "tables".into(),
        Shape::List(items, _) => format!("lists of {}", many(items)),
        other => words(other),
    }
}

/// In a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
