//! Changes of the template to files that a team has moved elsewhere.

use std::fs;

use super::{lines, packed, shop, update};
use crate::support::Sandbox;

#[test]
fn a_change_to_a_file_that_the_team_moved_elsewhere_is_told() {
    let sandbox = Sandbox::new();
    let names = ["same", "edited", "unchanged", "rewritten", "deleted"];
    let old: Vec<(String, String)> =
        names.iter().map(|name| (format!("layers/core/files/{name}.rs"), lines(name))).collect();
    let old: Vec<(&str, &str)> = old.iter().map(|(path, text)| (&**path, &**text)).collect();
    let pack = packed(&sandbox, "0.1.0", "", &old);
    shop(&sandbox, &pack, &[], &[("edited.rs", "edited 1\n", "ours\n"), ("edited.rs", "edited 6\n", "ours\n")]);
    for name in ["same", "edited", "unchanged", "rewritten"] {
        sandbox.git("shop", &["mv", &format!("{name}.rs"), &format!("our-{name}.rs")]);
    }
    sandbox.write("shop/our-rewritten.rs", lines("other"));
    fs::remove_file(sandbox.path("shop/deleted.rs")).unwrap();
    sandbox.commit("shop");
    let moved = "title = \"x\"\n[files.\"web/edited.rs\"]\nmoved_from = \"edited.rs\"\n";
    let new: Vec<(String, String)> = names
        .iter()
        .map(|name| {
            let folder = if *name == "edited" { "web/" } else { "" };
            let text = lines(name);
            let text = if *name == "unchanged" { text } else { text.replace(&format!("{name} 9\n"), "theirs\n") };
            (format!("layers/core/files/{folder}{name}.rs"), text)
        })
        .collect();
    let mut new: Vec<(&str, &str)> = new.iter().map(|(path, text)| (&**path, &**text)).collect();
    new.push(("layers/core/layer.toml", moved));
    let pack = packed(&sandbox, "0.2.0", "", &new);
    let before = sandbox.read("shop/our-edited.rs");

    let notes = [
        "our-edited.rs: the template changed edited.rs (now web/edited.rs), which you moved here; the change is not merged",
        "our-same.rs: the template changed same.rs, which you moved here; the change is not merged",
    ];
    let diff = update(&sandbox, &pack, "--diff").ok().says(&notes);
    assert!(diff.out.contains("# -same 9\n# +theirs\n") && diff.out.contains("# -edited 9\n"), "{}", diff.out);
    sandbox.write("../the.diff", &diff.out);
    sandbox.git("shop", &["apply", "--check", "../../the.diff"]);
    let listed = update(&sandbox, &pack, "--dry-run").ok();
    for line in [
        "keep-deleted deleted.rs (you deleted it)\n",
        "keep-deleted edited.rs -> web/edited.rs (you moved it to our-edited.rs)\n",
        "keep-deleted rewritten.rs (you deleted it)\n",
        "keep-deleted same.rs (you moved it to our-same.rs)\n",
    ] {
        assert!(listed.out.contains(line), "{line:?} in\n{}", listed.out);
    }
    let told = update(&sandbox, &pack, "--json").ok().json();
    let missed = told["missed_changes"].as_array().unwrap();
    assert_eq!(missed.len(), 2, "{missed:?}");
    let text = |at: usize, key: &str| missed[at][key].as_str().unwrap();
    assert_eq!(
        (text(0, "path"), text(0, "moved_from"), text(0, "template_path")),
        ("our-edited.rs", "edited.rs", "web/edited.rs")
    );
    assert_eq!(
        (text(1, "path"), text(1, "moved_from"), text(1, "template_path")),
        ("our-same.rs", "same.rs", "same.rs")
    );
    assert!(text(1, "diff").starts_with("@@ ") && text(1, "diff").contains("-same 9\n+theirs\n"));
    assert_eq!(sandbox.read("shop/our-edited.rs"), before);
    // What the note says works.
    let said = "to see it: new-service undo, then new-service diff";
    assert!(told["notes"].as_array().unwrap().iter().any(|note| note.as_str().unwrap().ends_with(said)), "{told}");
    sandbox.with(&pack, "apply --abort").in_folder("shop").ok();
    let again = sandbox.with(&pack, "diff").in_folder("shop").ends(4);
    assert!(again.out.contains("# -same 9\n"), "{}", again.out);
}

/// Without git, a folder that says that it is a cache is not looked into.
#[test]
fn without_git_the_folder_is_walked() {
    let sandbox = Sandbox::new();
    let pack = packed(&sandbox, "0.1.0", "", &[("layers/core/files/a", &lines("a"))]);
    sandbox.with(&pack, "shop --no-git").ok();
    fs::remove_file(sandbox.path("shop/a")).unwrap();
    sandbox.write("shop/target/a", lines("a"));
    sandbox.write("shop/target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
    sandbox.write("shop/z/c", lines("a"));
    let pack = packed(&sandbox, "0.2.0", "", &[("layers/core/files/a", &lines("a").replace("a 2\n", ""))]);
    let told = update(&sandbox, &pack, "--json").ok().json();
    assert_eq!(told["missed_changes"][0]["path"], "z/c");
}
