//! Resources in a blueprint: `[[resource]]` of `service.toml`, read with places and written back.
//!
//! ```toml
//! [[resource]]
//! name = "person"
//! plural = "people"                                # left out where it is the one that would be made
//! fields = ["name:string(1..200)", "note:text?"]   # the grammar of `--resource`, a text a field
//! indexes = ["name,-created_at"]                   # over several columns
//! ```

use serde::Deserialize;
use toml::Spanned;
use toml_edit::{Array, ArrayOfTables, Item, Table, value};

use super::tables;
use crate::fault::Faults;
use crate::pack::{Pack, Text};
use crate::schema::{self, Draft, Drafts, Known, Marked, Resource, Surroundings, Written};

/// A resource: a table, and everything that serves it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceForm {
    /// Its name, in the singular: `order_item`.
    name: Spanned<String>,
    /// Its plural, which names the table, the module and the path; left out: made of the name.
    plural: Option<Spanned<String>>,
    /// Its name before, so that it is renamed with all that is in it.
    was: Option<Spanned<String>>,
    /// Its fields, a text each: NAME:TYPE, then `?` where it may be empty, `=DEFAULT`, `:unique`, `:index`,
    /// `:private`, `:doc="A sentence."`.
    fields: Vec<Spanned<String>>,
    /// Indexes over several columns, a text each: names of fields, `created_at`, `updated_at` or `id`, with `-` before a
    /// descending one, as in `"status,-created_at"`.
    #[serde(default)]
    indexes: Vec<Spanned<String>>,
}

/// What resources of this template's services must get along with.
pub fn surroundings(pack: &Pack) -> Surroundings {
    let mut tables: Vec<Known> = pack.layers.iter().flat_map(tables::known).collect();
    // One that two layers have, never both of them in, is one.
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    tables.dedup_by(|one, other| one.name == other.name);
    Surroundings { tables, rules: pack.manifest.resources.clone() }
}

/// Judges all resources, from wherever they came; all faults at once.
pub fn resources(drafts: Drafts, pack: &Pack) -> Result<Vec<Resource>, Faults> {
    let manifest = &pack.manifest;
    match schema::unwanted(&drafts, &format!("{} {}", manifest.name, manifest.version)) {
        Some(fault) if !pack.takes_resources() => Err(fault.into()),
        _ => schema::check(drafts, &surroundings(pack)),
    }
}

pub(super) fn read(forms: Vec<ResourceForm>, text: &Text) -> Drafts {
    let mut drafts = Drafts::default();
    for form in forms {
        let draft = draft(&form.name, form.plural.as_ref(), &form.fields, text, &mut drafts);
        let was = form.was.as_ref().map(|was| marked(was, text));
        let indexes = form.indexes.iter().filter_map(|index| drafts.index(&inside(text, index))).collect();
        drafts.push(Draft { was, indexes, ..draft });
    }
    drafts
}

/// One resource, or a table of a layer, of which each field is a text of its own.
pub(super) fn draft(
    name: &Spanned<String>,
    plural: Option<&Spanned<String>>,
    texts: &[Spanned<String>],
    text: &Text,
    drafts: &mut Drafts,
) -> Draft {
    let mut fields = Vec::new();
    let mut broken = false;
    for field in texts {
        match drafts.field(&inside(text, field)) {
            Some(field) => fields.push(field),
            None => broken = true,
        }
    }
    let plural = plural.map(|plural| marked(plural, text));
    Draft {
        name: marked(name, text),
        plural,
        was: None,
        fields,
        indexes: Vec::new(),
        broken,
        own: &schema::OWN_COLUMNS,
    }
}

pub(super) fn marked(name: &Spanned<String>, text: &Text) -> Marked<String> {
    let mark = inside(text, name).mark(0, name.get_ref().len());
    Marked { value: name.get_ref().clone(), mark }
}

/// A text of the file: faults point into it.
pub(super) fn inside<'a>(text: &'a Text, value: &'a Spanned<String>) -> Written<'a> {
    let raw = &text.content[value.span()];
    let start = value.span().start;
    Written::in_file(value.get_ref(), move |at| text.place(start + raw_offset(raw, value.get_ref(), at)))
}

/// Where byte `at` of a TOML text stands in its source, quotes and escapes counted (toml.io, "String").
fn raw_offset(raw: &str, decoded: &str, at: usize) -> usize {
    let quote = &raw[..raw.len().min(1)];
    let long = raw.starts_with(&quote.repeat(3)) && raw.len() >= 6;
    let mut offset = if long { 3 } else { 1 };
    if long {
        // The first line break is none of the text's.
        offset += line_break(&raw[offset..]);
    }
    let escapes = quote == "\"";
    for c in decoded[..at].chars() {
        if long && escapes {
            offset += joined(&raw[offset..]);
        }
        let rest = &raw[offset..];
        offset += match rest.as_bytes() {
            [b'\\', b'u', ..] if escapes => 6,
            [b'\\', b'U', ..] if escapes => 10,
            [b'\\', b'x', ..] if escapes => 4,
            [b'\\', ..] if escapes => 2,
            [b'\r', b'\n', ..] if c == '\n' => 2,
            _ => c.len_utf8(),
        };
    }
    if long && escapes {
        offset += joined(&raw[offset..]);
    }
    offset
}

/// The length of a line break that a text begins with.
fn line_break(text: &str) -> usize {
    if text.starts_with("\r\n") { 2 } else { usize::from(text.starts_with('\n')) }
}

/// The length of what a backslash at the end of a line takes away: it, and all space up to the next word.
fn joined(text: &str) -> usize {
    let mut rest = text;
    while let Some(after) =
        rest.strip_prefix('\\').filter(|after| line_break(after.trim_start_matches([' ', '\t'])) > 0)
    {
        rest = after.trim_start_matches([' ', '\t', '\r', '\n']);
    }
    text.len() - rest.len()
}

/// `[[resource]]`, in the order that they were given.
pub(super) fn write(resources: &[Resource]) -> Option<Item> {
    let mut tables = ArrayOfTables::new();
    for resource in resources {
        let mut table = table_of(resource);
        if tables.is_empty() {
            table.decor_mut().set_prefix(FIRST);
        }
        tables.push(table);
    }
    (!tables.is_empty()).then_some(Item::ArrayOfTables(tables))
}

/// What stands above the first `[[resource]]`.
pub(super) const FIRST: &str =
    "\n# Each field: NAME:TYPE, then ? (may be empty), =DEFAULT, :unique, :index, :private, :doc=\"…\"\n";

/// One `[[resource]]`.
pub(super) fn table_of(resource: &Resource) -> Table {
    let mut table = Table::new();
    table["name"] = value(&resource.name);
    if resource.irregular {
        table["plural"] = value(&resource.plural);
    }
    if let Some(was) = &resource.was {
        table["was"] = value(was);
    }
    let mut fields = Array::new();
    for field in &resource.fields {
        fields.push_formatted(toml_edit::Value::from(field.to_string()).decorated("\n    ", ""));
    }
    fields.set_trailing("\n");
    fields.set_trailing_comma(true);
    table["fields"] = value(fields);
    if !resource.indexes.is_empty() {
        table["indexes"] = value(resource.indexes.iter().map(ToString::to_string).collect::<Array>());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_inside_a_text_counts_quotes_and_escapes() {
        for (raw, decoded, at, offset) in [
            ("\"note:text\"", "note:text", 5, 6),
            ("'note:text'", "note:text", 5, 6),
            (r#""a:text=\"x\"""#, "a:text=\"x\"", 8, 10),
            (r#""\u00e9:text""#, "é:text", 2, 7),
            ("\"\"\"\na:text\"\"\"", "a:text", 2, 6),
            ("\"\"\"\r\na\\\r\n  é:text\"\"\"", "aé:text", 3, 13),
            ("\"\"\"a\\\n\n \\ \n:text\"\"\"", "a:text", 1, 11),
            ("\"\"", "", 0, 1),
        ] {
            assert_eq!(raw_offset(raw, decoded, at), offset, "{raw}");
        }
    }
}
