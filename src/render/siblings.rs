//! Lines that follow from the files beside a file: the modules of a Rust file, the resources of a kustomization.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::schema::rust_ident;

/// What stands in each folder of a repository: files, and folders that have a `mod.rs`.
#[derive(Debug, Default)]
pub struct Siblings {
    files: BTreeMap<String, BTreeSet<String>>,
    modules: BTreeMap<String, BTreeSet<String>>,
}

impl Siblings {
    pub fn of<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut siblings = Self::default();
        for path in paths {
            let (folder, name) = split(path);
            siblings.files.entry(folder.to_owned()).or_default().insert(name.to_owned());
            if name == "mod.rs" {
                let (above, module) = split(folder);
                siblings.modules.entry(above.to_owned()).or_default().insert(module.to_owned());
            } else if let Some(module) = name.strip_suffix(".rs").filter(|module| !ROOTS.contains(module)) {
                siblings.modules.entry(folder.to_owned()).or_default().insert(module.to_owned());
            }
        }
        siblings
    }

    /// `PREFIX NAME;` for each module that belongs to the Rust file at `path` and that its `text` does not declare.
    pub fn module_lines(&self, path: &str, prefix: &str, text: &str) -> Vec<String> {
        let (folder, name) = split(path);
        let stem = name.strip_suffix(".rs").unwrap_or(name);
        let folder = if ROOTS.contains(&stem) { folder.to_owned() } else { join(folder, stem) };
        let by_hand: BTreeSet<&str> =
            DECLARATION.captures_iter(text).filter_map(|one| Some(one.get(1)?.as_str())).collect();
        let modules = self.modules.get(&folder).into_iter().flatten();
        let new = modules.filter(|module| !by_hand.contains(module.as_str()));
        new.map(|module| format!("{prefix} {};", rust_ident(module))).collect()
    }

    /// `line` for each file beside the one at `path` that matches `pattern` and that its `text` does not name; `{}` is
    /// the file's name.
    pub fn file_lines(&self, path: &str, pattern: &glob::Pattern, line: &str, text: &str) -> Vec<String> {
        let (folder, own) = split(path);
        let files = self.files.get(folder).into_iter().flatten();
        let new = files.filter(|name| *name != own && pattern.matches(name) && !names(text, name));
        new.map(|name| line.replace("{}", name)).collect()
    }
}

/// Files of Rust whose modules stand beside them, and that are no modules of others.
const ROOTS: [&str; 3] = ["lib", "main", "mod"];

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// `mod NAME;` or `mod NAME {` in a Rust text.
static DECLARATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(?:r#)?(\w+)\s*[;{]").expect("a literal pattern")
});

/// Whether a text has the name of a file as a whole word.
fn names(text: &str, name: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let found = text.match_indices(name).map(|(at, _)| at);
    let mut whole = found.filter(|&at| !text[..at].ends_with(letter) && !text[at + name.len()..].starts_with(letter));
    whole.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn siblings() -> Siblings {
        let paths =
            ["src/lib.rs", "src/main.rs", "src/b.rs", "src/match.rs", "src/a/mod.rs", "src/a/x.rs", "src/b/y.rs"];
        Siblings::of(paths.into_iter())
    }

    #[test]
    fn modules_are_files_and_folders_with_a_mod_rs() {
        let lines = siblings().module_lines("src/lib.rs", "pub mod", "");
        assert_eq!(lines, ["pub mod a;", "pub mod b;", "pub mod r#match;"]);
        assert_eq!(siblings().module_lines("src/a/mod.rs", "mod", ""), ["mod x;"]);
        assert_eq!(siblings().module_lines("src/b.rs", "mod", ""), ["mod y;"]);
    }

    #[test]
    fn what_is_declared_by_hand_is_left_out() {
        let text = "#[cfg(test)]\npub(crate) mod a;\n// mod b;\nmod r#match {\n";
        assert_eq!(siblings().module_lines("src/lib.rs", "mod", text), ["mod b;"]);
    }

    #[test]
    fn files_are_listed_that_the_file_does_not_name() {
        let siblings =
            Siblings::of(["k/kustomization.yaml", "k/a.yaml", "k/b-a.yaml", "k/c.yaml", "k/x.env"].into_iter());
        let pattern = glob::Pattern::new("*.yaml").unwrap();
        let lines = siblings.file_lines(
            "k/kustomization.yaml",
            &pattern,
            "- {}",
            "patches:\n  - path: c.yaml\n  - path: b-a.yaml\n",
        );
        assert_eq!(lines, ["- a.yaml"]);
    }
}
