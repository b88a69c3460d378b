//! Whether rendered repositories have what proves the practices that their layers claim.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use glob::Pattern;
use serde_json::Value;
use syn::{Attribute, Item};
use tera::Context;

use super::parts::is_rendered;
use super::rows::Row;
use crate::evolve::merge::Syntax;
use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::{Evidence, Expected, Pack, Proof};
use crate::render::{Tree, TreeFile, context_of};
use crate::template::render_text;

/// Reads files once, though many services have them.
#[derive(Debug, Default)]
pub struct Proofs {
    /// Tests by name, of the content of a file of Rust, and whether they are ignored.
    tests: HashMap<Vec<u8>, BTreeMap<String, bool>>,
}

/// What matches a path of evidence.
type EvidenceFiles<'a> = Vec<(&'a str, &'a TreeFile)>;

impl Proofs {
    /// Claims that one service contradicts.
    pub fn faults(&mut self, pack: &Pack, row: &Row, tree: &Tree) -> Faults {
        let mut faults = Faults::default();
        let context = context_of(&row.blueprint, pack);
        let is_in = |name: &String| tree.layers.contains(name);
        for layer in pack.layers.iter().filter(|layer| is_in(&layer.name) && is_rendered(layer, row)) {
            for claim in &layer.claims {
                match claim.when.as_ref().map_or(Ok(true), |when| when.holds(&context)) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(fault) => {
                        faults.push(fault);
                        continue;
                    }
                }
                for evidence in &claim.evidence {
                    if let Err(why) = self.prove(evidence, pack, &context, tree) {
                        let message = format!("the practice \"{}\" is claimed, and {why}", claim.id);
                        let help = "claim it where it holds (`when`), or name what proves it";
                        faults.push(Fault::at(evidence.place.clone(), message).help(help));
                    }
                }
            }
        }
        faults
    }

    /// What is there instead, where something contradicts the evidence.
    fn prove(&mut self, evidence: &Evidence, pack: &Pack, context: &Context, tree: &Tree) -> Result<(), String> {
        let delimiters = &pack.manifest.delimiters;
        let path = render_text(delimiters, &evidence.path, context)?;
        let glob = Pattern::new(&path).map_err(|error| format!("\"{path}\" is no pattern: {error}"))?;
        let files: EvidenceFiles =
            tree.iter().map(|(path, file)| (path.as_str(), file)).filter(|(path, _)| glob.matches(path)).collect();
        if files.is_empty() {
            let near = did_you_mean(&path, tree.iter().map(|(path, _)| path.as_str()));
            return Err(format!("there is no file \"{path}\"{near}"));
        }
        match &evidence.proof {
            Proof::File => Ok(()),
            Proof::Test(name) => self.test(name, &path, &files),
            Proof::Value(pointer, expected) => {
                let pointer = render_text(delimiters, pointer, context)?;
                value(&pointer, expected, &path, &files)
            }
        }
    }

    fn test(&mut self, name: &str, path: &str, files: &EvidenceFiles) -> Result<(), String> {
        let glob = Pattern::new(name).map_err(|error| format!("\"{name}\" is no pattern: {error}"))?;
        let mut known = Vec::new();
        for (path, file) in files {
            if Path::new(path).extension().is_none_or(|ending| ending != "rs") {
                // How another language declares a test is not known here.
                if words(&String::from_utf8_lossy(&file.content)).any(|word| glob.matches(word)) {
                    return Ok(());
                }
                continue;
            }
            let tests = self.tests.entry(file.content.clone()).or_insert_with(|| tests_of(&file.content));
            match tests.iter().find(|(name, _)| glob.matches(name)) {
                Some((_, false)) => return Ok(()),
                Some((name, true)) => return Err(format!("the test \"{name}\" in {path} is ignored")),
                None => known.extend(tests.keys().cloned()),
            }
        }
        let near = did_you_mean(name, known.iter().map(String::as_str));
        Err(format!("{path} has no test \"{name}\"{near}"))
    }
}

/// Holds the values at `pointer` against what is expected of them.
fn value(pointer: &str, expected: &Expected, path: &str, files: &EvidenceFiles) -> Result<(), String> {
    let nothing = |path: &str, at: &str| format!("{path} has nothing at {at}");
    let json = |value: &toml::Value| serde_json::to_value(value).unwrap_or_default();
    let mut is_there = false;
    for (path, file) in files {
        let text = String::from_utf8_lossy(&file.content);
        let documents = Syntax::of(path).and_then(|syntax| syntax.documents(&text));
        for document in documents.iter().flatten() {
            let mut found = Vec::new();
            find(document, pointer.trim_start_matches('/'), String::new(), false, &mut found);
            for (at, value) in found {
                let value = value.ok_or_else(|| nothing(path, &at))?;
                is_there = true;
                match expected {
                    Expected::Is(expected) if *value != json(expected) => {
                        return Err(format!("{at} of {path} is {value}, not {}", json(expected)));
                    }
                    Expected::Not(expected) if *value == json(expected) => {
                        return Err(format!("{at} of {path} is {value}"));
                    }
                    _ => {}
                }
            }
        }
    }
    if is_there { Ok(()) } else { Err(nothing(path, pointer)) }
}

/// What a pointer leads to. After a `*`, each element must have the rest: none where it has not.
fn find<'v>(value: &'v Value, pointer: &str, at: String, each: bool, found: &mut Vec<(String, Option<&'v Value>)>) {
    if pointer.is_empty() {
        found.push((at, Some(value)));
        return;
    }
    let (step, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
    let key = step.replace("~1", "/").replace("~0", "~");
    let inside: Vec<(String, Option<&Value>)> = match value {
        Value::Array(items) if step == "*" => {
            items.iter().enumerate().map(|(number, item)| (number.to_string(), Some(item))).collect()
        }
        Value::Object(members) if step == "*" => {
            members.iter().map(|(name, member)| (name.clone(), Some(member))).collect()
        }
        Value::Array(items) => vec![(key.clone(), key.parse().ok().and_then(|number: usize| items.get(number)))],
        Value::Object(members) => vec![(key.clone(), members.get(&key))],
        _ => vec![(key, None)],
    };
    for (step_taken, inside) in inside {
        let at = format!("{at}/{step_taken}");
        match inside {
            Some(inside) => find(inside, rest, at, each || step == "*", found),
            None if each => found.push((at, None)),
            None => {}
        }
    }
}

/// Names of the tests of a file of Rust, and whether they are ignored.
fn tests_of(content: &[u8]) -> BTreeMap<String, bool> {
    fn collect(items: &[Item], tests: &mut BTreeMap<String, bool>) {
        for item in items {
            match item {
                Item::Fn(function) if has(&function.attrs, "test") => {
                    tests.insert(function.sig.ident.to_string(), has(&function.attrs, "ignore"));
                }
                Item::Mod(module) => {
                    module.content.iter().for_each(|(_, items)| collect(items, tests));
                }
                _ => {}
            }
        }
    }
    let mut tests = BTreeMap::new();
    // What does not parse is a finding by itself.
    if let Ok(file) = syn::parse_file(&String::from_utf8_lossy(content)) {
        collect(&file.items, &mut tests);
    }
    tests
}

/// Whether there is such an attribute: `#[test]`, `#[tokio::test(…)]`.
fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.path().segments.last().is_some_and(|last| last.ident == name))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}
