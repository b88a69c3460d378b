//! Indexes over several columns: as they are written (`status,-created_at`), and as a database has them.

use std::fmt;
use std::ops::Range;

use super::draft::{Mark, Marked};
use super::grammar::Reader;
use super::names;

/// A column of an index, and its direction. What it is called is the name of a field while that is what a person
/// wrote, and the name of a column once it is of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexColumn {
    pub name: String,
    pub descending: bool,
}

impl IndexColumn {
    pub fn ascending(name: &str) -> Self {
        Self { name: name.to_owned(), descending: false }
    }

    /// Reads what its `Display` wrote.
    pub(super) fn read(text: &str) -> Self {
        let name = text.strip_prefix('-');
        Self { name: name.unwrap_or(text).to_owned(), descending: name.is_some() }
    }

    fn sql(&self) -> String {
        let order = if self.descending { " DESC" } else { "" };
        format!("{}{order}", names::sql(&self.name))
    }
}

/// As the grammar and the lock have it: `-created_at`.
impl fmt::Display for IndexColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.name)
    }
}

/// Columns as the grammar and the lock have them: `status,-created_at`.
pub(super) fn listed(columns: &[IndexColumn]) -> String {
    columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Columns as SQL has them: `status, created_at DESC`.
pub(super) fn sql(columns: &[IndexColumn]) -> String {
    columns.iter().map(IndexColumn::sql).collect::<Vec<_>>().join(", ")
}

/// An index that a resource declares: over names of fields, and columns that it has anyway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompositeIndex {
    pub columns: Vec<IndexColumn>,
}

impl fmt::Display for CompositeIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&listed(&self.columns))
    }
}

impl CompositeIndex {
    /// The columns that rows are ordered by: a listing goes on after a row, which only its id tells from others.
    pub fn ordered(&self) -> Vec<IndexColumn> {
        let mut columns = self.columns.clone();
        if let Some(last) = columns.last().filter(|_| !columns.iter().any(|column| column.name == "id")) {
            let descending = last.descending;
            columns.push(IndexColumn { name: "id".into(), descending });
        }
        columns
    }

    /// The columns that a listing is narrowed by, and the one that it is sorted by.
    pub fn listing(&self) -> (&[IndexColumn], &IndexColumn) {
        let last = match self.columns.as_slice() {
            [.., _, last] if last.name == "id" => self.columns.len() - 2,
            all => all.len() - 1,
        };
        (&self.columns[..last], &self.columns[last])
    }
}

/// An index as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftIndex {
    pub mark: Mark,
    pub columns: Vec<DraftColumn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftColumn {
    pub name: Marked<String>,
    pub descending: bool,
}

impl DraftIndex {
    /// As it was written, but for spaces.
    pub fn text(&self) -> String {
        let column =
            |column: &DraftColumn| IndexColumn { name: column.name.value.clone(), descending: column.descending };
        listed(&self.columns.iter().map(column).collect::<Vec<_>>())
    }
}

const INDEX: &str = "as in `index=status,-created_at`: columns of the resource, `-` for a descending one";

impl Reader<'_, '_> {
    /// `COLUMN,COLUMN…`; None after a fault.
    pub(super) fn index(&mut self, range: Range<usize>) -> Option<DraftIndex> {
        let before = self.faults.0.len();
        let mut columns = Vec::new();
        for part in self.list(range.clone()) {
            let text = &self.written.text[part.clone()];
            let descending = text.starts_with('-');
            let name = part.start + usize::from(descending)..part.end;
            if name.is_empty() {
                self.fault(part, "a column is expected here", INDEX);
            } else {
                columns.push(DraftColumn { name: self.marked(name), descending });
            }
        }
        let mark = self.written.mark(range.start, range.end);
        (self.faults.0.len() == before).then_some(DraftIndex { mark, columns })
    }
}
