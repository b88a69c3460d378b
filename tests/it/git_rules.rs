//! What git does not look at, ignores or keeps in its index alone is judged as git judges it: no change of the template
//! is lost by it, and no file stays out of a commit unsaid.

use std::fs;
use std::path::PathBuf;

use crate::support::{Outcome, Sandbox};

/// A pack of a number with files and their text, of which `run` can be run.
fn pack(sandbox: &Sandbox, number: &str, files: &[(&str, &str)]) -> PathBuf {
    pack_with_mode(sandbox, number, files, "755")
}

fn pack_with_mode(sandbox: &Sandbox, number: &str, files: &[(&str, &str)], mode: &str) -> PathBuf {
    let manifest = format!("name = \"small\"\nversion = \"{number}\"\nedition = 2\n");
    let layer = format!("title = \"Core\"\n[files.\"bin/*\"]\nmode = \"{mode}\"\n");
    let mut all = vec![("pack.toml".to_owned(), manifest), ("layers/core/layer.toml".to_owned(), layer)];
    all.extend(files.iter().map(|(path, text)| (format!("layers/core/files/{path}"), (*text).to_owned())));
    sandbox.pack(&all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
}

const OLD: [(&str, &str); 4] = [("bin/run", "1\n"), ("deploy/a/x", "1\n"), ("deploy/y", "1\n2\n3\n"), ("src/z", "1\n")];
const NEW: [(&str, &str); 4] =
    [("bin/run", "2\n"), ("deploy/a/x", "2\n"), ("deploy/y", "0\n1\n2\n3\n"), ("src/z", "2\n")];

/// A repository in `folder`, made by the first version, with an edit of the team's.
fn shop(sandbox: &Sandbox, folder: &str) {
    sandbox.with(&pack(sandbox, "0.1.0", &OLD), &format!("{folder} --name shop")).ok();
    sandbox.write(&format!("{folder}/deploy/y"), "1\n2\n3\nmine\n");
    sandbox.commit(folder);
}

fn update(sandbox: &Sandbox, folder: &str) -> Outcome {
    let pack = sandbox.path("../pack").canonicalize().unwrap();
    sandbox.with(&pack, "update").in_folder(folder).finish()
}

/// A change is refused until all that it writes is checked out, shown all the same, and then made whole.
fn is_refused_then_made(sandbox: &Sandbox, folder: &str, words: &[&str], settle: impl Fn()) {
    let new = pack(sandbox, "0.2.0", &NEW);
    let before = sandbox.files("");
    let status = sandbox.git(folder, &["status", "--porcelain"]);
    for line in ["diff", "update --dry-run"] {
        let said = sandbox.with(&new, line).in_folder(folder).finish().says(words);
        let shown = if line == "diff" { "-1\n+2\n" } else { "merge        deploy/y\n" };
        assert!(said.out.contains(shown), "{line}: {said:?}");
        assert!(!said.out.contains("keep-deleted"), "{line}: {said:?}");
    }
    let said = update(sandbox, folder);
    assert_eq!(said.code(), Some(1), "{said:?}");
    said.says(words);
    assert_eq!(sandbox.files(""), before);
    assert_eq!(sandbox.git(folder, &["status", "--porcelain"]), status);
    settle();
    sandbox.with(&new, "update").in_folder(folder).ok().says(&["merge        deploy/y"]);
    assert_eq!(sandbox.read(&format!("{folder}/deploy/a/x")), "2\n");
    assert_eq!(sandbox.read(&format!("{folder}/deploy/y")), "0\n1\n2\n3\nmine\n");
    sandbox.with(&new, "diff").in_folder(folder).ok();
    sandbox.commit(folder);
    assert_eq!(sandbox.git(folder, &["status", "--porcelain"]), "", "all of it is in the commit");
}

/// Runs the command that a message names, up to the `;` after it.
fn follow(sandbox: &Sandbox, folder: &str, said: &Outcome) {
    let help = said.err.lines().find_map(|line| line.trim().strip_prefix("help: ")).unwrap();
    let command = help.strip_suffix("; then run this again").unwrap();
    let done = sandbox.clean("sh").current_dir(sandbox.path(folder)).args(["-c", command]).output().unwrap();
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn what_is_outside_of_a_sparse_checkout_is_not_deleted() {
    for how in [&["--cone", "src"][..], &["--cone", "--sparse-index", "src", "bin"], &["--no-cone", "/*", "!/deploy/"]]
    {
        let sandbox = Sandbox::new();
        shop(&sandbox, "shop");
        sandbox.git("shop", &[&["sparse-checkout", "set"], how].concat());
        assert!(!sandbox.path("shop/deploy").exists());
        // Nothing differs, and no file is missed.
        let old = sandbox.path("../pack").canonicalize().unwrap();
        let said = sandbox.with(&old, "diff").in_folder("shop").ok();
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""), "{how:?}");
        let words = ["outside of the sparse checkout: ", "deploy/a/x, deploy/y", "sparse-checkout add "];
        is_refused_then_made(&sandbox, "shop", &words, || follow(&sandbox, "shop", &update(&sandbox, "shop")));
    }
}

#[test]
fn a_blueprint_or_a_lock_that_is_not_checked_out_is_named() {
    let sandbox = Sandbox::new();
    shop(&sandbox, "shop");
    sandbox.git("shop", &["sparse-checkout", "set", "--no-cone", "/src/"]);
    let said =
        update(&sandbox, "shop").says(&["service.toml: not checked out", "git sparse-checkout add service.toml"]);
    assert_eq!(said.code(), Some(1));
    follow(&sandbox, "shop", &said);
    // It counts as a repository, so that a mistyped verb creates nothing.
    assert!(!sandbox.path("shop/.new-service").exists());
    sandbox.run("udpate").in_folder("shop").fails(2, &["no verb \"udpate\" (did you mean \"update\"?)"]);
    sandbox.run("other").in_folder("shop").fails(2, &["other"]);
}

#[test]
fn in_a_folder_of_a_larger_repository_and_in_a_worktree_of_it() {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "mono"]);
    shop(&sandbox, "mono/services/shop");
    sandbox.git("mono", &["worktree", "add", "--quiet", "../tree"]);
    for tree in ["mono", "tree"] {
        let folder = format!("{tree}/services/shop");
        sandbox.git(tree, &["sparse-checkout", "set", "services/shop/src", "services/shop/.new-service"]);
        let words = ["outside of the sparse checkout: bin/run, deploy/a/x, deploy/y", " services/shop/deploy"];
        let neighbour = if tree == "mono" { "tree" } else { "mono" };
        let unseen = sandbox.files(neighbour);
        is_refused_then_made(&sandbox, &folder, &words, || follow(&sandbox, &folder, &update(&sandbox, &folder)));
        assert_eq!(sandbox.files(neighbour), unseen);
    }
}

#[test]
fn in_a_submodule() {
    let sandbox = Sandbox::new();
    shop(&sandbox, "shop");
    sandbox.git("", &["init", "--quiet", "outer"]);
    let url = sandbox.path("shop").display().to_string();
    sandbox.git("outer", &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "inner"]);
    sandbox.git("outer/inner", &["sparse-checkout", "set", "src", ".new-service", "bin"]);
    let words = ["outside of the sparse checkout: deploy/a/x, deploy/y", "sparse-checkout add deploy;"];
    is_refused_then_made(&sandbox, "outer/inner", &words, || {
        follow(&sandbox, "outer/inner", &update(&sandbox, "outer/inner"));
    });
}

#[test]
fn a_new_file_outside_of_a_sparse_checkout_is_none_that_git_would_take_in() {
    let sandbox = Sandbox::new();
    shop(&sandbox, "shop");
    sandbox.git("shop", &["sparse-checkout", "set", "src", ".new-service", "bin", "deploy"]);
    let new = pack(&sandbox, "0.2.0", &[&OLD[..], &[("charts/new", "1\n")]].concat());
    let said = update(&sandbox, "shop").says(&["outside of the sparse checkout: charts/new"]);
    assert_eq!(said.code(), Some(1));
    follow(&sandbox, "shop", &said);
    sandbox.with(&new, "update").in_folder("shop").ok();
    sandbox.commit("shop");
    assert_eq!(sandbox.git("shop", &["ls-files", "charts"]), "charts/new");
}

#[test]
fn a_file_that_the_template_drops_is_refused_there_too() {
    let sandbox = Sandbox::new();
    shop(&sandbox, "shop");
    sandbox.git("shop", &["sparse-checkout", "set", "src", ".new-service", "bin"]);
    let new = pack(&sandbox, "0.2.0", &[OLD[0], OLD[2], OLD[3]]);
    let said = update(&sandbox, "shop").says(&["outside of the sparse checkout: deploy/a/x\n"]);
    assert_eq!(said.code(), Some(1));
    follow(&sandbox, "shop", &said);
    sandbox.with(&new, "update").in_folder("shop").ok().says(&["delete       deploy/a/x"]);
    sandbox.commit("shop");
    assert_eq!(sandbox.git("shop", &["ls-files", "deploy"]), "deploy/y");
}

#[test]
fn a_file_that_the_template_moves_takes_along_what_is_not_checked_out() {
    let sandbox = Sandbox::new();
    shop(&sandbox, "shop");
    sandbox.git("shop", &["sparse-checkout", "set", "src", ".new-service", "bin"]);
    let layer = "title = \"Core\"\n[files.\"src/y\"]\nmoved_from = [\"deploy/y\"]\n";
    let files = [("bin/run", "1\n"), ("deploy/a/x", "1\n"), ("src/y", "0\n1\n2\n3\n"), ("src/z", "1\n")];
    let new = pack(&sandbox, "0.2.0", &files);
    let text = sandbox.read("../pack/layers/core/layer.toml");
    sandbox.write("../pack/layers/core/layer.toml", text + layer.split_once('\n').unwrap().1);
    let said = update(&sandbox, "shop").says(&["outside of the sparse checkout: deploy/y\n"]);
    assert_eq!(said.code(), Some(1));
    follow(&sandbox, "shop", &said);
    sandbox.with(&new, "update").in_folder("shop").ok().says(&["merge        deploy/y -> src/y"]);
    assert_eq!(sandbox.read("shop/src/y"), "0\n1\n2\n3\nmine\n");
    sandbox.commit("shop");
    assert_eq!(sandbox.git("shop", &["ls-files", "deploy"]), "deploy/a/x");
}

#[test]
fn a_mark_in_the_index_hides_a_file_and_does_not_delete_it() {
    for mark in ["--skip-worktree", "--assume-unchanged"] {
        let sandbox = Sandbox::new();
        shop(&sandbox, "shop");
        for path in ["deploy/a/x", "deploy/y"] {
            sandbox.git("shop", &["update-index", mark, path]);
            fs::remove_file(sandbox.path("shop").join(path)).unwrap();
        }
        let words = ["not checked out, by a mark in git's index: deploy/a/x, deploy/y", &format!("--no{}", &mark[1..])];
        is_refused_then_made(&sandbox, "shop", &words, || follow(&sandbox, "shop", &update(&sandbox, "shop")));
    }
}

#[test]
fn a_change_that_git_does_not_look_for_is_told() {
    let sandbox = Sandbox::new();
    shop(&sandbox, "shop");
    sandbox.git("shop", &["update-index", "--assume-unchanged", "deploy/a/x"]);
    sandbox.git("shop", &["update-index", "--skip-worktree", "deploy/y"]);
    let new = pack(&sandbox, "0.2.0", &NEW);
    let command = "git update-index --no-skip-worktree deploy/y && git update-index --no-assume-unchanged deploy/a/x";
    let said = sandbox.with(&new, "update").in_folder("shop").ok();
    said.says(&["git does not look for changes of deploy/a/x, deploy/y; to commit them: ", command]);
    assert!(!sandbox.git("shop", &["status", "--porcelain"]).contains("deploy"));
    let done = sandbox.clean("sh").current_dir(sandbox.path("shop")).args(["-c", command]).status().unwrap();
    assert!(done.success());
    sandbox.commit("shop");
    assert_eq!(sandbox.git("shop", &["show", "HEAD:deploy/a/x"]), "2");
    // And what is not marked is not told.
    let said = sandbox.with(&new, "update").in_folder("shop").ok();
    assert!(!said.err.contains("look for"), "{said:?}");
}

/// What the team may have done elsewhere cannot be told, and is not taken for done.
#[test]
fn a_search_that_does_not_see_all_says_so() {
    let sandbox = Sandbox::new();
    shop(&sandbox, "shop");
    sandbox.git("shop", &["mv", "src/z", "deploy/moved"]);
    sandbox.commit("shop");
    sandbox.git("shop", &["sparse-checkout", "set", ".new-service", "bin"]);
    let new = pack(&sandbox, "0.2.0", &[OLD[0], OLD[1], OLD[2], NEW[3]]);
    let said = sandbox.with(&new, "update").in_folder("shop").ok();
    said.says(&["keep-deleted src/z", "files that are not checked out were not searched for files that you moved: 1"]);
}

/// A lock file, a file that the template itself keeps out, and a rule of its own that goes too far.
const LOCKED: [(&str, &str); 4] =
    [("Cargo.lock", "1\n"), ("bin/run", "1\n"), ("local", "1\n"), (".gitignore.tera", "/local\nlock\n")];

/// Every file of the folder, but for what the template's own rules keep out.
fn all_but_local(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let mut files: Vec<String> = sandbox.files(folder).into_keys().collect();
    files.retain(|path| path != "local");
    files
}

fn tracked(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let listed = sandbox.git(folder, &["ls-files"]);
    let mut paths: Vec<String> = listed.lines().map(str::to_owned).collect();
    paths.sort();
    paths
}

/// Runs the command at the end of the only note about rules.
fn force(sandbox: &Sandbox, folder: &str, said: &Outcome) {
    let command = said.err.lines().find_map(|line| Some(line.split_once("what belongs together: ")?.1)).unwrap();
    let done = sandbox.clean("sh").current_dir(sandbox.path(folder)).args(["-c", command]).status().unwrap();
    assert!(done.success(), "{command}");
}

#[test]
fn the_first_commit_has_every_file_whatever_a_person_ignores() {
    let sandbox = Sandbox::new();
    let pack = pack(&sandbox, "0.1.0", &LOCKED);
    // Rules of the person, and rules that each new repository begins with.
    let rules = sandbox.write("../home/rules", "*.lock\nbase/\n.new-service/\n");
    let exclude = sandbox.write("../home/template/info/exclude", "service.toml\n");
    let template = exclude.parent().unwrap().parent().unwrap().to_owned();
    sandbox.git("", &["config", "--global", "core.excludesFile", rules.to_str().unwrap()]);
    sandbox.git("", &["config", "--global", "init.templateDir", template.to_str().unwrap()]);
    sandbox.with(&pack, "shop").ok().says(&["git: initialised, with a first commit"]);
    assert_eq!(tracked(&sandbox, "shop"), all_but_local(&sandbox, "shop"));
    assert_eq!(sandbox.git("shop", &["ls-tree", "-r", "--name-only", "HEAD"]), sandbox.git("shop", &["ls-files"]));
    assert_eq!(sandbox.git("shop", &["status", "--porcelain"]), "");
    // A clone is whole.
    sandbox.git("", &["clone", "--quiet", "shop", "clone"]);
    sandbox.with(&pack, "diff").in_folder("clone").ok();

    // A list that was there before.
    sandbox.write("kept/.gitignore", "*.lock\nlocal\nnotes\n");
    sandbox.write("kept/notes", "mine\n");
    sandbox.with(&pack, "kept --keep-existing").ok();
    let tracked = tracked(&sandbox, "kept");
    assert!(tracked.contains(&"Cargo.lock".into()) && tracked.contains(&".new-service/lock".into()), "{tracked:?}");
    assert!(!tracked.contains(&"notes".into()), "{tracked:?}");
}

#[test]
fn a_surrounding_repository_that_ignores_files_is_told_of() {
    let sandbox = Sandbox::new();
    let pack = pack(&sandbox, "0.1.0", &LOCKED);
    sandbox.git("", &["init", "--quiet", "mono"]);
    sandbox.write("mono/.gitignore", "*.lock\n");
    sandbox.write("mono/.git/info/exclude", "base/\n");
    let said = sandbox.with(&pack, "mono/services/shop").ok();
    let rules = "(.git/info/exclude:1: base/; .gitignore:1: *.lock; services/shop/.gitignore:2: lock)";
    let command = "git add --force .new-service/base .new-service/lock Cargo.lock";
    let said = said.says(&["git ignores Cargo.lock, .new-service ", rules, command]);
    force(&sandbox, "mono/services/shop", &said);
    sandbox.commit("mono");
    assert_eq!(tracked(&sandbox, "mono/services/shop"), all_but_local(&sandbox, "mono/services/shop"));
    // A fresh clone with a list of its own.
    sandbox.git("", &["init", "--quiet", "clone"]);
    sandbox.write("clone/.gitignore", "Cargo.lock\n");
    let said = sandbox.with(&pack, "clone --keep-existing").ok();
    said.says(&["git ignores Cargo.lock (.gitignore:1: Cargo.lock)"]);
    let json = sandbox.with(&pack, "mono/other --json").ok().json();
    assert!(json["notes"].to_string().contains("git ignores Cargo.lock"), "{json}");
}

#[test]
fn a_change_with_files_that_are_ignored_is_told() {
    let sandbox = Sandbox::new();
    let old = pack(&sandbox, "0.1.0", &LOCKED);
    sandbox.with(&old, "shop").ok();
    let rules = sandbox.write("../home/rules", "*.lock\nbase/\n");
    sandbox.git("", &["config", "--global", "core.excludesFile", rules.to_str().unwrap()]);
    // What is tracked is never ignored.
    sandbox.with(&old, "apply").in_folder("shop").ok();
    let new = [("Cargo.lock", "2\n"), ("other.lock", "1\n"), ("local", "2\n"), LOCKED[1], LOCKED[3]];
    let new = pack(&sandbox, "0.2.0", &new);
    for line in ["diff", "update --dry-run", "update"] {
        let said = sandbox.with(&new, line).in_folder("shop").finish();
        let said = said.says(&["git ignores other.lock, .new-service (", "rules:1: *.lock", "rules:2: base/"]);
        if line == "update" {
            force(&sandbox, "shop", &said);
        }
    }
    sandbox.commit("shop");
    assert_eq!(tracked(&sandbox, "shop"), all_but_local(&sandbox, "shop"));
    let said = sandbox.with(&new, "update").in_folder("shop").ok();
    assert!(!said.err.contains("ignores"), "{said:?}");
}

/// A repository that a person made of the files, without those that are ignored.
#[test]
fn a_lock_that_was_never_committed_is_told_with_the_next_change() {
    let sandbox = Sandbox::new();
    sandbox.with(&pack(&sandbox, "0.1.0", &LOCKED), "shop --no-git").ok();
    let rules = sandbox.write("../home/rules", "lock\n");
    sandbox.git("", &["config", "--global", "core.excludesFile", rules.to_str().unwrap()]);
    sandbox.git("shop", &["init", "--quiet"]);
    sandbox.commit("shop");
    pack(&sandbox, "0.2.0", &LOCKED);
    let said = update(&sandbox, "shop").says(&["git ignores .new-service (", "git add --force .new-service/lock"]);
    force(&sandbox, "shop", &said);
    sandbox.commit("shop");
    assert_eq!(tracked(&sandbox, "shop"), all_but_local(&sandbox, "shop"));
}

#[cfg(unix)]
mod modes {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// Gives all files one mode, as a share of Windows shows them.
    fn all_are(sandbox: &Sandbox, folder: &str, mode: u32) {
        for path in sandbox.files(folder).keys() {
            fs::set_permissions(sandbox.path(folder).join(path), fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    /// The modes in the index of files that can be run.
    fn executable(sandbox: &Sandbox, folder: &str) -> Vec<String> {
        let listed = sandbox.git(folder, &["ls-files", "--stage"]);
        let runs = listed.lines().filter_map(|line| line.strip_prefix("100755 ")?.split_once('\t'));
        runs.map(|(_, path)| path.to_owned()).collect()
    }

    /// A repository whose files have one mode on disk, whatever they are.
    fn shop_without_modes(sandbox: &Sandbox, mode: u32) {
        sandbox.with(&pack(sandbox, "0.1.0", &[&OLD[..], &[("bin/old", "1\n")]].concat()), "shop").ok();
        sandbox.git("shop", &["config", "core.fileMode", "false"]);
        all_are(sandbox, "shop", mode);
        assert_eq!(sandbox.git("shop", &["status", "--porcelain"]), "");
    }

    #[test]
    fn files_that_the_template_drops_go() {
        for mode in [0o755, 0o644] {
            let sandbox = Sandbox::new();
            shop_without_modes(&sandbox, mode);
            pack(&sandbox, "0.2.0", &[OLD[0], OLD[3]]);
            let said = update(&sandbox, "shop");
            assert_eq!(said.code(), Some(0), "{said:?}");
            let said = said.says(&["delete       deploy/a/x", "delete       deploy/y", "delete       bin/old"]);
            assert!(!said.err.contains("keep") && !said.err.contains("bin/run"), "{said:?}");
            sandbox.commit("shop");
            assert_eq!(executable(&sandbox, "shop"), ["bin/run"]);
        }
    }

    #[test]
    fn a_mode_that_the_template_changes_comes_by_the_index() {
        for mode in [0o755, 0o644] {
            let sandbox = Sandbox::new();
            shop_without_modes(&sandbox, mode);
            let files = [&OLD[..], &[("bin/old", "1\n")]].concat();
            // One that is changed otherwise, too, and a new one.
            let more = [&[("bin/run", "2\n"), ("bin/new", "1\n")], &files[1..]].concat();
            for (number, files, bits, expected) in [
                ("0.2.0", &files, "644", &[][..]),
                ("0.3.0", &files, "755", &["bin/old", "bin/run"]),
                ("0.4.0", &more, "755", &["bin/new", "bin/old", "bin/run"]),
                ("0.5.0", &more, "644", &[]),
            ] {
                let new = pack_with_mode(&sandbox, number, files, bits);
                let (before, index) = (sandbox.files("shop"), sandbox.git("shop", &["ls-files", "--stage"]));
                let said = update(&sandbox, "shop");
                assert_eq!(said.code(), Some(0), "{said:?}");
                assert_eq!(executable(&sandbox, "shop"), expected, "{number} {mode:o}");
                // Taken back, though the file system has its own mind of every mode.
                all_are(&sandbox, "shop", mode);
                let said = sandbox.run("undo").in_folder("shop").ok();
                assert!(!said.err.contains("was changed since"), "{said:?}");
                assert_eq!(sandbox.files("shop"), before);
                assert_eq!(sandbox.git("shop", &["ls-files", "--stage"]), index);
                assert_eq!(update(&sandbox, "shop").code(), Some(0));
                all_are(&sandbox, "shop", mode);
                sandbox.commit("shop");
                assert_eq!(executable(&sandbox, "shop"), expected, "{number} {mode:o}");
                let said = sandbox.with(&new, "diff").in_folder("shop").ok();
                assert_eq!(said.out, "");
            }
        }
    }

    #[test]
    fn what_the_team_has_set_in_the_index_stays() {
        let sandbox = Sandbox::new();
        shop_without_modes(&sandbox, 0o755);
        sandbox.git("shop", &["update-index", "--chmod=-x", "bin/old"]);
        sandbox.git("shop", &["update-index", "--chmod=+x", "deploy/a/x"]);
        sandbox.commit("shop");
        let new = [&NEW[..], &[("bin/old", "2\n")]].concat();
        pack(&sandbox, "0.2.0", &new);
        assert_eq!(update(&sandbox, "shop").code(), Some(0));
        assert_eq!((sandbox.read("shop/bin/old"), sandbox.read("shop/deploy/a/x")), ("2\n".into(), "2\n".into()));
        sandbox.commit("shop");
        assert_eq!(executable(&sandbox, "shop"), ["bin/run", "deploy/a/x"]);
        // A file of another mode than the template's is the team's.
        pack(&sandbox, "0.3.0", &[OLD[0]]);
        let said = update(&sandbox, "shop");
        said.says(&["keep         bin/old", "keep         deploy/a/x", "delete       src/z"]);
    }

    #[test]
    fn a_change_that_was_cut_off_is_finished_though_no_mode_stays() {
        for die_at in (2..60).step_by(3) {
            let sandbox = Sandbox::new();
            shop_without_modes(&sandbox, 0o755);
            let new = pack(&sandbox, "0.2.0", &[&NEW[..], &[("bin/new", "1\n"), ("src/new", "1\n")]].concat());
            let run = sandbox.with(&new, "update").in_folder("shop").env("NEW_SERVICE_DIE_AT", die_at.to_string());
            let ended = run.finish();
            all_are(&sandbox, "shop", 0o755);
            if ended.code() == Some(0) {
                assert!(die_at > 8, "it dies somewhere");
                return;
            }
            sandbox.with(&new, "update --allow-dirty").in_folder("shop").ok();
            sandbox.with(&new, "update --allow-dirty").in_folder("shop").ok().says(&["Nothing to do"]);
            sandbox.commit("shop");
            assert_eq!(executable(&sandbox, "shop"), ["bin/new", "bin/run"], "{die_at}");
        }
        panic!("it never came to an end");
    }

    #[test]
    fn without_git_a_lock_that_can_be_run_tells_as_much() {
        let sandbox = Sandbox::new();
        let files = [&OLD[..], &[("bin/old", "1\n")]].concat();
        sandbox.with(&pack(&sandbox, "0.1.0", &files), "shop --no-git").ok();
        all_are(&sandbox, "shop", 0o755);
        pack(&sandbox, "0.2.0", &[OLD[0], OLD[3]]);
        let said = update(&sandbox, "shop").says(&["delete       deploy/a/x", "delete       bin/old"]);
        assert!(!said.err.contains("keep"), "{said:?}");
    }

    /// A git that sees a file system which shows every file as one that can be run.
    fn on_a_share(sandbox: &Sandbox) -> PathBuf {
        let script = "git=$(PATH=${PATH#*:} command -v git)\n\"$git\" \"$@\" || exit\n\
            [ \"$1\" != init ] || { chmod -R 755 . && \"$git\" config core.fileMode false; }";
        sandbox.stub("git", script)
    }

    #[test]
    fn the_first_commit_knows_what_can_be_run() {
        let sandbox = Sandbox::new();
        let pack = pack(&sandbox, "0.1.0", &OLD);
        let stub = on_a_share(&sandbox);
        sandbox.with(&pack, "shop").first_in_path(&stub).ok();
        assert_eq!(sandbox.git("shop", &["config", "core.fileMode"]), "false");
        assert_eq!(executable(&sandbox, "shop"), ["bin/run"]);
        assert_eq!(sandbox.git("shop", &["status", "--porcelain"]), "");
        sandbox.with(&pack, "diff").in_folder("shop").ok();
    }
}

/// Each process takes milliseconds, and `diff` runs on every pull request.
#[cfg(unix)]
#[test]
fn where_nothing_differs_git_is_asked_no_more() {
    let sandbox = Sandbox::new();
    sandbox.run("shop --yes").ok();
    let calls = sandbox.path("../calls");
    let script = format!("echo \"$1\" >> '{}'\nPATH=${{PATH#*:}} exec git \"$@\"", calls.display());
    let stub = sandbox.stub("git", &script);
    sandbox.run("diff").in_folder("shop").first_in_path(&stub).ok();
    assert_eq!(fs::read_to_string(calls).unwrap(), "rev-parse\nrev-list\nstatus\n");
}

/// Where git writes a link as a file that holds its path, as on Windows, it is a link all the same.
#[cfg(unix)]
#[test]
fn a_link_that_is_checked_out_as_a_file_is_not_merged_into() {
    let sandbox = Sandbox::new();
    shop(&sandbox, "shop");
    fs::remove_file(sandbox.path("shop/src/z")).unwrap();
    std::os::unix::fs::symlink("../deploy/y", sandbox.path("shop/src/z")).unwrap();
    sandbox.commit("shop");
    sandbox.git("shop", &["config", "core.symlinks", "false"]);
    fs::remove_file(sandbox.path("shop/src/z")).unwrap();
    sandbox.git("shop", &["checkout", "--", "src/z"]);
    assert_eq!(sandbox.read("shop/src/z"), "../deploy/y");
    pack(&sandbox, "0.2.0", &NEW);
    let said = update(&sandbox, "shop").says(&["beside       src/z.new"]);
    assert_eq!(said.code(), Some(3));
    assert_eq!((sandbox.read("shop/src/z"), sandbox.read("shop/src/z.new")), ("../deploy/y".into(), "2\n".into()));
}

/// `core.autocrlf` turns every file round, also those that new-service alone writes to.
#[test]
fn line_ends_that_git_turns_round_are_no_change() {
    let sandbox = Sandbox::new();
    shop(&sandbox, "shop");
    sandbox.git("shop", &["config", "core.autocrlf", "true"]);
    fs::remove_file(sandbox.path("shop/.git/index")).unwrap();
    sandbox.git("shop", &["reset", "--quiet", "--hard"]);
    assert!(sandbox.read("shop/service.toml").contains("\r\n") && sandbox.read("shop/src/z").contains("\r\n"));
    let old = sandbox.path("../pack").canonicalize().unwrap();
    let said = sandbox.with(&old, "diff").in_folder("shop").ok();
    assert_eq!(said.out, "");
    let new = pack(&sandbox, "0.2.0", &NEW[..3]);
    let said = sandbox.with(&new, "update").in_folder("shop").ok();
    said.says(&["update       deploy/a/x", "merge        deploy/y", "delete       src/z"]);
    for path in ["service.toml", ".new-service/lock", "deploy/a/x", "deploy/y"] {
        let text = sandbox.read(&format!("shop/{path}"));
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{path}");
    }
    assert_eq!(sandbox.with(&new, "diff").in_folder("shop").ok().out, "");
    sandbox.commit("shop");
    assert_eq!(sandbox.git("shop", &["show", "HEAD:deploy/y"]), "0\n1\n2\n3\nmine");
}
