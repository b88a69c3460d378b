//! A text file of a pack, with the name that its faults carry.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::question::check_plain;
use crate::fault::{Fault, Faults, Place};

#[derive(Debug, Clone)]
pub struct Text {
    /// As a reader knows it: `templates/…/layer.toml`.
    pub file: String,
    /// What this binary carries is not copied.
    pub content: Cow<'static, str>,
    /// Where its lines begin: every value of a file asks for its place, and each answer would count lines again.
    lines: OnceLock<Vec<usize>>,
}

impl Text {
    pub fn new(file: impl Into<String>, content: impl Into<Cow<'static, str>>) -> Self {
        Self { file: file.into(), content: content.into(), lines: OnceLock::new() }
    }

    pub fn from_utf8(file: impl Into<String>, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, Fault> {
        let file = file.into();
        let fault = |file: String, bytes: &[u8], valid: usize| {
            let valid = std::str::from_utf8(&bytes[..valid]).unwrap_or_default();
            let place = Place::in_text(file, valid, valid.len());
            Fault::at(place, "this is not UTF-8")
                .help("only files that are rendered need be text; others are copied as they are")
        };
        match bytes.into() {
            Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
                Ok(content) => Ok(Self::new(file, content)),
                Err(error) => Err(fault(file, bytes, error.valid_up_to())),
            },
            Cow::Owned(bytes) => match String::from_utf8(bytes) {
                Ok(content) => Ok(Self::new(file, content)),
                Err(error) => Err(fault(file, error.as_bytes(), error.utf8_error().valid_up_to())),
            },
        }
    }

    /// The place of byte `offset`; past the end is the end.
    pub fn place(&self, offset: usize) -> Place {
        let lines = self.lines.get_or_init(|| {
            let breaks = self.content.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(breaks).collect()
        });
        let line = lines.partition_point(|start| *start <= offset.min(self.content.len())) - 1;
        let place = Place::in_text(&*self.file, &self.content[lines[line]..], offset - lines[line]);
        Place { line: line + 1, ..place }
    }

    /// Texts of a TOML file that a terminal would obey and not show; a break of a line is none.
    fn unprintable(&self, table: &DeTable) -> Faults {
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
        walk(table, &mut |text, at| {
            if let Err(why) = text.lines().try_for_each(check_plain) {
                faults.push(Fault::at(self.place(at), why));
            }
        });
        faults
    }

    /// Parses the text as TOML into `T`; a fault carries the line and column.
    pub fn toml<T: DeserializeOwned>(&self) -> Result<T, Faults> {
        toml::from_str(&self.content).map_err(|error| self.no_toml(&error).into())
    }

    /// The same of a file of a pack, and what is wrong with its texts: those that a terminal would obey and not
    /// show.
    pub fn pack_toml<T: DeserializeOwned>(&self) -> Result<(T, Faults), Faults> {
        self.pack_toml_without(|_, _| ()).map(|(read, (), faults)| (read, faults))
    }

    /// The same, of what is left of the table after `take`.
    pub fn pack_toml_without<T: DeserializeOwned, U>(
        &self,
        take: impl FnOnce(&mut DeTable, &mut Faults) -> U,
    ) -> Result<(T, U, Faults), Faults> {
        let mut table = DeTable::parse(&self.content).map_err(|error| self.no_toml(&error))?;
        let mut faults = self.unprintable(table.get_ref());
        let taken = take(table.get_mut(), &mut faults);
        let read = T::deserialize(toml::Deserializer::from(table)).map_err(|error| self.no_toml(&error))?;
        Ok((read, taken, faults))
    }

    fn no_toml(&self, error: &toml::de::Error) -> Fault {
        let place = self.place(error.span().map_or(0, |span| span.start));
        Fault::at(place, error.message().replace('\n', " "))
    }
}
