//! Texts of a TOML file in the grammar of resources: a fault in one points into the file.

use toml::Spanned;

use crate::pack::Text;
use crate::schema::{self, Draft, Drafts, Marked, Written};

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
        read: None,
        write: None,
        retain: None,
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
