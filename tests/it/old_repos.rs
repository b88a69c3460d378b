//! Repositories that earlier versions wrote, and that a team has worked on, come to today's template.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Sandbox, files_below};
use new_service::evolve::Lock;
use new_service::pack::{Pack, Policy, Source};

fn old_repos() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old-repos");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.is_dir()).collect()
}

/// A sandbox with an old repository in `shop`, committed.
fn restored(old: &Path) -> Sandbox {
    let sandbox = Sandbox::new();
    for (path, content) in files_below(old) {
        sandbox.write(&format!("shop/{path}"), content);
    }
    sandbox.git("shop", &["init", "--quiet"]);
    sandbox.commit("shop");
    sandbox
}

/// What the template made, but the record and what stays as it was first written.
fn of_the_template(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let lock = Lock::parse(std::str::from_utf8(&files[".new-service/lock"]).unwrap()).unwrap();
    let merged = lock.files.iter().filter(|(_, file)| matches!(file.policy, Policy::Merge | Policy::Lock));
    let held = merged.filter_map(|(path, _)| files.get_key_value(path.as_str()));
    held.map(|(path, content)| (path.clone(), content.clone())).collect()
}

/// The repository that today's template makes of the same answers.
fn fresh(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let fresh = Sandbox::new();
    fresh.write("service.toml", sandbox.read("shop/service.toml"));
    fresh.run("new shop --from service.toml --no-git").ok();
    of_the_template(&fresh.files("shop"))
}

/// Where a file of the template went, as `--json` tells it.
fn moved_to(told: &serde_json::Value, path: &str) -> String {
    let mut files = told["files"].as_array().unwrap().iter();
    let moved = files.find(|file| file["moved_from"] == path && file["action"] != "keep-deleted");
    moved.map_or(path, |file| file["path"].as_str().unwrap()).to_owned()
}

#[test]
fn each_comes_to_what_would_be_made_today() {
    assert!(!old_repos().is_empty());
    let today = Pack::load(&Source::default_pack()).unwrap();
    for old in old_repos() {
        let sandbox = restored(&old);
        let before = sandbox.files("shop");
        let lock = Lock::parse(&sandbox.read("shop/.new-service/lock")).unwrap();
        sandbox.run("diff").in_folder("shop").ends(if lock.digest == today.digest { 0 } else { 4 });
        let told = sandbox.run("update --json").in_folder("shop").ok().json();
        assert_eq!(told["conflicts"], 0, "{}", old.display());
        let after = sandbox.files("shop");
        let (updated, fresh) = (of_the_template(&after), fresh(&sandbox));
        assert_eq!(updated.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>(), "{}", old.display());
        for (path, content) in &fresh {
            assert!(updated[path] == *content, "{}: {path} is not as it would be made today", old.display());
        }
        for (path, _) in lock.files.iter().filter(|(_, file)| file.policy == Policy::Append) {
            let path = path.as_str();
            assert!(after.get(path) == Some(&before[path]), "{}: {path} was written once", old.display());
        }
        assert_eq!(told["destructive"], serde_json::json!([]), "{}", old.display());
        prefixes_tables_of_layers(&lock, &after, &told["notes"].to_string());
        let lock = Lock::parse(&sandbox.read("shop/.new-service/lock")).unwrap();
        assert_eq!(lock.digest, today.digest);
        sandbox.commit("shop");
        sandbox.run("update").in_folder("shop").ok().says(&["Nothing to do"]);
    }
}

/// Tables of layers have had no prefix before; a lock from before locks held the schema says nothing of it.
fn prefixes_tables_of_layers(before: &Lock, after: &BTreeMap<String, Vec<u8>>, notes: &str) {
    let had = |table: &str| before.schema.as_ref().is_some_and(|schema| schema.table(table).is_some());
    for (from, to) in [
        ("sessions", "auth_sessions"),
        ("refresh_tokens", "auth_refresh_tokens"),
        ("login_attempts", "auth_login_attempts"),
        ("idempotency_keys", "http_idempotency_keys"),
    ] {
        for way in ["up", "down"] {
            let ending = format!("_rename_{from}_to_{to}.{way}.sql");
            assert_eq!(after.keys().any(|path| path.ends_with(&ending)), had(from), "{ending}");
        }
        assert_eq!(notes.contains(&format!("{from} to {to}")), had(from), "{notes}");
    }
}

#[test]
fn a_team_keeps_its_work_and_meets_no_conflict_elsewhere() {
    for old in old_repos() {
        let sandbox = restored(&old);
        let edit = |path: &str, before: &str, line: &str| {
            let text = sandbox.read(&format!("shop/{path}"));
            let at = text.find(before).unwrap_or_else(|| panic!("{}: {path} has no {before:?}", old.display()));
            let (head, rest) = text.split_at(at + before.len());
            sandbox.write(&format!("shop/{path}"), format!("{head}{line}\n{rest}"));
        };
        let edits = [
            ("README.md", "# demo\n", "Ours: ask #shop."),
            ("Cargo.toml", "[dependencies]\n", "itoa = \"1\""),
            ("src/main.rs", "fn main() -> ExitCode {\n", "    // Ours: the first line of all."),
            ("src/lib.rs", "pub mod config;\n", "pub mod pricing;"),
        ];
        for (path, before, line) in &edits {
            edit(path, before, line);
        }
        sandbox.write("shop/src/pricing.rs", "//! Ours.\n");
        fs::remove_file(sandbox.path("shop/.editorconfig")).unwrap();
        sandbox.commit("shop");

        let outcome = sandbox.run("update --json").in_folder("shop").finish();
        assert!(matches!(outcome.code(), Some(0 | 3)), "{outcome:?}");
        let told = outcome.json();
        let edited: Vec<String> = edits.iter().map(|(path, ..)| moved_to(&told, path)).collect();
        for file in told["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            let ours = edited.iter().any(|edited| edited == path);
            assert!(ours || file["conflicts"] == 0, "{}: {path} was not touched, and is in conflict", old.display());
        }
        for (path, (.., line)) in edited.iter().zip(&edits) {
            assert!(sandbox.read(&format!("shop/{path}")).contains(line), "{}: {path} lost {line:?}", old.display());
        }
        assert_eq!(sandbox.read("shop/src/pricing.rs"), "//! Ours.\n");
        assert!(!sandbox.path("shop/.editorconfig").exists(), "what was deleted stays so");
        let (updated, fresh) = (of_the_template(&sandbox.files("shop")), fresh(&sandbox));
        let touched = |path: &String| edited.contains(path) || ["Cargo.lock", ".editorconfig"].contains(&path.as_str());
        for (path, content) in fresh.iter().filter(|(path, _)| !touched(path)) {
            assert!(updated.get(path) == Some(content), "{}: {path} is not as it would be made today", old.display());
        }
    }
}

/// The repository whose team has worked most on it: the patch beside its folder is what they did, and it compiles.
const LIVED_IN: &str = "2026-11-30-full";

fn lived_in() -> (PathBuf, String) {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old-repos").join(LIVED_IN);
    let patch = fs::read_to_string(old.with_extension("patch")).unwrap();
    (old, patch)
}

/// The lines that a patch adds, by the path of the file.
type Added = BTreeMap<String, Vec<String>>;

/// What a patch adds, and the files that it renames.
fn read_patch(patch: &str) -> (Added, Vec<(String, String)>) {
    let (mut lines, mut renamed) = (Added::new(), Vec::new());
    let (mut path, mut from) = (String::new(), String::new());
    for line in patch.lines() {
        if let Some(to) = line.strip_prefix("+++ b/") {
            to.clone_into(&mut path);
        } else if let Some(old) = line.strip_prefix("rename from ") {
            old.clone_into(&mut from);
        } else if let Some(to) = line.strip_prefix("rename to ") {
            renamed.push((from.clone(), to.to_owned()));
        } else if let Some(line) = line.strip_prefix('+').filter(|line| !line.trim().is_empty()) {
            lines.entry(path.clone()).or_default().push(line.to_owned());
        }
    }
    (lines, renamed)
}

/// A line as it is compared: JSON that is merged by key may need a comma more.
fn bare(line: &str) -> &str {
    line.trim().trim_end_matches(',')
}

#[test]
fn what_a_team_wrote_in_many_files_is_found_wherever_they_are_now() {
    let (old, patch) = lived_in();
    let (added, renamed) = read_patch(&patch);
    assert!(added.len() >= 20 && renamed.len() == 1, "{added:?}");
    let sandbox = restored(&old);
    sandbox.write("../team.patch", &patch);
    sandbox.git("shop", &["apply", "../../team.patch"]);
    sandbox.commit("shop");
    let before = sandbox.files("shop");
    let lock = Lock::parse(&sandbox.read("shop/.new-service/lock")).unwrap();
    let is_own =
        |path: &str| !lock.files.contains_key(path) && path != "service.toml" && !path.starts_with(".new-service/");

    let outcome = sandbox.run("update --json").in_folder("shop").finish();
    assert!(matches!(outcome.code(), Some(0 | 3)), "{outcome:?}");
    let told = outcome.json();
    let after = sandbox.files("shop");
    let files = told["files"].as_array().unwrap();
    let text = |file: &serde_json::Value, key: &str| file[key].as_str().map(str::to_owned);
    let now = |path: &str| moved_to(&told, path);
    for (path, lines) in &added {
        let path = now(path);
        let there = String::from_utf8(after[&path].clone()).unwrap();
        for line in lines {
            assert!(there.lines().any(|one| bare(one) == bare(line)), "{path} has lost {line:?}");
        }
        let file = files.iter().find(|file| file["path"] == *path);
        // It is merged somewhere, and not left behind as what the template no longer makes.
        assert!(file.is_none_or(|file| file["action"] != "keep"), "{path} has moved nowhere");
        let in_conflict = file.is_some_and(|file| file["conflicts"] != 0);
        assert_eq!(there.contains("<<<<<<< yours"), in_conflict, "{path}");
    }
    let touched: Vec<String> = added.keys().chain(renamed.iter().map(|(from, _)| from)).map(|path| now(path)).collect();
    for file in files.iter().filter(|file| file["conflicts"] != 0) {
        let path = text(file, "path").unwrap();
        assert!(touched.contains(&path), "{path} was not touched, and is in conflict");
    }
    for (path, content) in before.iter().filter(|(path, _)| is_own(path)) {
        assert_eq!(after.get(path), Some(content), "{path} is the team's own");
    }
    // What nobody touched is as it would be made today.
    let (updated, fresh) = (of_the_template(&after), fresh(&sandbox));
    for old in files.iter().filter_map(|file| file["moved_from"].as_str()) {
        // Of a file that was split, the old path is the template's.
        assert_eq!(after.get(old), fresh.get(old), "{old} has moved, and is still there");
    }
    let kept: Vec<String> =
        files.iter().filter(|file| file["action"] == "keep-deleted").filter_map(|file| text(file, "path")).collect();
    for (path, content) in fresh.iter().filter(|(path, _)| !touched.contains(path) && !kept.contains(path)) {
        assert!(updated.get(path) == Some(content), "{path} is not as it would be made today");
    }

    // The file that the team moved elsewhere: a change of the template to it is told.
    let new = Lock::parse(&sandbox.read("shop/.new-service/lock")).unwrap();
    for (from, to) in &renamed {
        let moved = files.iter().find(|file| file["moved_from"] == *from).and_then(|file| text(file, "path"));
        let place = moved.unwrap_or_else(|| from.clone());
        assert!(!after.contains_key(&place), "{place} was moved away by the team");
        let changed = new.files.get(place.as_str()).is_some_and(|file| file.hash != lock.files[from.as_str()].hash);
        let missed = told["missed_changes"].as_array().unwrap().iter().any(|missed| missed["path"] == *to);
        assert_eq!(missed, changed, "{to}: {}", told["missed_changes"]);
    }

    // Names that are others now are told wherever the team has them, by the longest.
    let pack = Pack::load(&Source::default_pack()).unwrap();
    let layers = pack.layers.iter().flat_map(|layer| &layer.renamed);
    let names: Vec<String> = pack.manifest.renamed.iter().chain(layers).map(|name| name.from.clone()).collect();
    let mentions = told["mentions"].as_array().unwrap();
    let pricing = sandbox.read("shop/src/pricing.rs");
    for (number, line) in (1..).zip(pricing.lines()) {
        for name in names
            .iter()
            .filter(|name| line.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).any(|word| word == **name))
        {
            let is_told =
                mentions.iter().any(|mention| mention["path"] == "src/pricing.rs" && mention["line"] == number);
            assert!(is_told, "src/pricing.rs:{number}: {name} is not told");
        }
    }
    for mention in mentions {
        let line = usize::try_from(mention["line"].as_u64().unwrap()).unwrap();
        let path = mention["path"].as_str().unwrap();
        let there = String::from_utf8(after[path].clone()).unwrap();
        let last = mention["from"].as_str().unwrap().rsplit("::").next().unwrap().to_owned();
        assert!(there.lines().nth(line - 1).unwrap().contains(&last), "{mention}");
    }
    sandbox.commit("shop");
    sandbox.run("update").in_folder("shop").ok().says(&["Nothing to do"]);
}
