//! Indexes that resources declare.

use super::{Checker, OWN_COLUMNS};
use crate::fault::did_you_mean;
use crate::pack::shown;
use crate::schema::draft::Draft;
use crate::schema::index::{CompositeIndex, DraftColumn, DraftIndex, IndexColumn};
use crate::schema::resource::{Field, Resource};
use crate::schema::types::Type;

const MAX_INDEXES: usize = 20;
const MAX_COLUMNS: usize = 6;
/// Bytes of a key that a B-tree of `PostgreSQL` takes, less what it adds itself.
const MAX_KEY: i64 = 2600;

impl Checker<'_> {
    /// The indexes of `resource`, which has all but them.
    pub(super) fn indexes(&mut self, draft: &Draft, resource: &Resource) -> Vec<CompositeIndex> {
        if let Some(index) = draft.indexes.get(MAX_INDEXES) {
            let message = format!("{} indexes are too many: at most {MAX_INDEXES}", draft.indexes.len());
            self.fault(&index.mark, message, "each makes every write slower: keep those that listings need");
        }
        let mut known: Vec<Vec<IndexColumn>> = resource.made_indexes();
        let mut indexes = Vec::new();
        for written in &draft.indexes {
            let Some(index) = self.index(draft, resource, written) else { continue };
            let ordered = index.ordered();
            if known.iter().any(|other| is_one(other, &ordered)) {
                let message = format!("the index \"{}\" is there already", written.text());
                self.fault(&written.mark, message, "an index is read from its end as well: leave one out");
                continue;
            }
            known.push(ordered);
            indexes.push(index);
        }
        indexes
    }

    fn index(&mut self, draft: &Draft, resource: &Resource, written: &DraftIndex) -> Option<CompositeIndex> {
        let text = written.text();
        let before = self.faults.0.len();
        let mut columns: Vec<IndexColumn> = Vec::new();
        let mut bytes = 0;
        for column in &written.columns {
            if columns.last().is_some_and(|last| last.name == "id") {
                let message = format!("the index \"{text}\" has columns after \"id\", which is another in each row");
                self.fault(&column.name.mark, message, "`id` stands last");
                break;
            }
            let Some((name, width)) = self.index_column(draft, resource, &text, column) else { continue };
            if columns.iter().any(|other| other.name == name) {
                let message = format!("the index \"{text}\" has \"{}\" twice", column.name.value);
                self.fault(&column.name.mark, message, "leave one out");
                continue;
            }
            bytes += width;
            columns.push(IndexColumn { name, descending: column.descending });
        }
        let message = match written.columns.len() {
            ..2 => Some(("has one column", "an index of one field is its `:index`".to_owned())),
            count if count > MAX_COLUMNS => Some(("has too many columns", format!("at most {MAX_COLUMNS}"))),
            _ if bytes > MAX_KEY => {
                let help =
                    format!("at most {MAX_KEY} bytes together, four a character: give its strings shorter bounds");
                Some(("is longer than what PostgreSQL takes", help))
            }
            _ => None,
        };
        if let Some((what, help)) = message {
            self.fault(&written.mark, format!("the index \"{text}\" {what}"), help);
        }
        (self.faults.0.len() == before).then_some(CompositeIndex { columns })
    }

    /// The field, or the column that every resource has, and the bytes of its longest value.
    fn index_column(
        &mut self,
        draft: &Draft,
        resource: &Resource,
        text: &str,
        column: &DraftColumn,
    ) -> Option<(String, i64)> {
        let name = &column.name.value;
        let own = &OWN_COLUMNS[..3];
        if own.contains(&name.as_str()) {
            return Some((name.clone(), 16));
        }
        let fields = &resource.fields;
        let Some(field) = fields.iter().find(|field| field.name == *name).or_else(|| by_column(fields, name)) else {
            // One that could not be read has its fault already.
            if draft.broken || draft.fields.iter().any(|field| field.name.value == *name) {
                return None;
            }
            let was = |field: &&Field| field.was.as_ref() == Some(name);
            let names = fields.iter().map(|field| field.name.as_str()).chain(own.iter().copied());
            let (near, help) = match fields.iter().find(was) {
                Some(field) => (String::new(), format!("\"{name}\" is called \"{}\" now", field.name)),
                None => (
                    did_you_mean(name, names.clone()),
                    format!("its columns are {}", names.collect::<Vec<_>>().join(", ")),
                ),
            };
            let message = format!(
                "the index \"{text}\" needs \"{}\", and \"{}\" has no such field{near}",
                shown(name),
                resource.name
            );
            self.fault(&column.name.mark, message, help);
            return None;
        };
        if let Some(why) = field.kind.unindexable() {
            self.fault(&column.name.mark, format!("the field \"{}\" cannot have an index", field.name), why);
            return None;
        }
        Some((field.name.clone(), width(&field.kind)))
    }
}

/// A reference by the name of its column.
fn by_column<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields.iter().find(|field| field.column() == name)
}

/// Bytes of the longest value.
fn width(kind: &Type) -> i64 {
    match kind {
        Type::Enum(values) => values.iter().map(|value| i64::try_from(value.len()).unwrap_or(0)).max().unwrap_or(0),
        // Its characters are those of ASCII.
        Type::Url => kind.length().map_or(0, |(_, most)| most),
        _ => kind.length().map_or(16, |(_, most)| 4 * most),
    }
}

/// Whether two indexes answer the same listings: the one is read from its end where all directions are turned.
fn is_one(one: &[IndexColumn], other: &[IndexColumn]) -> bool {
    let turned = |columns: &[IndexColumn]| -> Vec<IndexColumn> {
        columns.iter().map(|column| IndexColumn { descending: !column.descending, ..column.clone() }).collect()
    };
    one == other || turned(one) == other
}
