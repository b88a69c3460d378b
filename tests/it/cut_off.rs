//! A change that is killed is finished by the next command, or taken back to the state before, whatever the
//! moment; one that fails leaves everything as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::{Run, Sandbox};

const OLD: [(&str, &str); 6] = [
    ("pack.toml", "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n"),
    ("layers/core/files/updated", "1\n"),
    ("layers/core/files/merged", "a\nb\nc\n"),
    ("layers/core/files/conflict", "a\n"),
    ("layers/core/files/gone/file", "1\n"),
    ("layers/core/files/run", "1\n"),
];
const NEW: [(&str, &str); 7] = [
    ("pack.toml", "name = \"small\"\nversion = \"0.2.0\"\nedition = 2\n"),
    ("layers/core/layer.toml", "title = \"x\"\n[files.\"run\"]\nmode = \"755\"\n"),
    ("layers/core/files/updated", "2\n"),
    ("layers/core/files/merged", "0\na\nb\nc\n"),
    ("layers/core/files/conflict", "theirs\n"),
    ("layers/core/files/new/folder/file", "2\n"),
    ("layers/core/files/run", "1\n"),
];

/// A repository that an update will change in every way.
fn ready(git: bool) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.pack(&OLD);
    // Named alike in every sandbox, for service.toml keeps it.
    sandbox.with(Path::new("../pack"), if git { "shop" } else { "shop --no-git" }).ok();
    sandbox.write("shop/merged", "a\nb\nmine\n");
    sandbox.write("shop/conflict", "mine\n");
    sandbox.write("shop/own", "mine\n");
    if git {
        sandbox.git("shop", &["add", "--all"]);
        sandbox.git("shop", &["commit", "--quiet", "--message", "mine"]);
    }
    sandbox.pack(&NEW);
    sandbox
}

fn update(sandbox: &Sandbox) -> Run<'_> {
    sandbox.with(Path::new("../../pack"), "update").in_folder("shop")
}

type State = (BTreeMap<String, Vec<u8>>, Vec<String>, String);

/// Files, folders, run bits, and git's index.
fn state(sandbox: &Sandbox, git: bool) -> State {
    let mut facts = Vec::new();
    let walk = walkdir::WalkDir::new(sandbox.path("shop")).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.file_name() != ".git").map(Result::unwrap) {
        #[cfg(unix)]
        let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
        #[cfg(not(unix))]
        let mode = 0;
        facts.push(format!("{mode:o} {}", entry.path().display()));
    }
    facts.retain(|fact| !fact.contains("/.new-service/journal") && !fact.contains("/.new-service/.begun"));
    let index = if git { sandbox.git("shop", &["ls-files", "--stage"]) } else { String::new() };
    let mut files = sandbox.files("shop");
    files.retain(|path, _| !path.starts_with(".new-service/journal") && !path.starts_with(".new-service/.begun"));
    (files, facts, index)
}

fn killed_at_every_write(git: bool) {
    let whole = ready(git);
    let before = state(&whole, git).0;
    update(&whole).ends(3);
    let (after, _, after_index) = state(&whole, git);
    assert_ne!(before, after);
    let (mut finished, mut untouched) = (0, 0);
    for at in 1.. {
        let sandbox = ready(git);
        let start = state(&sandbox, git);
        let outcome = update(&sandbox).env("NEW_SERVICE_DIE_AT", at.to_string()).finish();
        if outcome.code() == Some(3) {
            assert!(at > 30, "there are more places than {at}");
            break;
        }
        assert_eq!(outcome.code(), None, "killed: {outcome:?}");
        // Taken back …
        if at % 2 == 0 {
            match sandbox.run("apply --abort").in_folder("shop").finish().code() {
                Some(0) => finished += 1,
                _ => untouched += 1,
            }
            let now = state(&sandbox, git);
            assert_eq!(now.0, start.0, "at {at}");
            assert_eq!((now.1, now.2), (start.1, start.2), "at {at}");
            continue;
        }
        // … or finished, by the command itself or by another, killed in turn.
        let again = update(&sandbox).env("NEW_SERVICE_DIE_AT", (at % 5 + 1).to_string()).finish();
        if again.code().is_none() {
            update(&sandbox).ends(3);
        }
        let now = state(&sandbox, git);
        assert_eq!(now.0, after, "at {at}");
        assert_eq!(now.2, after_index, "at {at}");
    }
    assert!(finished > 5 && untouched > 3, "{finished} {untouched}");
}

#[test]
fn killed_at_every_write_it_is_finished_or_taken_back() {
    killed_at_every_write(true);
}

#[test]
fn without_git_as_well() {
    killed_at_every_write(false);
}

#[test]
fn taking_back_is_finished_when_it_was_killed_itself() {
    for at in 1.. {
        let sandbox = ready(true);
        let start = state(&sandbox, true);
        update(&sandbox).ends(3);
        let outcome = sandbox.run("apply --abort").in_folder("shop").env("NEW_SERVICE_DIE_AT", at.to_string()).finish();
        if outcome.code() == Some(0) {
            assert!(at > 8, "{at}");
            break;
        }
        // Killed at its very end, there is nothing left to do.
        let again = sandbox.run("apply --abort").in_folder("shop").finish();
        assert!(matches!(again.code(), Some(0 | 1)), "{again:?}");
        assert_eq!(state(&sandbox, true), start, "at {at}");
    }
}

#[test]
fn what_was_cut_off_is_not_looked_past() {
    let sandbox = ready(true);
    update(&sandbox).env("NEW_SERVICE_DIE_AT", "25").finish();
    for line in ["update --dry-run", "update --diff", "diff"] {
        let pack = sandbox.path("../pack").canonicalize().unwrap();
        sandbox.with(&pack, line).in_folder("shop").fails(1, &["`new-service update` was cut off", "new-service undo"]);
    }
    update(&sandbox).ends(3).says(&["was cut off; it is finished now"]);
}

/// What somebody wrote between the change and its taking back is put aside, not lost.
#[test]
fn work_on_a_change_that_is_taken_back_is_kept() {
    let sandbox = ready(true);
    let start = state(&sandbox, true);
    update(&sandbox).ends(3);
    sandbox.write("shop/conflict", "resolved\n");
    sandbox.write("shop/new/folder/file", "better\n");
    let said = sandbox.run("apply --abort").in_folder("shop").ok();
    assert_eq!(state(&sandbox, true), start);
    let kept: Vec<&str> = said.err.lines().filter_map(|line| line.split("lies in ").nth(1)).collect();
    let mut texts: Vec<String> = kept.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    texts.sort();
    assert_eq!(texts, ["better\n", "resolved\n"]);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_leaves_everything_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = ready(true);
    let pack = sandbox.pack(&[
        ("layers/core/files/sub/a", "1\n"),
        ("pack.toml", "name = \"small\"\nversion = \"0.2.0\"\nedition = 2\n"),
        ("layers/core/files/updated", "2\n"),
    ]);
    sandbox.write("shop/sub/mine", "x");
    let folder = sandbox.path("shop/sub");
    // A root user writes anywhere; a file in the place of a folder stops root as well.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let is_root = fs::write(folder.join("probe"), "").is_ok();
    let start = state(&sandbox, true);
    if !is_root {
        sandbox.with(&pack, "update").in_folder("shop").fails(1, &["sub/a: "]);
        assert_eq!(state(&sandbox, true), start);
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "a file\n").unwrap();
    let start = state(&sandbox, true);
    sandbox.with(&pack, "update").in_folder("shop").fails(1, &["sub/a: \"sub\" is a file, and a folder is wanted"]);
    assert_eq!(state(&sandbox, true), start);
}

/// A file that may not be written to is replaced, and stays so.
#[cfg(unix)]
#[test]
fn a_read_only_file_stays_read_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = ready(true);
    fs::set_permissions(sandbox.path("shop/updated"), fs::Permissions::from_mode(0o444)).unwrap();
    update(&sandbox).ends(3);
    assert_eq!(sandbox.read("shop/updated"), "2\n");
    let mode = fs::metadata(sandbox.path("shop/updated")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o444);
}
