//! Wherever a repository stands in git, a change is the same.

use std::collections::BTreeMap;

use crate::support::{Sandbox, python_tool};

/// The files after the same change in a plain repository.
fn expected() -> BTreeMap<String, Vec<u8>> {
    let sandbox = Sandbox::new();
    sandbox.tool("shop --commands run,serve").ok();
    conflict(&sandbox, "shop");
    sandbox.git("shop", &["commit", "--all", "--quiet", "--message", "mine"]);
    change(&sandbox, "shop");
    sandbox.files("shop")
}

/// An edit that the change will run into.
fn conflict(sandbox: &Sandbox, folder: &str) {
    let path = format!("{folder}/src/main.py");
    sandbox.write(&path, sandbox.read(&path).replace("\"serve\"", "\"serve!\""));
}

fn change(sandbox: &Sandbox, folder: &str) {
    sandbox.tool("remove commands=serve").in_folder(folder).ends(3);
}

fn committed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.tool("shop --commands run,serve").ok();
    conflict(&sandbox, "shop");
    sandbox.git("shop", &["commit", "--all", "--quiet", "--message", "mine"]);
    sandbox
}

/// The same change there, left as git leaves a conflict, and taken back.
fn same(sandbox: &Sandbox, folder: &str, what: &str) {
    let files = || {
        let mut files = sandbox.files(folder);
        // The folder itself, where it is a link.
        files.remove("");
        files
    };
    let before = files();
    let clean = sandbox.git(folder, &["status", "--porcelain"]);
    change(sandbox, folder);
    assert_eq!(files(), expected(), "{what}");
    let status = sandbox.git(folder, &["status", "--porcelain", "--", "."]);
    assert!(status.lines().any(|line| line.starts_with("UU") && line.ends_with("src/main.py")), "{what}: {status}");
    sandbox.run("apply --abort").in_folder(folder).ok();
    assert_eq!(files(), before, "{what}");
    assert_eq!(sandbox.git(folder, &["status", "--porcelain"]), clean, "{what}");
}

#[test]
fn in_a_shallow_clone() {
    let sandbox = committed();
    let url = format!("file://{}", sandbox.path("shop").display());
    sandbox.git("", &["clone", "--quiet", "--depth", "1", &url, "clone"]);
    same(&sandbox, "clone", "a shallow clone");
}

#[test]
fn after_the_history_was_squashed_and_the_branch_renamed() {
    let sandbox = committed();
    sandbox.git("shop", &["checkout", "--quiet", "--orphan", "squashed"]);
    sandbox.git("shop", &["commit", "--quiet", "--message", "all"]);
    sandbox.git("shop", &["branch", "-D", "main"]);
    sandbox.git("shop", &["branch", "-m", "trunk"]);
    same(&sandbox, "shop", "squashed");
}

#[test]
fn in_a_worktree_and_not_in_its_neighbour() {
    let sandbox = committed();
    sandbox.git("shop", &["worktree", "add", "--quiet", "../tree"]);
    let neighbour = sandbox.files("shop");
    same(&sandbox, "tree", "a worktree");
    change(&sandbox, "tree");
    assert_eq!(sandbox.files("shop"), neighbour);
    sandbox.tool("apply --abort").in_folder("shop").fails(1, &["there is no change to take back"]);
}

#[test]
fn in_a_submodule() {
    let sandbox = committed();
    sandbox.git("", &["init", "--quiet", "outer"]);
    let url = sandbox.path("shop").display().to_string();
    sandbox.git("outer", &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "inner"]);
    sandbox.git("outer", &["commit", "--quiet", "--message", "with it"]);
    same(&sandbox, "outer/inner", "a submodule");
}

#[test]
fn in_a_folder_of_a_larger_repository_whose_rest_is_as_it_likes() {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "mono"]);
    for name in ["shop", "other"] {
        sandbox.tool(&format!("mono/services/{name} --commands run,serve --name shop")).ok();
    }
    conflict(&sandbox, "mono/services/shop");
    sandbox.write("mono/README", "x");
    sandbox.git("mono", &["add", "--all"]);
    sandbox.git("mono", &["commit", "--quiet", "--message", "both"]);
    sandbox.write("mono/README", "changed");
    same(&sandbox, "mono/services/shop", "a larger repository");
    // A change in one is none in the other.
    change(&sandbox, "mono/services/shop");
    sandbox.tool("apply --abort").in_folder("mono/services/other").fails(1, &["there is no change to take back"]);
    sandbox.tool("remove commands=serve").in_folder("mono/services/other").ok();
    sandbox.run("apply --abort").in_folder("mono/services/shop/src").ok();
}

#[cfg(unix)]
#[test]
fn through_a_link_and_from_below() {
    let sandbox = committed();
    std::os::unix::fs::symlink("shop", sandbox.path("link")).unwrap();
    same(&sandbox, "link", "through a link");
    let below = sandbox.path("link/src");
    let before = sandbox.files("shop");
    sandbox.tool("remove commands=serve").in_folder("link/src").ends(3);
    assert!(below.is_dir());
    sandbox.run("apply --abort").in_folder("link/src").ok();
    assert_eq!(sandbox.files("shop"), before);
}

#[test]
fn without_git_at_all() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop --no-git --commands run,serve").ok();
    conflict(&sandbox, "shop");
    let before = sandbox.files("shop");
    change(&sandbox, "shop");
    let after = sandbox.files("shop");
    for (path, content) in expected() {
        assert_eq!(after.get(&path), Some(&content), "{path}");
    }
    sandbox.run("apply --abort").in_folder("shop").ok();
    assert_eq!(sandbox.files("shop"), before);
}

/// git's own variables, as in a hook, lead it to no other repository.
#[test]
fn in_a_hook_of_another_repository() {
    let sandbox = committed();
    sandbox.git("", &["init", "--quiet", "elsewhere"]);
    let elsewhere = sandbox.path("elsewhere/.git");
    sandbox
        .tool("remove commands=serve")
        .in_folder("shop")
        .env("GIT_DIR", &elsewhere)
        .env("GIT_INDEX_FILE", elsewhere.join("index"))
        .ends(3);
    assert!(sandbox.git("shop", &["status", "--porcelain"]).contains("UU src/main.py"));
    assert!(!elsewhere.join("new-service").exists());
}

#[test]
fn two_people_add_different_layers_and_merge() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop").ok();
    let commit = |message: &str| {
        sandbox.git("shop", &["add", "--all"]);
        sandbox.git("shop", &["commit", "--quiet", "--message", message]);
    };
    sandbox.git("shop", &["checkout", "--quiet", "-b", "ada"]);
    sandbox.tool("add commands=serve").in_folder("shop").ok();
    commit("serve");
    sandbox.git("shop", &["checkout", "--quiet", "-b", "bob", "main"]);
    sandbox.tool("add commands=check publish=true").in_folder("shop").ok();
    commit("check");
    let merged =
        sandbox.clean("git").current_dir(sandbox.path("shop")).args(["merge", "--quiet", "ada"]).output().unwrap();
    assert!(!merged.status.success(), "both changed main.py, the lock and the blueprint");
    sandbox.tool("apply").in_folder("shop").fails(1, &["service.toml:17:1: a conflict is not resolved"]);

    // They resolve what people read, and leave the record to new-service.
    let expected = Sandbox::new();
    expected.tool("shop --commands run,serve,check --publish").ok();
    for path in ["service.toml", "src/main.py"] {
        sandbox.write(&format!("shop/{path}"), expected.read(&format!("shop/{path}")));
        sandbox.git("shop", &["add", path]);
    }
    assert!(sandbox.read("shop/.new-service/lock").contains("<<<<<<<"));
    sandbox.tool("add publish=false").in_folder("shop").fails(1, &["two branches were merged", "new-service apply"]);
    sandbox.tool("apply").in_folder("shop").ok();
    let (mut ours, theirs) = (sandbox.files("shop"), expected.files("shop"));
    // It says which branches it settles.
    let lock = sandbox.read("shop/.new-service/lock");
    let settles = |line: &&str| line.starts_with("branches ");
    assert_eq!(lock.lines().filter(settles).count(), 1);
    let lock = lock.split_inclusive('\n').filter(|line| !settles(line)).collect::<String>();
    ours.insert(".new-service/lock".into(), lock.replace("format 6", "format 5").into());
    let differing = ours.keys().chain(theirs.keys()).filter(|path| ours.get(*path) != theirs.get(*path));
    assert_eq!(differing.collect::<Vec<_>>(), [""; 0]);
    assert_eq!(sandbox.git("shop", &["diff", "--name-only", "--diff-filter=U"]), "");
    commit("both");
    sandbox.tool("diff").in_folder("shop").ok();
}

#[test]
fn branches_at_two_versions_of_the_template_are_not_mixed() {
    let sandbox = Sandbox::new();
    let manifest = |version: &str| format!("name = \"small\"\nversion = \"{version}\"\nedition = 2\n");
    let pack = sandbox.pack(&[("layers/core/files/a", "1\n")]);
    sandbox.with(&pack, "shop").ok();
    let lock = sandbox.read("shop/.new-service/lock");
    let other = lock.replace("small 0.1.0", "small 0.2.0").replace("digest sha256:", "digest sha256:0");
    for (branch, text) in [("bob", other), ("main", lock.replace("digest sha256:", "digest sha256:1"))] {
        sandbox.git("shop", &["checkout", "--quiet", "-B", branch, "main"]);
        sandbox.write("shop/.new-service/lock", text);
        sandbox.commit("shop");
    }
    let merge = sandbox.clean("git").current_dir(sandbox.path("shop")).args(["merge", "--quiet", "bob"]).output();
    assert!(!merge.unwrap().status.success());
    let outcome = sandbox.with(&pack, "apply --allow-dirty").in_folder("shop").ends(1);
    outcome.says(&["one side is at small 0.1.0, the other at small 0.2.0", "new-service update"]);
    assert!(manifest("0.1.0").contains("0.1.0") && python_tool().is_dir());
}
