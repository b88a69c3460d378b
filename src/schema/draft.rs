//! A resource as it was written: nothing judged yet, and everything with its place.

use super::index::DraftIndex;
use super::types::Type;
use crate::fault::{Fault, Faults, Place};

/// How much of a long text stands around a caret.
const AROUND: usize = 40;

/// The text of a resource or a field, and where it stands.
pub struct Written<'a> {
    pub text: &'a str,
    place: Box<dyn Fn(usize) -> Place + 'a>,
    /// Whether faults show the text: what was typed is in no file that could be opened at a line.
    shown: bool,
}

impl<'a> Written<'a> {
    /// The value of the `number`th `--resource`; faults are at `--resource:NUMBER:COLUMN`.
    pub fn flag(number: usize, text: &'a str) -> Self {
        Self::line("--resource", number, text)
    }

    /// The `number`th line that somebody typed; faults are at `resource:NUMBER:COLUMN`.
    pub fn typed(number: usize, text: &'a str) -> Self {
        Self::line("resource", number, text)
    }

    fn line(from: &'a str, number: usize, text: &'a str) -> Self {
        let place = move |at: usize| Place::new(from, number, text[..at].chars().count() + 1);
        Self { text, place: Box::new(place), shown: true }
    }

    /// A text of a file, with the place of each of its bytes.
    pub fn in_file(text: &'a str, place: impl Fn(usize) -> Place + 'a) -> Self {
        Self { text, place: Box::new(place), shown: false }
    }

    /// The bytes from `start` to `end`.
    pub fn mark(&self, start: usize, end: usize) -> Mark {
        let caret = self.shown.then(|| drawing(self.text, start, end));
        Mark { place: (self.place)(start), caret }
    }

    /// A place alone, for a text that no terminal should be shown.
    pub fn bare_mark(&self, at: usize) -> Mark {
        Mark { place: (self.place)(at), caret: None }
    }
}

/// Two lines: the text, and `^^^` under what is meant.
fn drawing(text: &str, start: usize, end: usize) -> String {
    let before: Vec<char> = text[..start].chars().collect();
    let rest: Vec<char> = text[start..].chars().collect();
    let wide = text[start..end.max(start)].chars().count().max(1);
    let skipped = if before.len() + rest.len() <= 2 * AROUND { 0 } else { before.len().saturating_sub(AROUND) };
    let mut line = String::from(if skipped > 0 { "…" } else { "" });
    let column = line.chars().count() + before.len() - skipped;
    let taken = rest.len().min((wide + AROUND).min(2 * AROUND));
    // A tab or a line break is one column here, whatever a terminal makes of it.
    let one_line = |c: &char| if c.is_whitespace() { ' ' } else { *c };
    line.extend(before[skipped..].iter().chain(&rest[..taken]).map(one_line));
    if taken < rest.len() {
        line.push('…');
    }
    format!("\n    {line}\n    {}{}", " ".repeat(column), "^".repeat(wide.min(taken.max(1))))
}

/// Where a part of a resource stands, for faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub place: Place,
    caret: Option<String>,
}

impl Mark {
    pub fn fault(&self, message: impl Into<String>, help: impl Into<String>) -> Fault {
        let caret = self.caret.as_deref().unwrap_or_default();
        Fault::at(self.place.clone(), message).help(help.into() + caret)
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked<T> {
    pub value: T,
    pub mark: Mark,
}

/// A field as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftField {
    pub name: Marked<String>,
    /// None where it could not be read; the fault is told already.
    pub kind: Option<Marked<Type>>,
    /// What stands between the brackets of the type; the type itself where there are none.
    pub arguments: Mark,
    pub nullable: bool,
    pub default: Option<Marked<String>>,
    pub unique: Option<Mark>,
    pub index: Option<Mark>,
    pub private: bool,
    /// A sentence for readers of the API's description.
    pub doc: Option<Marked<String>>,
    pub was: Option<Marked<String>>,
    /// Choices that were called otherwise.
    pub renamed_choices: Vec<RenamedChoice>,
}

/// A choice of an enum that had another name, which rows still hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamedChoice {
    pub from: String,
    pub to: String,
}

/// A resource as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub name: Marked<String>,
    pub plural: Option<Marked<String>>,
    pub was: Option<Marked<String>>,
    /// Who may read its rows, and who may write them.
    pub read: Option<Marked<String>>,
    pub write: Option<Marked<String>>,
    /// How long its rows are kept.
    pub retain: Option<Marked<String>>,
    pub fields: Vec<DraftField>,
    pub indexes: Vec<DraftIndex>,
    /// Whether a field of it could not be read, not even its name.
    pub broken: bool,
    /// Columns that it has without a word.
    pub own: &'static [&'static str],
}

/// All resources that were written anywhere, and what was wrong with their form. [`super::check`]
/// alone gives resources, so that no fault is lost.
#[derive(Debug, Clone, Default)]
pub struct Drafts {
    pub(super) drafts: Vec<Draft>,
    pub(super) faults: Faults,
}

impl Drafts {
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty() && self.faults.is_empty()
    }

    /// The first of them, for a fault of all.
    pub fn first(&self) -> Option<&Draft> {
        self.drafts.first()
    }

    pub fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Reads the value of the `number`th `--resource`.
    pub fn flag(&mut self, number: usize, text: &str) {
        self.whole(&Written::flag(number, text));
    }

    /// Reads the `number`th line that somebody typed.
    pub fn typed(&mut self, number: usize, text: &str) {
        self.whole(&Written::typed(number, text));
    }

    fn whole(&mut self, written: &Written) {
        let draft = super::grammar::resource(written, &mut self.faults);
        self.drafts.extend(draft);
    }

    /// Reads the arguments of a command that is about one resource.
    pub fn arguments(&mut self, text: &str) {
        let written = Written {
            place: Box::new(|at| Place::new("resource", 1, text[..at].chars().count() + 1)),
            text,
            shown: true,
        };
        let draft = super::grammar::resource(&written, &mut self.faults);
        self.drafts.extend(draft);
    }

    /// Reads one field, where each is a text of its own (`service.toml`). None when it has no name.
    pub fn field(&mut self, written: &Written) -> Option<DraftField> {
        super::grammar::only_field(written, &mut self.faults)
    }

    /// Reads one index, where each is a text of its own.
    pub fn index(&mut self, written: &Written) -> Option<DraftIndex> {
        super::grammar::only_index(written, &mut self.faults)
    }

    pub fn extend(&mut self, other: Drafts) {
        self.drafts.extend(other.drafts);
        self.faults.extend(other.faults);
    }

    /// What is wrong with their form, where something else stops the command already.
    pub fn into_faults(self) -> Faults {
        self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_under_what_is_meant_in_a_long_text_too() {
        assert_eq!(drawing("a b:c", 2, 3), "\n    a b:c\n      ^");
        assert_eq!(drawing("é\tb", 3, 4), "\n    é b\n      ^");
        let long = format!("{} {} {}", "x".repeat(100), "wrong", "y".repeat(100));
        let lines: Vec<String> = drawing(&long, 101, 106).lines().map(str::to_owned).collect();
        let at = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().skip(at).take(5).collect::<String>(), "wrong");
        assert!(lines[1].starts_with("    …x") && lines[1].ends_with("y…"), "{lines:?}");
    }
}
