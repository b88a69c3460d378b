//! A text file of a pack, with the name that its faults carry.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::question::check_plain;
use crate::fault::{Fault, Faults, Place};

#[derive(Debug, Clone)]
pub struct Text {
    /// As a reader knows it: `templates/…/layer.toml`.
    pub file: String,
    pub content: String,
}

impl Text {
    pub fn new(file: impl Into<String>, content: impl Into<String>) -> Self {
        Self { file: file.into(), content: content.into() }
    }

    pub fn from_utf8(file: impl Into<String>, bytes: &[u8]) -> Result<Self, Fault> {
        let file = file.into();
        match std::str::from_utf8(bytes) {
            Ok(content) => Ok(Self::new(file, content)),
            Err(error) => {
                let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
                let place = Place::in_text(file, valid, valid.len());
                Err(Fault::at(place, "this is not UTF-8")
                    .help("only files that are rendered need be text; others are copied as they are"))
            }
        }
    }

    pub fn place(&self, offset: usize) -> Place {
        Place::in_text(&self.file, &self.content, offset)
    }

    /// Texts of a TOML file that a terminal would obey and not show; a break of a line is none.
    pub fn unprintable(&self) -> Faults {
        fn walk(table: &DeTable, found: &mut dyn FnMut(&str, usize)) {
            for (key, value) in table {
                found(key.get_ref(), key.span().start);
                walk_value(value, found);
            }
        }
        fn walk_value(value: &Spanned<DeValue>, found: &mut dyn FnMut(&str, usize)) {
            match value.get_ref() {
                DeValue::String(text) => found(text, value.span().start),
                DeValue::Array(items) => items.iter().for_each(|item| walk_value(item, found)),
                DeValue::Table(table) => walk(table, found),
                _ => {}
            }
        }
        let mut faults = Faults::default();
        // What does not parse is told by what reads it.
        if let Ok(table) = DeTable::parse(&self.content) {
            walk(table.get_ref(), &mut |text, at| {
                if let Err(why) = text.lines().try_for_each(check_plain) {
                    faults.push(Fault::at(self.place(at), why));
                }
            });
        }
        faults
    }

    /// Parses the text as TOML into `T`; a fault carries the line and column.
    pub fn toml<T: DeserializeOwned>(&self) -> Result<T, Faults> {
        toml::from_str(&self.content).map_err(|error| {
            let place = self.place(error.span().map_or(0, |span| span.start));
            Fault::at(place, error.message().replace('\n', " ")).into()
        })
    }
}
