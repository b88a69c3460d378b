//! `[name-rules]` of pack.toml: what a service may be called.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use regex::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::question::{check_plain, regex, shown};
use super::text::Text;
use crate::fault::{Fault, Faults};

/// What a service may be called.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameForm {
    /// A regular expression that the name matches.
    pattern: Option<Spanned<String>>,
    /// The pattern in words, for who is refused.
    #[serde(default)]
    help: Option<String>,
    /// The longest name, in characters; 64 where not said.
    #[serde(default)]
    max: Option<usize>,
    /// Names that are refused. Those of packages that the lock file may hold are, too.
    #[serde(default)]
    reserved: Vec<String>,
    /// Why they are.
    #[serde(default)]
    reserved_help: Option<String>,
}

/// What a service may be called.
#[derive(Debug, Clone)]
pub struct NameRules {
    pattern: Regex,
    help: String,
    max: usize,
    reserved: Vec<String>,
    reserved_help: String,
    /// The superset and the fragments of the lock file, and the packages in them, which a generated repository may
    /// depend on; read when a name is checked. `-` and `_` are one in Rust.
    locks: Vec<Text>,
    dependencies: OnceLock<BTreeSet<String>>,
}

/// Device names of Windows, with or without an ending: a folder so named cannot be checked out there.
pub const DEVICE_NAMES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

impl Default for NameRules {
    fn default() -> Self {
        Self {
            pattern: Regex::new("^[A-Za-z][A-Za-z0-9_-]*$").expect("a literal pattern"),
            help: "letters, digits, - and _, beginning with a letter".into(),
            max: 64,
            reserved: Vec::new(),
            reserved_help: "it is reserved".into(),
            locks: Vec::new(),
            dependencies: OnceLock::new(),
        }
    }
}

impl NameRules {
    /// What is given stands for what was there; reserved names join.
    pub(super) fn join(&mut self, form: NameForm, text: &Text, faults: &mut Faults) {
        if let Some(pattern) = form.pattern.and_then(|pattern| regex(&pattern, text, faults)) {
            self.pattern = pattern;
        }
        self.reserved.extend(form.reserved);
        self.max = form.max.unwrap_or(self.max);
        for (there, given) in [(&mut self.help, form.help), (&mut self.reserved_help, form.reserved_help)] {
            *there = given.unwrap_or(std::mem::take(there));
        }
    }

    /// Refuses further names.
    pub(super) fn reserve(&mut self, names: &[String]) {
        self.reserved.extend(names.iter().cloned());
    }

    /// Whether a service may be called `name`; if not: why, and what would do.
    pub fn check(&self, name: &str) -> Result<(), Fault> {
        let refuse = |why: String| {
            let fault = Fault::new(format!("the name \"{}\" cannot be used: {why}", shown(name)));
            match self.suggest(name) {
                Some(other) => fault.help(format!("`--name {other}` would do")),
                None => fault.help("give another with --name"),
            }
        };
        if name.is_empty() {
            return Err(refuse("it is empty".into()));
        }
        check_plain(name).map_err(refuse)?;
        if name.chars().count() > self.max {
            return Err(refuse(format!("it is longer than {} characters", self.max)));
        }
        if !self.pattern.is_match(name) {
            return Err(refuse(format!("it must be {}", self.help)));
        }
        if self.reserved.iter().any(|reserved| reserved == name) {
            return Err(refuse(self.reserved_help.clone()));
        }
        if self.depends_on(name) {
            return Err(refuse("the service depends on a package of that name".into()));
        }
        if DEVICE_NAMES.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(refuse("it is a device name on Windows".into()));
        }
        Ok(())
    }

    /// Refuses from now on the names of the packages in a superset or a fragment.
    pub(super) fn keep_apart(&mut self, lock: Text) {
        self.locks.push(lock);
        self.dependencies = OnceLock::new();
    }

    fn depends_on(&self, name: &str) -> bool {
        let read = || self.locks.par_iter().flat_map_iter(|lock| packages(&lock.content)).collect();
        self.dependencies.get_or_init(read).contains(&name.replace('-', "_"))
    }

    fn suggest(&self, name: &str) -> Option<String> {
        use heck::ToKebabCase as _;
        let kebab: String = name.to_kebab_case().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let trimmed = kebab.trim_matches('-');
        let fits = |candidate: &str| {
            candidate.len() <= self.max
                && self.pattern.is_match(candidate)
                && !self.reserved.iter().any(|reserved| reserved == candidate)
                && !self.depends_on(candidate)
                && !DEVICE_NAMES.contains(&candidate)
        };
        [trimmed.to_owned(), format!("{trimmed}-service")]
            .into_iter()
            .find(|candidate| candidate != name && fits(candidate))
    }
}

/// The packages of a lock file of cargo's, where the one without a source is not meant; and those of a superset, a line
/// each: `NAME VERSION CHECKSUM`.
fn packages(lock: &str) -> impl Iterator<Item = String> {
    let of_cargo = lock.split("[[package]]").filter(|package| package.contains("\nsource = "));
    let of_cargo = of_cargo
        .filter_map(|package| package.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')));
    let of_superset = lock.lines().filter_map(|line| line.split_once(' '));
    let of_superset = of_superset.filter(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    of_cargo.chain(of_superset.map(|(name, _)| name)).map(|name| name.replace('-', "_"))
}
