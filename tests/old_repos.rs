//! Repositories that earlier versions wrote, and that a team has worked on, come to today's template.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use new_service::evolve::Lock;
use new_service::pack::{Pack, Policy, Source};
use support::{Sandbox, files_below};

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

#[test]
fn each_comes_to_what_would_be_made_today() {
    assert!(!old_repos().is_empty());
    let today = Pack::load(&Source::default_pack()).unwrap();
    for old in old_repos() {
        let sandbox = restored(&old);
        let before = sandbox.files("shop");
        sandbox.run("diff").in_folder("shop").ends(4);
        let told = sandbox.run("update --json").in_folder("shop").ok().json();
        assert_eq!(told["conflicts"], 0, "{}", old.display());
        let after = sandbox.files("shop");
        let (updated, fresh) = (of_the_template(&after), fresh(&sandbox));
        assert_eq!(updated.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>(), "{}", old.display());
        for (path, content) in &fresh {
            assert!(updated[path] == *content, "{}: {path} is not as it would be made today", old.display());
        }
        let append = before.iter().filter(|(path, _)| path.starts_with("migrations/"));
        for (path, content) in append {
            assert_eq!(after.get(path), Some(content), "{}: {path} was written once", old.display());
        }
        let lock = Lock::parse(&sandbox.read("shop/.new-service/lock")).unwrap();
        assert_eq!(lock.digest, today.digest);
        sandbox.commit("shop");
        sandbox.run("update").in_folder("shop").ok().says(&["Nothing to do"]);
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
        for file in told["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            let ours = edits.iter().any(|(edited, ..)| *edited == path);
            assert!(ours || file["conflicts"] == 0, "{}: {path} was not touched, and is in conflict", old.display());
        }
        for (path, _, line) in &edits {
            assert!(sandbox.read(&format!("shop/{path}")).contains(line), "{}: {path} lost {line:?}", old.display());
        }
        assert_eq!(sandbox.read("shop/src/pricing.rs"), "//! Ours.\n");
        assert!(!sandbox.path("shop/.editorconfig").exists(), "what was deleted stays so");
        let (updated, fresh) = (of_the_template(&sandbox.files("shop")), fresh(&sandbox));
        let touched = ["README.md", "Cargo.toml", "Cargo.lock", "src/main.rs", "src/lib.rs", ".editorconfig"];
        for (path, content) in fresh.iter().filter(|(path, _)| !touched.contains(&path.as_str())) {
            assert!(updated.get(path) == Some(content), "{}: {path} is not as it would be made today", old.display());
        }
    }
}
