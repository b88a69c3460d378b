//! Slots: places in a file where other layers add lines.
//!
//! Before a template is parsed, a line that holds nothing but `{= slot("x") =}` becomes a mark of
//! private-use characters, which no answer can hold; after rendering, the mark's line becomes the
//! contributions, indented to its column, or goes away.

use std::collections::BTreeMap;

use memchr::memmem;

use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::{Manifest, Text};

const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

/// How a slot begins, between the marks of a value.
const SLOT: &str = "slot(\"";

/// What one layer adds to a slot.
#[derive(Debug)]
pub struct Lines {
    pub order: i32,
    pub layer: String,
    pub text: String,
}

/// Lines for slots, by slot.
#[derive(Debug, Default)]
pub struct Contributions {
    lines: BTreeMap<String, Vec<Lines>>,
}

impl Contributions {
    pub fn add(&mut self, slot: &str, lines: Lines) {
        self.lines.entry(slot.to_owned()).or_default().push(lines);
    }

    /// To be called once, when every contribution is in. Ties keep the order of the items of one layer.
    pub fn sort(&mut self) {
        for lines in self.lines.values_mut() {
            lines.sort_by(|a, b| (a.order, &a.layer).cmp(&(b.order, &b.layer)));
        }
    }

    /// Puts the contributions where the marks are; `met` are the slots of these.
    pub fn expand(&self, text: &str, met: &mut Vec<String>) -> String {
        if !text.contains(OPEN) {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let Some((indent, slot)) = parse_mark(line) else {
                out.push_str(line);
                continue;
            };
            met.push(slot.to_owned());
            for lines in self.lines.get(slot).into_iter().flatten() {
                for line in lines.text.trim_end().lines() {
                    if !line.trim().is_empty() {
                        out.push_str(indent);
                        out.push_str(line);
                    }
                    out.push('\n');
                }
            }
        }
        out
    }

    pub fn has_lines(&self, slot: &str) -> bool {
        self.lines.contains_key(slot)
    }

    /// Slots that have lines.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().map(String::as_str)
    }
}

/// `   OPENnameCLOSE` → indentation and name.
fn parse_mark(line: &str) -> Option<(&str, &str)> {
    let at = line.find(OPEN)?;
    let (indent, mark) = line.split_at(at);
    let slot = mark.trim_end().strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    indent.trim().is_empty().then_some((indent, slot))
}

/// Turns slot lines into marks. A slot that is not declared, or that another layer owns, is a fault.
pub fn mark(text: &Text, layer: &str, manifest: &Manifest, faults: &mut Faults) -> String {
    if !text.content.contains(OPEN) && memmem::find(text.content.as_bytes(), SLOT.as_bytes()).is_none() {
        return text.content.to_string();
    }
    let (open, close) = (&*manifest.delimiters.variable_start, &*manifest.delimiters.variable_end);
    let mut out = String::with_capacity(text.content.len());
    let mut offset = 0;
    for line in text.content.split_inclusive('\n') {
        let at = offset + line.len() - line.trim_start().len();
        offset += line.len();
        let Some(slot) = slot_name(line, open, close) else {
            if line.contains(OPEN) {
                faults.push(Fault::at(text.place(at), "a template may not hold U+E000"));
            } else if line.contains(SLOT) && line.contains(open) {
                faults.push(
                    Fault::at(text.place(at), "a slot stands alone on its line")
                        .help(format!("as in: {open} slot(\"name\") {close}")),
                );
            }
            out.push_str(line);
            continue;
        };
        match manifest.slots.get(slot) {
            Some(declared) if declared.owner == layer => {
                let indent = &line[..line.len() - line.trim_start().len()];
                out.push_str(indent);
                out.extend([OPEN]);
                out.push_str(slot);
                out.extend([CLOSE, '\n']);
            }
            Some(declared) => {
                let message = format!("the slot \"{slot}\" belongs to layer \"{}\"", declared.owner);
                faults.push(Fault::at(text.place(at), message).help("pack.toml says who owns a slot"));
            }
            None => {
                let near = did_you_mean(slot, manifest.slots.keys().map(String::as_str));
                faults.push(
                    Fault::at(text.place(at), format!("no slot \"{slot}\"{near}"))
                        .help("declare it in pack.toml, under [slots]"),
                );
            }
        }
    }
    out
}

fn slot_name<'a>(line: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let inside = line.trim().strip_prefix(open)?.strip_suffix(close)?.trim();
    inside.strip_prefix(SLOT)?.strip_suffix("\")")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(order: i32, layer: &str, text: &str) -> Lines {
        Lines { order, layer: layer.into(), text: text.into() }
    }

    #[test]
    fn contributions_are_ordered_indented_and_separate() {
        let mut all = Contributions::default();
        all.add("routes", lines(50, "b", "two()\n"));
        all.add("routes", lines(20, "z", "one()\n\n    .more()\n"));
        all.add("routes", lines(50, "a", "between()"));
        all.sort();
        let text = format!("x\n    {OPEN}routes{CLOSE}\ny\n  {OPEN}none{CLOSE}\nz\n");
        let mut met = Vec::new();
        let out = all.expand(&text, &mut met);
        assert_eq!(out, "x\n    one()\n\n        .more()\n    between()\n    two()\ny\nz\n");
        assert_eq!(met, ["routes", "none"]);
    }

    #[test]
    fn a_mark_in_a_contribution_is_not_expanded_again() {
        let mut all = Contributions::default();
        all.add("a", lines(1, "l", &format!("{OPEN}a{CLOSE}")));
        assert_eq!(all.expand(&format!("{OPEN}a{CLOSE}\n"), &mut Vec::new()), format!("{OPEN}a{CLOSE}\n"));
    }
}
