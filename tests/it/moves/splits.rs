//! A file whose text went to another path, and in whose place the template makes another file.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{lines, packed, shop, update};
use crate::support::Sandbox;

const RULE: &str = "title = \"x\"\n[files.\"src/cli.rs\"]\nmoved_from = \"src/main.rs\"\n";

/// The command line, which was in `main.rs`.
fn cli() -> String {
    lines("cli").replace("cli 9\n", "theirs\n")
}

const MAIN: &str = "main\ncli 1\n";

fn before(sandbox: &Sandbox) -> PathBuf {
    packed(sandbox, "0.1.0", "", &[("layers/core/files/src/main.rs", &*lines("cli"))])
}

fn after(sandbox: &Sandbox) -> PathBuf {
    let files = [
        ("layers/core/layer.toml", RULE),
        ("layers/core/files/src/cli.rs", &*cli()),
        ("layers/core/files/src/main.rs", MAIN),
    ];
    packed(sandbox, "0.2.0", "", &files)
}

/// Files of what `--json` says: what is done, and from where.
fn told(value: &Value) -> Vec<(&str, &str, Option<&str>)> {
    let files = value["files"].as_array().unwrap().iter();
    let told = files
        .map(|file| (file["path"].as_str().unwrap(), file["action"].as_str().unwrap(), file["moved_from"].as_str()));
    told.filter(|(path, ..)| path.starts_with("src/")).collect()
}

#[test]
fn edits_go_to_the_file_that_has_most_of_the_text() {
    let sandbox = Sandbox::new();
    shop(&sandbox, &before(&sandbox), &[], &[("src/main.rs", "cli 3\n", "cli 3\nours\n")]);
    let pack = after(&sandbox);
    let listed = update(&sandbox, &pack, "--dry-run").ok();
    let lines =
        "  merge        src/main.rs -> src/cli.rs\n  update       src/main.rs (its former text is now in src/cli.rs)\n";
    assert!(listed.out.contains(lines), "{}", listed.out);
    let diff = update(&sandbox, &pack, "--diff").ok();
    assert!(diff.out.contains("copy from src/main.rs\ncopy to src/cli.rs\n"), "{}", diff.out);
    sandbox.write("../the.diff", &diff.out);
    sandbox.git("shop", &["apply", "../../the.diff"]);
    let patched = sandbox.files("shop");
    sandbox.git("shop", &["add", "--all"]);
    sandbox.git("shop", &["reset", "--quiet", "--hard"]);

    let json = update(&sandbox, &pack, "--json").ok().json();
    assert_eq!(told(&json), [("src/cli.rs", "merge", Some("src/main.rs")), ("src/main.rs", "update", None)]);
    assert_eq!(json["conflicts"], 0);
    let shop = sandbox.files("shop");
    assert_eq!(sandbox.read("shop/src/cli.rs"), cli().replace("cli 3\n", "cli 3\nours\n"));
    assert_eq!(sandbox.read("shop/src/main.rs"), MAIN);
    for path in ["src/cli.rs", "src/main.rs"] {
        assert_eq!(patched[path], shop[path], "{path} is not what its diff said");
    }
    sandbox.commit("shop");
    update(&sandbox, &pack, "").ok().says(&["Nothing to do"]);

    // From now on, each is a file like any other.
    let edit = |path: &str, from: &str, to: &str| sandbox.write(path, sandbox.read(path).replace(from, to));
    edit("shop/src/cli.rs", "cli 5\n", "ours too\n");
    edit("shop/src/main.rs", "main\n", "main\nours\n");
    sandbox.commit("shop");
    let files = [
        ("layers/core/layer.toml", RULE),
        ("layers/core/files/src/cli.rs", &*cli().replace("cli 1\n", "")),
        ("layers/core/files/src/main.rs", "main\ncli 1\n\nend\n"),
    ];
    let pack = packed(&sandbox, "0.3.0", "", &files);
    update(&sandbox, &pack, "").ok().says(&["merge        src/cli.rs\n", "merge        src/main.rs\n"]);
    assert_eq!(sandbox.read("shop/src/main.rs"), "main\nours\ncli 1\n\nend\n");
    let text = sandbox.read("shop/src/cli.rs");
    assert!(text.contains("cli 3\nours\ncli 4\nours too\n") && !text.contains("cli 1\n"), "{text}");
}

#[test]
fn what_nobody_touched_is_as_it_would_be_made_today() {
    let sandbox = Sandbox::new();
    shop(&sandbox, &before(&sandbox), &[], &[]);
    let pack = after(&sandbox);
    let json = update(&sandbox, &pack, "--json").ok().json();
    assert_eq!(told(&json), [("src/cli.rs", "update", Some("src/main.rs")), ("src/main.rs", "update", None)]);
    assert_eq!(sandbox.read("shop/src/cli.rs"), cli());
    assert_eq!(sandbox.read("shop/src/main.rs"), MAIN);
    sandbox.commit("shop");
    update(&sandbox, &pack, "").ok().says(&["Nothing to do"]);
}

#[test]
fn a_conflict_is_where_the_text_went() {
    let sandbox = Sandbox::new();
    shop(&sandbox, &before(&sandbox), &[], &[("src/main.rs", "cli 9\n", "ours\n")]);
    let pack = after(&sandbox);
    update(&sandbox, &pack, "").ends(3).says(&["conflict     src/main.rs -> src/cli.rs"]);
    let text = sandbox.read("shop/src/cli.rs");
    assert!(text.contains("<<<<<<< yours\nours\n|||||||") && text.contains("cli 9\n=======\ntheirs\n"), "{text}");
    assert_eq!(sandbox.read("shop/src/main.rs"), MAIN);
    let status = sandbox.git("shop", &["status", "--porcelain"]);
    assert!(status.contains("UU src/cli.rs") && !status.contains("UU src/main.rs"), "{status}");
}

#[test]
fn a_conflict_that_is_not_resolved_stops_a_split() {
    let sandbox = Sandbox::new();
    let marked = "<<<<<<< x\n1\n=======\n2\n>>>>>>> y\n";
    shop(&sandbox, &before(&sandbox), &[], &[("src/main.rs", "cli 1\n", marked)]);
    update(&sandbox, &after(&sandbox), "").fails(1, &["src/main.rs:1:1: a conflict is not resolved"]);
}

#[test]
fn what_was_deleted_is_written_at_neither_path() {
    let sandbox = Sandbox::new();
    shop(&sandbox, &before(&sandbox), &[], &[]);
    fs::remove_file(sandbox.path("shop/src/main.rs")).unwrap();
    sandbox.commit("shop");
    let pack = after(&sandbox);
    update(&sandbox, &pack, "").ok().says(&[
        "keep-deleted src/main.rs -> src/cli.rs (you deleted it)",
        "keep-deleted src/main.rs (you deleted it)",
    ]);
    assert!(!sandbox.files("shop").keys().any(|path| path.starts_with("src/")));
    sandbox.commit("shop");
    update(&sandbox, &pack, "").ok().says(&["Nothing to do"]);
}

#[test]
fn a_file_that_the_team_moved_misses_the_change_once() {
    let sandbox = Sandbox::new();
    shop(&sandbox, &before(&sandbox), &[], &[]);
    fs::create_dir(sandbox.path("shop/ours")).unwrap();
    fs::rename(sandbox.path("shop/src/main.rs"), sandbox.path("shop/ours/run.rs")).unwrap();
    sandbox.commit("shop");
    let pack = after(&sandbox);
    let listed = update(&sandbox, &pack, "--dry-run").ok();
    for path in ["src/main.rs -> src/cli.rs", "src/main.rs"] {
        let line = format!("keep-deleted {path} (you moved it to ours/run.rs)\n");
        assert!(listed.out.contains(&line), "{}", listed.out);
    }
    let json = update(&sandbox, &pack, "--json").ok().json();
    let missed = json["missed_changes"].as_array().unwrap();
    assert_eq!(missed.len(), 1, "{missed:?}");
    assert_eq!((&missed[0]["path"], &missed[0]["template_path"]), (&"ours/run.rs".into(), &"src/cli.rs".into()));
    assert!(missed[0]["diff"].as_str().unwrap().contains("-cli 9\n+theirs\n"), "{missed:?}");
}

#[test]
fn a_file_that_the_team_had_split_itself_is_merged_there() {
    let sandbox = Sandbox::new();
    shop(&sandbox, &before(&sandbox), &[], &[]);
    sandbox.write("shop/src/cli.rs", lines("cli").replace("cli 2\n", "ours\n"));
    fs::remove_file(sandbox.path("shop/src/main.rs")).unwrap();
    sandbox.commit("shop");
    update(&sandbox, &after(&sandbox), "")
        .ok()
        .says(&["merge        src/main.rs -> src/cli.rs", "create       src/main.rs\n"]);
    assert_eq!(sandbox.read("shop/src/cli.rs"), cli().replace("cli 2\n", "ours\n"));
    assert_eq!(sandbox.read("shop/src/main.rs"), MAIN);
}

#[test]
fn with_something_else_in_the_way_edits_stay_where_they_are() {
    let sandbox = Sandbox::new();
    shop(&sandbox, &before(&sandbox), &[], &[("src/main.rs", "cli 5\n", "cli 5\nours\n")]);
    sandbox.write("shop/src/cli.rs", "something else\n");
    sandbox.commit("shop");
    update(&sandbox, &after(&sandbox), "").ends(3).says(&["beside       src/cli.rs.new", "conflict     src/main.rs\n"]);
    assert_eq!(sandbox.read("shop/src/cli.rs"), "something else\n");
    assert_eq!(sandbox.read("shop/src/cli.rs.new"), cli());
    assert!(sandbox.read("shop/src/main.rs").contains("ours\n"));
}

/// The old path has the new file already: what stands there is not the text that the rule means.
#[test]
fn a_layer_that_comes_in_later_takes_no_text_away() {
    let sandbox = Sandbox::new();
    let question = "[[question]]\nkey = \"cli\"\nprompt = \"CLI\"\nkind = \"bool\"\ndefault = false\n";
    let layer = RULE.replace("[files", "when = \"cli\"\n[files");
    let pack = |version: &str, main: &str| {
        let files = [
            ("layers/core/files/src/main.rs", main),
            ("layers/cli/layer.toml", &*layer),
            ("layers/cli/files/src/cli.rs", &*cli()),
        ];
        packed(&sandbox, version, question, &files)
    };
    shop(&sandbox, &pack("0.2.0", MAIN), &[], &[("src/main.rs", "main\n", "main\nours\n")]);
    let service = sandbox.read("shop/service.toml").replace("cli = false", "cli = true");
    sandbox.write("shop/service.toml", service);
    sandbox.commit("shop");
    let json = update(&sandbox, &pack("0.3.0", "main\ncli 1\n\nend\n"), "--json").ok().json();
    assert_eq!(told(&json), [("src/cli.rs", "create", None), ("src/main.rs", "merge", None)]);
    assert_eq!(sandbox.read("shop/src/cli.rs"), cli());
    assert_eq!(sandbox.read("shop/src/main.rs"), "main\nours\ncli 1\n\nend\n");
}

/// A rule for a folder does not split a file of it.
#[test]
fn a_rule_of_a_folder_leaves_what_is_still_made() {
    let sandbox = Sandbox::new();
    let files = [("layers/core/files/README", &*lines("top")), ("layers/core/files/a", &*lines("a"))];
    let pack = packed(&sandbox, "0.1.0", "", &files);
    shop(&sandbox, &pack, &[], &[("README", "top 1\n", "ours\n")]);
    let files = [
        ("layers/core/layer.toml", "title = \"x\"\n[files.\"deep/**\"]\nmoved_from = \".\"\n"),
        ("layers/core/files/README", "short\n"),
        ("layers/core/files/deep/README", &*lines("top")),
        ("layers/core/files/deep/a", &*lines("a")),
    ];
    let said = update(&sandbox, &packed(&sandbox, "0.2.0", "", &files), "").ends(3);
    said.says(&["conflict     README\n", "create       deep/README\n", "update       a -> deep/a\n"]);
}
