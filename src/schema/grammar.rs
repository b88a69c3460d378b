//! The grammar of resources: text → draft. `docs/resources.md` is its page.
//!
//! ```text
//! RESOURCE = NAME [plural=NAME] [was=NAME] [read=ACCESS] [write=ACCESS] [retain=DAYS] [index=COLUMNS]… FIELD…
//! FIELD    = NAME:TYPE[?][=DEFAULT][:MODIFIER]…   unique, index, private, doc="SENTENCE", was=NAME
//! TYPE     = WORD[(ARGUMENTS)]                    string(1..200), decimal(12,2), enum(a,b:was=c), ref(user)
//! COLUMNS  = [-]NAME,[-]NAME…                     - before a descending one
//! ACCESS   = public | signed-in | owner | admin
//! DAYS     = 365d
//! DEFAULT  = WORD | "TEXT"                        quotes where it holds a space, a colon or a quote
//! ```

use std::ops::Range;

use super::arguments::form_of;
use super::check::OWN_COLUMNS;
use super::draft::{Draft, DraftField, Marked, RenamedChoice, Written};
use super::index::DraftIndex;
use super::types::{TABLE, Type, word_of};
use crate::fault::{Faults, did_you_mean};
use crate::pack::{check_plain, shown};

const FIELD: &str = "a field is NAME:TYPE, as in `note:text?` or `status:enum(draft,paid)=draft:index`";
/// What a resource may say of itself, before its fields or among them.
pub const HEAD: [&str; 6] = ["plural=", "was=", "read=", "write=", "retain=", "index="];

const MODIFIERS: [&str; 5] = ["unique", "index", "private", "doc", "was"];

/// What may stand after `=`, for faults.
struct DefaultForm {
    what: &'static str,
    empty: &'static str,
    example: &'static str,
}

const DEFAULT: DefaultForm =
    DefaultForm { what: "a default", empty: "an empty text is \"\"", example: "as in `note:text=\"a b\"`" };
const DOC: DefaultForm = DefaultForm {
    what: "a sentence",
    empty: "as in `note:text:doc=\"For the courier.\"`",
    example: "as in `note:text:doc=\"For the courier.\"`",
};

/// Reads a whole resource; None where there is not even a name.
pub(super) fn resource(written: &Written, faults: &mut Faults) -> Option<Draft> {
    let mut reader = Reader { written, at: 0, renamed_choices: Vec::new(), faults };
    if !reader.plain() {
        return None;
    }
    reader.space();
    let name = reader.word_until(char::is_whitespace);
    if name.is_empty() {
        reader.fault(name, "a resource begins with its name", "as in: --resource 'order note:text?'");
        return None;
    }
    let text = &written.text[name.clone()];
    if let Some(colon) = text.find(':') {
        let place = name.start..name.start + colon;
        reader.fault(place, "a resource begins with its name, and this is a field", "as in: 'order note:text?'");
        return None;
    }
    let mut draft = Draft {
        name: reader.marked(name),
        plural: None,
        was: None,
        read: None,
        write: None,
        retain: None,
        fields: Vec::new(),
        indexes: Vec::new(),
        broken: false,
        own: &OWN_COLUMNS,
    };
    reader.space();
    while !reader.ended() {
        let word = HEAD.into_iter().find(|word| reader.rest().starts_with(word));
        if let Some(word) = word {
            reader.at += word.len();
            let said = reader.word_until(char::is_whitespace);
            match word {
                "plural=" => draft.plural = Some(reader.marked(said)),
                "was=" => draft.was = Some(reader.marked(said)),
                "read=" => draft.read = Some(reader.marked(said)),
                "write=" => draft.write = Some(reader.marked(said)),
                "retain=" => draft.retain = Some(reader.marked(said)),
                _ => draft.indexes.extend(reader.index(said)),
            }
        } else {
            match reader.field() {
                Some(field) => draft.fields.push(field),
                None => draft.broken = true,
            }
        }
        reader.space();
    }
    Some(draft)
}

/// Reads a text that is one field.
pub(super) fn only_field(written: &Written, faults: &mut Faults) -> Option<DraftField> {
    let mut reader = Reader { written, at: 0, renamed_choices: Vec::new(), faults };
    if !reader.plain() {
        return None;
    }
    reader.space();
    let field = reader.field();
    reader.space();
    if !reader.ended() {
        let rest = reader.at..written.text.len();
        reader.fault(rest, "one field is expected, and here begins another", "give each a text of its own");
    }
    field
}

/// Reads a text that is one index.
pub(super) fn only_index(written: &Written, faults: &mut Faults) -> Option<DraftIndex> {
    let mut reader = Reader { written, at: 0, renamed_choices: Vec::new(), faults };
    if reader.plain() { reader.index(0..written.text.len()) } else { None }
}

impl Type {
    /// Reads what its `Display` wrote; none where the grammar has no such type.
    pub fn read(text: &str) -> Option<Self> {
        let mut faults = Faults::default();
        let field = only_field(&Written::flag(1, &format!("of:{text}")), &mut faults)?;
        faults.is_empty().then_some(field.kind?.value)
    }
}

pub(super) struct Reader<'a, 'f> {
    pub(super) written: &'a Written<'a>,
    at: usize,
    /// Of the field that is being read.
    pub(super) renamed_choices: Vec<RenamedChoice>,
    pub(super) faults: &'f mut Faults,
}

impl<'a> Reader<'a, '_> {
    /// `NAME:TYPE[?][=DEFAULT][:MODIFIER]…`. After a fault, the next field begins at the next space.
    fn field(&mut self) -> Option<DraftField> {
        let start = self.at;
        let name = self.word_until(|c| c.is_whitespace() || ":(?=\"".contains(c));
        if name.is_empty() || !self.eat(':') {
            self.skip();
            let whole = start..if name.is_empty() { self.at } else { name.end };
            let text = shown(&self.written.text[whole.clone()]);
            let message = if name.is_empty() {
                format!("\"{text}\" is no field: it has no name")
            } else {
                format!("the field \"{text}\" has no type")
            };
            self.fault(whole, message, FIELD);
            return None;
        }
        let name = self.marked(name);
        let before = self.faults.0.len();
        let start = self.at;
        let (kind, arguments) = self.kind();
        let whole = start..self.at;
        let arguments = arguments.unwrap_or_else(|| whole.clone());
        let mut field = DraftField {
            name,
            kind: kind.map(|value| Marked { value, mark: self.written.mark(whole.start, whole.end) }),
            arguments: self.written.mark(arguments.start, arguments.end),
            nullable: false,
            default: None,
            unique: None,
            index: None,
            private: false,
            doc: None,
            was: None,
            renamed_choices: std::mem::take(&mut self.renamed_choices),
        };
        field.nullable = self.eat('?');
        if self.eat('=') {
            field.default = self.value(&DEFAULT);
        }
        while self.eat(':') {
            self.modifier(&mut field);
        }
        if !self.ended() && !self.rest().starts_with(char::is_whitespace) {
            let start = self.at;
            self.skip();
            // One word on a broken field is enough.
            if self.faults.0.len() == before {
                self.leftover(start..self.at);
            }
        }
        Some(field)
    }

    fn leftover(&mut self, rest: Range<usize>) {
        let text = &self.written.text[rest.clone()];
        let help = match text.chars().next() {
            Some('?') => "`?` stands right after the type: note:text?=none",
            Some('=') => "a default stands before the words after it: status:enum(draft,paid)=draft:index",
            Some('"') => "quotes stand around a whole default: note:text=\"a b\"",
            _ => FIELD,
        };
        self.fault(rest, format!("`{}` cannot stand here", shown(text)), help);
    }

    /// The type, and what stands between its brackets.
    fn kind(&mut self) -> (Option<Type>, Option<Range<usize>>) {
        let word = self.word_until(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
        let name = &self.written.text[word.clone()];
        let arguments = if self.eat('(') {
            let start = self.at;
            let Some(length) = self.rest().find(')') else {
                self.at = self.written.text.len();
                self.fault(start - 1..start, "this bracket is not closed", format!("as in `{}`", form_of(name)));
                return (None, None);
            };
            self.at += length + 1;
            Some(start..start + length)
        } else {
            None
        };
        let Some(facts) = TABLE.iter().find(|facts| facts.word == name) else {
            let words = || TABLE.iter().map(|facts| facts.word);
            let message = if name.is_empty() {
                "a type is expected here".to_owned()
            } else {
                let near = word_of(name)
                    .map_or_else(|| did_you_mean(name, words()), |word| format!(" (did you mean \"{word}\"?)"));
                format!("unknown type \"{name}\"{near}")
            };
            let help = format!("the types are {}", words().collect::<Vec<_>>().join(", "));
            self.fault(word, message, help);
            return (None, arguments);
        };
        let kind = self.typed(facts.word, word, arguments.clone());
        (kind, arguments)
    }

    /// What stands after `=`: a word, or a text in quotes with `\"` and `\\`.
    fn value(&mut self, of: &DefaultForm) -> Option<Marked<String>> {
        let start = self.at;
        if !self.eat('"') {
            let word = self.word_until(|c| c.is_whitespace() || c == ':' || c == '"');
            if word.is_empty() {
                self.fault(word, format!("{} is expected after `=`", of.what), of.empty);
                return None;
            }
            if self.written.text[word.clone()].starts_with('\'') {
                self.fault(word, format!("{} stands in double quotes, or in none", of.what), of.example);
                return None;
            }
            return Some(self.marked(word));
        }
        let mut value = String::new();
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices() {
            match c {
                '"' if !escaped => {
                    self.at += offset + 1;
                    return Some(Marked { value, mark: self.written.mark(start, self.at) });
                }
                '\\' if !escaped => escaped = true,
                _ => {
                    if escaped && c != '"' && c != '\\' {
                        value.push('\\');
                    }
                    value.push(c);
                    escaped = false;
                }
            }
        }
        self.at = self.written.text.len();
        self.fault(start..start + 1, "this quote is not closed", of.example);
        None
    }

    fn modifier(&mut self, field: &mut DraftField) {
        let word = self.word_until(|c| c.is_whitespace() || ":=?(\"".contains(c));
        let mark = self.written.mark(word.start, word.end);
        let text = &self.written.text[word.clone()];
        let twice = match text {
            "unique" => field.unique.replace(mark).is_some(),
            "index" => field.index.replace(mark).is_some(),
            "private" => std::mem::replace(&mut field.private, true),
            "doc" => {
                if !self.eat('=') {
                    self.fault(word, "a sentence is expected after `doc`", DOC.example);
                    return;
                }
                let Some(doc) = self.value(&DOC) else { return };
                field.doc.replace(doc).is_some()
            }
            "was" => {
                if !self.eat('=') {
                    self.fault(word, "a name is expected after `was`", "as in `full_name:string:was=name`");
                    return;
                }
                let name = self.word_until(|c| c.is_whitespace() || c == ':');
                let name = self.marked(name);
                field.was.replace(name).is_some()
            }
            _ => {
                let near = did_you_mean(text, MODIFIERS);
                let message = format!("\"{}\" says nothing of a field{near}", shown(text));
                let help = "after the type: :unique, :index, :private, :doc=\"…\", :was=NAME; a default with a colon stands in quotes";
                self.fault(word, message, help);
                return;
            }
        };
        if twice {
            self.fault(word, format!("`{text}` stands twice"), "leave one out");
        }
    }

    /// Control characters would reach generated files and the terminal; spaces of any kind are none here.
    fn plain(&mut self) -> bool {
        for (at, c) in self.written.text.char_indices() {
            if c.is_ascii_whitespace() {
                continue;
            }
            if let Err(why) = check_plain(c.encode_utf8(&mut [0; 4])) {
                self.faults.push(self.written.bare_mark(at).fault(why, "take it out"));
                return false;
            }
        }
        true
    }

    pub(super) fn fault(&mut self, range: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(self.written.mark(range.start, range.end).fault(message, help));
    }

    pub(super) fn marked(&self, range: Range<usize>) -> Marked<String> {
        let mark = self.written.mark(range.start, range.end);
        Marked { value: self.written.text[range].to_owned(), mark }
    }

    fn rest(&self) -> &'a str {
        &self.written.text[self.at..]
    }

    fn ended(&self) -> bool {
        self.at >= self.written.text.len()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn word_until(&mut self, end: impl FnMut(char) -> bool) -> Range<usize> {
        let start = self.at;
        self.at += self.rest().find(end).unwrap_or(self.rest().len());
        start..self.at
    }

    /// To the next space that is in no bracket.
    fn skip(&mut self) {
        let mut open = false;
        self.word_until(|c| {
            open = (open || c == '(') && c != ')';
            c.is_whitespace() && !open
        });
    }
}
