//! Lines of a template that become several: slots, where other layers add lines, and lists that follow from the files
//! beside the one that is written.
//!
//! Before a template is parsed, a line that holds nothing but `{= slot("x") =}`, `{= modules("pub mod") =}` or
//! `{= listing("*.yaml", "- {}") =}` becomes a mark of private-use characters, which no answer can hold; after
//! rendering, the mark's line becomes the lines, indented to its column, or goes away.

use std::collections::BTreeMap;

use memchr::memmem;

use super::siblings::Siblings;
use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::{Pack, Text};

const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';
const SEPARATOR: char = '\u{E002}';

/// What a line may call, each with its arguments as a person writes them.
const CALLS: [(&str, &str); 3] =
    [("slot", "\"name\""), ("modules", "\"pub mod\""), ("listing", "\"*.yaml\", \"- {}\"")];

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

/// The marks of a text, with their lines put in.
#[derive(Debug, Default)]
pub struct Expanded {
    pub text: String,
    /// The slots that were met.
    pub slots: Vec<String>,
    /// Whether lines were put in, which no author of a template has seen together.
    pub composed: bool,
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

    /// Puts lines where the marks are, in the file at `path`.
    pub fn expand(&self, text: &str, path: &str, siblings: &Siblings) -> Expanded {
        if !text.contains(OPEN) {
            return Expanded { text: text.to_owned(), ..Expanded::default() };
        }
        let mut out = Expanded { text: String::with_capacity(text.len()), ..Expanded::default() };
        for line in text.split_inclusive('\n') {
            let Some((indent, call, arguments)) = parse_mark(line) else {
                out.text.push_str(line);
                continue;
            };
            let lines: Vec<String> = match (call, &arguments[..]) {
                ("slot", [slot]) => {
                    out.slots.push((*slot).to_owned());
                    let texts = self.lines.get(*slot).into_iter().flatten();
                    texts.flat_map(|lines| lines.text.trim_end().lines()).map(str::to_owned).collect()
                }
                ("modules", [prefix]) => siblings.module_lines(path, prefix, text),
                ("listing", [pattern, line]) => {
                    let pattern = glob::Pattern::new(pattern);
                    pattern.map_or_else(|_| Vec::new(), |pattern| siblings.file_lines(path, &pattern, line, text))
                }
                _ => Vec::new(),
            };
            out.composed |= !lines.is_empty();
            for line in lines {
                if !line.trim().is_empty() {
                    out.text.push_str(indent);
                    out.text.push_str(&line);
                }
                out.text.push('\n');
            }
        }
        out
    }

    /// Slots that have lines.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().map(String::as_str)
    }
}

/// `   OPENslot␟nameCLOSE` → indentation, call and arguments.
fn parse_mark(line: &str) -> Option<(&str, &str, Vec<&str>)> {
    let at = line.find(OPEN)?;
    let (indent, mark) = line.split_at(at);
    let mut parts = mark.trim_end().strip_prefix(OPEN)?.strip_suffix(CLOSE)?.split(SEPARATOR);
    let call = parts.next()?;
    indent.trim().is_empty().then(|| (indent, call, parts.collect()))
}

/// Turns such lines of a file of `layer` into marks. A slot that the layer has not declared is a fault.
pub fn mark(text: &Text, layer: &str, pack: &Pack, faults: &mut Faults) -> String {
    let content = text.content.as_bytes();
    let calls = || CALLS.iter().map(|(call, _)| format!("{call}(\""));
    if !text.content.contains(OPEN) && calls().all(|call| memmem::find(content, call.as_bytes()).is_none()) {
        return text.content.to_string();
    }
    let delimiters = &pack.manifest.delimiters;
    let (open, close) = (&*delimiters.variable_start, &*delimiters.variable_end);
    let mut out = String::with_capacity(text.content.len());
    let mut offset = 0;
    for line in text.content.split_inclusive('\n') {
        let at = offset + line.len() - line.trim_start().len();
        offset += line.len();
        let Some((call, mut arguments)) = parse_call(line, open, close) else {
            if line.contains(OPEN) {
                faults.push(Fault::at(text.place(at), "a template may not hold U+E000"));
            } else if line.contains(open)
                && let Some((call, arguments)) = CALLS.iter().find(|(call, _)| line.contains(&format!("{call}(\"")))
            {
                let fault = Fault::at(text.place(at), format!("`{call}` stands alone on its line"));
                faults.push(fault.help(format!("as in: {open} {call}({arguments}) {close}")));
            }
            out.push_str(line);
            continue;
        };
        let fault = match (call, &arguments[..]) {
            ("slot", [name]) => {
                let fault = check_slot(name, layer, pack);
                arguments = vec![format!("{layer}/{name}")];
                fault
            }
            ("modules", [_]) => None,
            ("listing", [pattern, _]) => glob::Pattern::new(pattern)
                .err()
                .map(|error| (format!("\"{pattern}\" is no file pattern: {error}"), "as in \"*.yaml\"".to_owned())),
            _ => {
                let arguments = CALLS.iter().find(|(name, _)| *name == call).map_or("", |(_, arguments)| arguments);
                Some((format!("`{call}` has other arguments"), format!("as in: {open} {call}({arguments}) {close}")))
            }
        };
        if let Some((message, help)) = fault {
            faults.push(Fault::at(text.place(at), message).help(help));
            continue;
        }
        out.push_str(&line[..line.len() - line.trim_start().len()]);
        out.push(OPEN);
        out.push_str(call);
        for argument in arguments {
            out.push(SEPARATOR);
            out.push_str(&argument);
        }
        out.extend([CLOSE, '\n']);
    }
    out
}

/// What is wrong with `slot("NAME")` in a file of `layer`, and what to do.
fn check_slot(name: &str, layer: &str, pack: &Pack) -> Option<(String, String)> {
    let own = pack.layer(layer).map(|layer| &layer.own_slots)?;
    if own.contains_key(name) {
        return None;
    }
    let declare = format!("declare it in layer.toml of \"{layer}\": [[slot]] with `name` and `purpose`");
    let owner = pack
        .slots
        .iter()
        .find(|(full, _)| full.rsplit_once('/').is_some_and(|(_, short)| short == name || full.as_str() == name));
    Some(match owner {
        Some((_, slot)) if slot.owner != layer => {
            (format!("the slot \"{name}\" belongs to layer \"{}\"", slot.owner), declare)
        }
        _ => (format!("no slot \"{name}\"{}", did_you_mean(name, own.keys().map(String::as_str))), declare),
    })
}

/// `{= slot("name") =}` → the call and its arguments.
fn parse_call<'a>(line: &'a str, open: &str, close: &str) -> Option<(&'a str, Vec<String>)> {
    let inside = line.trim().strip_prefix(open)?.strip_suffix(close)?.trim();
    let (call, rest) = inside.split_once('(')?;
    let mut rest = rest.strip_suffix(')')?.trim();
    if !CALLS.iter().any(|(name, _)| *name == call) {
        return None;
    }
    let mut arguments = Vec::new();
    loop {
        let (argument, after) = rest.strip_prefix('"')?.split_once('"')?;
        arguments.push(argument.to_owned());
        match after.trim_start().strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if after.trim().is_empty() => return Some((call, arguments)),
            None => return None,
        }
    }
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
        let text = format!("x\n    {OPEN}slot{SEPARATOR}routes{CLOSE}\ny\n  {OPEN}slot{SEPARATOR}none{CLOSE}\nz\n");
        let out = all.expand(&text, "x", &Siblings::default());
        assert_eq!(out.text, "x\n    one()\n\n        .more()\n    between()\n    two()\ny\nz\n");
        assert_eq!(out.slots, ["routes", "none"]);
        assert!(out.composed);
    }

    #[test]
    fn a_mark_in_a_contribution_is_not_expanded_again() {
        let mark = format!("{OPEN}slot{SEPARATOR}a{CLOSE}");
        let mut all = Contributions::default();
        all.add("a", lines(1, "l", &mark));
        let out = all.expand(&format!("{mark}\n"), "x", &Siblings::default());
        assert_eq!(out.text, format!("{mark}\n"));
    }

    #[test]
    fn a_call_has_texts_as_arguments() {
        let call = |line: &'static str| parse_call(line, "{{", "}}");
        assert_eq!(call("  {{ slot(\"a\") }}\n"), Some(("slot", vec!["a".to_owned()])));
        assert_eq!(
            call("{{ listing(\"*.y\", \"- {}\") }}"),
            Some(("listing", vec!["*.y".to_owned(), "- {}".to_owned()]))
        );
        for other in
            ["{{ name }}", "{{ slot(a) }}", "{{ slot(\"a\" | x) }}", "{{ range(\"a\") }}", "a {{ slot(\"a\") }}"]
        {
            assert_eq!(call(other), None, "{other}");
        }
    }
}
