//! `[[practice]]` of `layer.toml`: a practice that a layer delivers, and what proves it in the repository.

use serde::Deserialize;
use toml::Spanned;

use super::condition::Condition;
use super::text::Text;
use crate::fault::{Fault, Faults, Place, did_you_mean};
use crate::practices;

/// A practice that the layer delivers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PracticeForm {
    /// Its ID in the catalogue of practices.
    id: Spanned<String>,
    /// An expression over the answers: the practice is claimed where it holds. Left out: wherever the layer is in.
    when: Option<Spanned<String>>,
    /// What proves it in the repository, all of it: tests, files, and values in files.
    evidence: Spanned<Vec<Spanned<EvidenceForm>>>,
}

/// A test, a file, or a value in a file. Paths and pointers may hold values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceForm {
    /// A generated test, `PATH::NAME`; both may be globs.
    test: Option<Spanned<String>>,
    /// A file, by its path or a glob.
    file: Option<Spanned<String>>,
    /// A pointer (RFC 6901) to a value in a TOML, YAML or JSON file; `*` means every element. A glob must have
    /// a file with such a value.
    at: Option<Spanned<String>>,
    /// The value there, in every file that has one.
    is: Option<Spanned<toml::Value>>,
    /// A value that no file has there.
    not: Option<Spanned<toml::Value>>,
}

/// A practice that a layer delivers, and its evidence.
#[derive(Debug, Clone)]
pub struct Claim {
    pub id: String,
    pub when: Option<Condition>,
    pub evidence: Vec<Evidence>,
}

/// What must be in a repository for a claim to hold.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// A path, or a glob; it may hold values.
    pub path: String,
    pub proof: Proof,
    pub place: Place,
}

/// What proves a practice in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Proof {
    /// The file is there.
    File,
    /// A test of this name, or glob, is in it.
    Test(String),
    /// A value is at the pointer, which may hold values itself.
    Value(String, Expected),
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    Any,
    Is(toml::Value),
    Not(toml::Value),
}

/// The claims of one layer.
pub(super) fn claims(forms: Vec<PracticeForm>, names: &[&str], text: &Text, faults: &mut Faults) -> Vec<Claim> {
    let mut claims = Vec::new();
    for PracticeForm { id, when, evidence } in forms {
        if practices::find(id.get_ref()).is_none() {
            let near = did_you_mean(id.get_ref(), practices::all().iter().map(|practice| practice.id.as_str()));
            faults.push(Fault::at(text.place(id.span().start), format!("no practice \"{}\"{near}", id.get_ref())));
        }
        let when = when.and_then(|when| {
            let place = text.place(when.span().start);
            Condition::parse(when.get_ref(), place, names).map_err(|fault| faults.push(fault)).ok()
        });
        if evidence.get_ref().is_empty() {
            let fault = Fault::at(text.place(evidence.span().start), format!("nothing proves \"{}\"", id.get_ref()));
            faults.push(fault.help("name a test, a file, or a value in a file"));
        }
        let evidence = evidence.into_inner().into_iter().filter_map(|form| {
            let place = text.place(form.span().start);
            Evidence::new(form.into_inner(), place, text).map_err(|fault| faults.push(fault)).ok()
        });
        let evidence = evidence.collect();
        claims.push(Claim { id: id.into_inner(), when, evidence });
    }
    claims
}

impl Evidence {
    fn new(form: EvidenceForm, place: Place, text: &Text) -> Result<Self, Fault> {
        let EvidenceForm { test, file, at, is, not } = form;
        let at_file = |path: &Spanned<String>| text.place(path.span().start);
        match (test, file, at, is, not) {
            (Some(test), None, None, None, None) => {
                let Some((path, name)) = test.get_ref().rsplit_once("::") else {
                    let fault = Fault::at(at_file(&test), format!("\"{}\" names no test", test.get_ref()));
                    return Err(fault.help("a test is `PATH::NAME`, as in tests/it/health.rs::probes_are_fast"));
                };
                Ok(Self { path: path.to_owned(), proof: Proof::Test(name.to_owned()), place })
            }
            (None, Some(file), None, None, None) => Ok(Self { path: file.into_inner(), proof: Proof::File, place }),
            (None, Some(file), Some(at), is, not) => {
                if !at.get_ref().starts_with('/') {
                    let fault = Fault::at(at_file(&at), format!("\"{}\" is no pointer", at.get_ref()));
                    return Err(fault.help("a pointer begins with `/`, as in /spec/strategy/type"));
                }
                let expected = match (is, not) {
                    (None, None) => Expected::Any,
                    (Some(value), None) => Expected::Is(value.into_inner()),
                    (None, Some(value)) => Expected::Not(value.into_inner()),
                    (Some(_), Some(not)) => {
                        let fault = Fault::at(text.place(not.span().start), "`is` and `not` contradict each other");
                        return Err(fault.help("`is` alone says what the value must be"));
                    }
                };
                Ok(Self { path: file.into_inner(), proof: Proof::Value(at.into_inner(), expected), place })
            }
            _ => Err(Fault::at(place, "this is no evidence")
                .help("evidence is `test`, or `file`, or `file` and `at` with `is` or `not`")),
        }
    }
}
