//! What is wrong in something that a person or a pack wrote: where, what, and what to do.
//!
//! Faults are collected, not thrown one at a time: a reader mends them all in one go.

use std::fmt;

/// A position in a text file: path as the reader knows it, line and column from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: String,
    pub line: usize,
    pub column: usize,
}

impl Place {
    pub fn new(file: impl Into<String>, line: usize, column: usize) -> Self {
        Self { file: file.into(), line, column }
    }

    /// The place of byte `offset` in `text`; past the end is the end.
    pub fn in_text(file: impl Into<String>, text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Self::new(file, line, column)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One fault: `PLACE: MESSAGE`, and on a line of its own what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub place: Option<Place>,
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Self {
        Self { place: None, message: message.into(), help: None }
    }

    pub fn at(place: Place, message: impl Into<String>) -> Self {
        Self { place: Some(place), ..Self::new(message) }
    }

    /// For a list of notes: the message, and what to do.
    pub fn in_one_line(self) -> String {
        let Self { place, message, help } = self;
        let place = place.map_or_else(String::new, |place| format!("{place}: "));
        help.map_or_else(|| format!("{place}{message}"), |help| format!("{place}{message}; {help}"))
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// All faults of one step. Displays as one fault a paragraph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub fn extend(&mut self, other: Faults) {
        self.0.extend(other.0);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` when nothing was wrong, else the faults.
    pub fn or<T>(self, value: T) -> Result<T, Faults> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Why a command stopped, where the exit code depends on it. Anything else is exit 1.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The command line asks for something that cannot be: exit 2.
    #[error("{0}")]
    Usage(Faults),
    /// ^C, or "no" to the last question: exit 130, nothing on disk.
    #[error("stopped; nothing was written")]
    Interrupted,
}

impl Stop {
    /// As a shell reports a command that ^C ended: 128 + SIGINT.
    pub const INTERRUPTED_CODE: i32 = 130;

    pub fn usage(fault: Fault) -> Self {
        Self::Usage(fault.into())
    }
}

/// ` (did you mean "x"?)` for the candidate nearest to `given`, or nothing when none is near.
pub fn did_you_mean<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, candidates).map_or_else(String::new, |name| format!(" (did you mean \"{name}\"?)"))
}

/// The candidate nearest to `given`, at most a third of its letters away (at least one).
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_within((given.chars().count() / 3).max(1), given, candidates)
}

/// The same, at most `limit` letters away.
pub fn nearest_within<'a>(limit: usize, given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// At most `most` of the candidates, those nearest to `given` first, however far they are.
pub fn nearest_few<'a>(given: &str, most: usize, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = candidates.into_iter().collect();
    names.sort_by_key(|name| strsim::damerau_levenshtein(given, name));
    names.truncate(most);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        assert_eq!(Place::in_text("f", "ab\nçd", 0), Place::new("f", 1, 1));
        assert_eq!(Place::in_text("f", "ab\nçd", 5), Place::new("f", 2, 2));
        assert_eq!(Place::in_text("f", "ab", 99), Place::new("f", 1, 3));
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        assert_eq!(nearest("stirng", ["string", "bool"]), Some("string"));
        assert_eq!(nearest("x", ["string", "bool"]), None);
    }
}
