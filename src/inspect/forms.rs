//! Whether rendered files are of the form that their ending promises.

use std::collections::BTreeSet;
use std::path::Path;

use crate::evolve::merge::Syntax;
use crate::fault::{Fault, Faults, Place};
use crate::pack::{Pack, shown};
use crate::render::{Tree, TreeFile};

/// Reads files once, though many services have them.
#[derive(Debug, Default)]
pub struct Forms {
    seen: BTreeSet<(String, Vec<u8>)>,
    /// Files of the pack that are known to be broken: one fault each.
    broken: BTreeSet<String>,
}

impl Forms {
    /// Faults of files that were not seen before.
    pub fn faults(&mut self, tree: &Tree, pack: &Pack) -> Faults {
        let mut faults = Faults::default();
        for (path, file) in tree.iter() {
            let path = path.as_str();
            let skipped = pack.manifest.check.unparsed.iter().any(|glob| glob.matches(path));
            if skipped || self.broken.contains(&file.source) {
                continue;
            }
            let Some(check) = form_of(path, pack) else { continue };
            if self.seen.insert((path.to_owned(), file.content.clone()))
                && let Err(why) = check(&file.content)
            {
                self.broken.insert(file.source.clone());
                faults.push(fault(path, file, pack, &why));
            }
        }
        faults
    }
}

fn fault(path: &str, file: &TreeFile, pack: &Pack, why: &str) -> Fault {
    let place = Place::new(&file.source, 1, 1);
    let fault = Fault::at(place, format!("{path} would not parse: {}", why.lines().next().unwrap_or_default()));
    let open = pack.manifest.delimiters.variable_start.as_bytes();
    let rendered = Path::new(&file.source).extension().is_some_and(|ending| ending == "tera");
    if !rendered && file.content.windows(open.len()).any(|bytes| bytes == open) {
        return fault.help("it is copied, not rendered: a file with values in it has a name that ends in .tera");
    }
    fault.help("a value is escaped for its place by a filter: toml, yaml, json, rust_str, comment, …; what is no such file stands in `unparsed` under [check]")
}

type Check = Box<dyn Fn(&[u8]) -> Result<(), String>>;

fn form_of(path: &str, pack: &Pack) -> Option<Check> {
    // cargo's lock file is TOML by another ending.
    if pack.manifest.lock.as_ref().is_some_and(|lock| lock.path == path) {
        return Some(Box::new(|content| Syntax::Toml.check(content)));
    }
    if let Some(syntax) = Syntax::of(path) {
        return Some(Box::new(move |content| syntax.check(content)));
    }
    Path::new(path).extension().is_some_and(|ending| ending == "rs").then(|| Box::new(rust) as Check)
}

/// The grammar alone: names and types are a compiler's to judge.
fn rust(content: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(content).map_err(|error| error.to_string())?;
    syn::parse_file(text).map(drop).map_err(|error| {
        let line = error.span().start().line;
        let there = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        format!("line {line}: {error}: `{}`", shown(there.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_is_read_by_its_grammar() {
        rust(b"use x::Y;\nfn f() -> impl Fn() + use<'_> { let Some(a) = b else { return }; }\n").unwrap();
        let why = rust(b"fn f() {}\nfn \"x\"() {}\n").unwrap_err();
        assert!(why.starts_with("line 2: ") && why.contains("`fn \"x\"() {}`"), "{why}");
    }
}
