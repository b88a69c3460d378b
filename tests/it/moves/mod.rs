//! A template that moves its files: what a team wrote goes along, and what cannot go along is told.

mod faults;
mod files;
mod missed;
mod names;
mod splits;

use std::path::{Path, PathBuf};

use crate::support::{Run, Sandbox};

/// 2026-11-22T10:15:00Z.
const EPOCH: &str = "1795342500";

const EACH: &str = "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\n";

/// A version of a pack of one's own.
fn packed(sandbox: &Sandbox, version: &str, rest: &str, files: &[(&str, &str)]) -> PathBuf {
    let manifest = format!("name = \"small\"\nversion = \"{version}\"\nedition = 2\n{rest}");
    let files: Vec<(&str, &str)> = std::iter::once(("pack.toml", &*manifest)).chain(files.iter().copied()).collect();
    sandbox.pack(&files)
}

fn update<'a>(sandbox: &'a Sandbox, pack: &Path, line: &str) -> Run<'a> {
    sandbox.with(pack, &format!("update {line}")).in_folder("shop").env("SOURCE_DATE_EPOCH", EPOCH)
}

/// Ten lines with the name of a file in them.
fn lines(name: &str) -> String {
    (1..=10).map(|number| [name, " ", &number.to_string(), "\n"].concat()).collect()
}

fn with_resources<'a>(run: Run<'a>, resources: &[&str]) -> Run<'a> {
    resources.iter().fold(run, |run, spec| run.arg("--resource").arg(spec))
}

/// A repository of the pack, with what a team did to it.
fn shop(sandbox: &Sandbox, pack: &Path, resources: &[&str], edits: &[(&str, &str, &str)]) {
    with_resources(sandbox.with(pack, "shop"), resources).env("SOURCE_DATE_EPOCH", EPOCH).ok();
    for (path, before, after) in edits {
        let path = format!("shop/{path}");
        let text = sandbox.read(&path);
        assert!(text.contains(before), "{path} has no {before:?}");
        sandbox.write(&path, text.replacen(before, after, 1));
    }
    sandbox.commit("shop");
}

/// What is refused of a pack, by `new` and by `template check`.
fn refused(what: &str, files: &[(&str, &str)], words: &[&str]) {
    println!("{what}");
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(files);
    with_resources(sandbox.with(&pack, "shop"), &["order note:text", "item note:text"]).fails(1, words);
    let outcome = sandbox.run("template check").arg(&pack).finish();
    assert_eq!(outcome.code(), Some(4), "{outcome:?}");
    for word in words {
        assert!(format!("{}{}", outcome.out, outcome.err).contains(word), "{word:?} is not found: {outcome:?}");
    }
}
