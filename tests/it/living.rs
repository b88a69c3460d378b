//! A repository that lives: answers, resources and templates change, and what people wrote stays.

use std::fs;

use crate::support::{Run, Sandbox, python_tool};

/// 2026-11-22T10:15:00Z.
const EPOCH: &str = "1795342500";

/// A sandbox with the Python tool in `shop`.
fn shop(line: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.tool(&format!("shop {line}")).ok();
    sandbox
}

fn inside<'a>(sandbox: &'a Sandbox, line: &str) -> Run<'a> {
    sandbox.tool(line).in_folder("shop").env("SOURCE_DATE_EPOCH", EPOCH)
}

/// A pack of one's own whose files can be changed between two commands.
fn version<'a>(number: &'a str, files: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
    let manifest = format!("name = \"small\"\nversion = \"{number}\"\nedition = 2\n");
    let files = files.iter().map(|(path, text)| (*path, (*text).to_owned()));
    std::iter::once(("pack.toml", manifest)).chain(files).collect()
}

fn packed(sandbox: &Sandbox, number: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
    let files = version(number, files);
    sandbox.pack(&files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>())
}

#[test]
fn add_and_remove_change_what_the_answers_change_and_nothing_else() {
    let sandbox = shop("");
    let before = sandbox.files("shop");
    let said = inside(&sandbox, "add commands=serve publish=true").ok();
    assert_eq!(said.out, "", "talk goes to standard error");
    let said = said.says(&[
        "Changed shop by python-tool 0.2.0 (core, commands, publish)",
        "create       src/serve.py",
        "update       src/main.py",
    ]);
    assert!(!said.err.contains("pyproject"), "what does not change is not told: {}", said.err);
    assert!(sandbox.read("shop/service.toml").contains("commands = [\"run\", \"serve\"]"));

    let fresh = Sandbox::new();
    fresh.tool("shop --commands run,serve --publish").ok();
    assert_eq!(sandbox.files("shop"), fresh.files("shop"), "as if it had been made so");

    sandbox.commit("shop");
    inside(&sandbox, "remove commands=serve publish").ok().says(&["delete       src/serve.py"]);
    assert_eq!(sandbox.files("shop"), before, "as if it had never been added");
    inside(&sandbox, "apply --allow-dirty").ok().says(&["Nothing to do"]);
}

#[test]
fn comments_and_the_order_of_the_blueprint_stay() {
    let sandbox = shop("");
    let mine = "# Ours.\nname = \"shop\" # the shop\n\n[answers]\n# why three\npublish = false\ncommands = [\n  \"run\", # daily\n]\n\
                summary = 'Shop, a tool'\n\n[template]\nname = \"python-tool\"\n";
    sandbox.write("shop/service.toml", mine);
    inside(&sandbox, "add commands=serve publish=true").ok();
    let expected = mine
        .replace("publish = false", "publish = true")
        .replace("  \"run\", # daily\n", "  \"run\", # daily\n  \"serve\",\n")
        .replace("name = \"python-tool\"\n", "name = \"python-tool\"\nversion = \"0.2.0\"\n");
    let text = sandbox.read("shop/service.toml");
    for line in expected.lines() {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(text.contains("retries = 3"), "what is asked now has its answer there:\n{text}");
}

#[test]
fn by_hand_then_apply() {
    let sandbox = shop("");
    let edited = sandbox.read("shop/service.toml").replace("commands = [\"run\"]", "commands = [\"run\", \"check\"]");
    sandbox.write("shop/service.toml", edited);
    inside(&sandbox, "diff").ends(4);
    inside(&sandbox, "apply").ok().says(&["create       src/check.py"]);
    inside(&sandbox, "diff").ok();
    sandbox.write("shop/service.toml", sandbox.read("shop/service.toml").replace("commands", "comands"));
    sandbox.commit("shop");
    inside(&sandbox, "apply").fails(1, &["service.toml:17:1: unknown answer \"comands\" (did you mean \"commands\"?)"]);
}

#[test]
fn what_both_changed_is_left_as_git_leaves_it() {
    let sandbox = shop("--commands run,serve");
    sandbox.write("shop/src/main.py", sandbox.read("shop/src/main.py").replace("\"serve\"", "\"serve!\""));
    sandbox.write("shop/mine.txt", "mine\n");
    sandbox.commit("shop");
    let before = sandbox.files("shop");
    let index = sandbox.git("shop", &["ls-files", "--stage"]);
    let said = inside(&sandbox, "remove commands=serve").ends(3);
    let said = said.says(&["conflict     src/main.py", "1 file is left to resolve", "git add src/main.py"]);
    assert_eq!(said.out, "");
    let main = sandbox.read("shop/src/main.py");
    assert!(
        main.contains("<<<<<<< yours\n    found.append(\"serve!\")\n||||||| python-tool 0.2.0, before\n"),
        "{main}"
    );
    assert!(sandbox.git("shop", &["status", "--porcelain"]).contains("UU src/main.py"));
    let stage = |number: u8| sandbox.git("shop", &["show", &format!(":{number}:src/main.py")]);
    assert!(stage(1).contains("\"serve\"") && stage(2).contains("\"serve!\"") && !stage(3).contains("serve"));

    // Nothing more before it is resolved, whatever is allowed.
    inside(&sandbox, "add publish=true --allow-dirty").fails(1, &["src/main.py: a conflict is not resolved"]);
    inside(&sandbox, "apply --abort").ok().says(&["Taken back: `new-service remove commands=serve`"]);
    assert_eq!(sandbox.files("shop"), before);
    assert_eq!(sandbox.git("shop", &["ls-files", "--stage"]), index);
    assert_eq!(sandbox.git("shop", &["status", "--porcelain"]), "");

    // Resolved and committed, it is settled, and the same again has nothing to do.
    inside(&sandbox, "remove commands=serve").ends(3);
    sandbox.write("shop/src/main.py", before["src/main.py"].as_slice());
    sandbox.commit("shop");
    inside(&sandbox, "apply --abort").fails(1, &["is settled: a commit was made since"]);
    inside(&sandbox, "remove commands=serve").fails(2, &["\"serve\" is not in it"]);
    inside(&sandbox, "apply").ok().says(&["Nothing to do"]);
}

#[test]
fn what_is_not_committed_is_in_the_way_unless_it_may_be() {
    let sandbox = shop("");
    sandbox.write("shop/README.rst", "mine\n");
    inside(&sandbox, "add publish=true").fails(1, &["README.rst: is changed, and not committed", "--allow-dirty"]);
    inside(&sandbox, "add publish=true --allow-dirty").ok();
    assert_eq!(sandbox.read("shop/README.rst"), "mine\n");
    // What git does not know is nobody's business.
    sandbox.commit("shop");
    sandbox.write("shop/untracked", "x");
    inside(&sandbox, "remove publish").ok();
}

#[test]
fn dry_run_diff_and_json_say_what_is_done() {
    let sandbox = shop("");
    let before = sandbox.files("shop");
    let line = "add commands=serve publish=true";
    let listed = inside(&sandbox, &format!("{line} --dry-run")).ok();
    let diff = inside(&sandbox, &format!("{line} --diff")).ok();
    let dry = inside(&sandbox, &format!("{line} --dry-run --json")).ok().json();
    assert_eq!(sandbox.files("shop"), before, "nothing is written");
    assert!(!sandbox.path("shop/.git/new-service").exists(), "not even a journal");

    sandbox.tool("patched").ok();
    sandbox.write("../the.diff", &diff.out);
    sandbox.git("patched", &["apply", "../../the.diff"]);
    let mut real = inside(&sandbox, &format!("{line} --json")).ok().json();
    let mut dry = dry;
    assert_eq!((dry["written"].take(), real["written"].take()), (false.into(), true.into()));
    assert_eq!(dry, real);
    for (path, content) in sandbox.files("shop").iter().filter(|(path, _)| !path.starts_with(".new-service/")) {
        // The name of the folder is that of the service.
        let patched = sandbox.path("patched").join(path);
        if !["pyproject.toml", "service.toml", "README.rst", "src/main.py", "src/serve.py", "NEWS", "src/run.py"]
            .contains(&path.as_str())
        {
            assert_eq!(&fs::read(patched).unwrap(), content, "{path}");
        }
    }
    let action = |path: &str| {
        let files = real["files"].as_array().unwrap();
        files.iter().find(|file| file["path"] == path).map(|file| file["action"].as_str().unwrap().to_owned())
    };
    assert_eq!(action("src/serve.py").as_deref(), Some("create"));
    assert_eq!(action("src/main.py").as_deref(), Some("update"));
    assert_eq!(action("NEWS").as_deref(), Some("unchanged"));
    assert_eq!(real["counts"]["create"], listed.out.matches("  create ").count());
    assert_eq!((&real["command"], &real["conflicts"], &real["changes"]), (&"add".into(), &0.into(), &true.into()));
    inside(&sandbox, "diff --json").ok();
}

#[test]
fn a_newer_template_comes_by_update_alone_and_never_an_older_one() {
    let sandbox = Sandbox::new();
    let core = [("layers/core/files/a.txt", "one\ntwo\nthree\nfour\nfive\n"), ("layers/core/files/gone.txt", "x\n")];
    let pack = packed(&sandbox, "0.3.1", &core);
    sandbox.with(&pack, "shop").ok();
    sandbox.write("shop/a.txt", "one\ntwo\nthree\nfour\nmine\n");
    sandbox.commit("shop");
    let pack = packed(&sandbox, "0.4.0", &[("layers/core/files/a.txt", "zero\none\ntwo\nthree\nfour\nfive\n")]);
    for line in ["apply", "add x=1"] {
        let outcome = sandbox.with(&pack, line).in_folder("shop").finish();
        assert_eq!(outcome.code(), Some(1));
        outcome.says(&["this repo is at 0.3.1, its template is at 0.4.0", "run `new-service update` first"]);
    }
    sandbox.with(&pack, "diff").in_folder("shop").ends(4);
    sandbox.with(&pack, "update").in_folder("shop").ok().says(&[
        "0.3.1 → 0.4.0",
        "merge        a.txt",
        "delete       gone.txt",
    ]);
    assert_eq!(sandbox.read("shop/a.txt"), "zero\none\ntwo\nthree\nfour\nmine\n");
    assert!(sandbox.read("shop/service.toml").contains("version = \"0.4.0\""));
    sandbox.commit("shop");
    let pack = packed(&sandbox, "0.3.1", &core);
    sandbox.with(&pack, "update").in_folder("shop").fails(1, &["at 0.4.0", "its template is at 0.3.1, which is older"]);
}

/// What a binary carries, another version of it may carry otherwise.
#[test]
fn another_version_of_the_binary_is_named_with_the_command_that_installs_it() {
    let sandbox = Sandbox::new();
    sandbox.run("shop --yes").ok();
    let lock = sandbox.read("shop/.new-service/lock");
    let line = |word: &str| lock.lines().find(|line| line.starts_with(word)).unwrap();
    let at = |version: &str| {
        let pack = line("pack ").rsplit_once(' ').unwrap().0;
        let other = lock.replace(line("pack "), &format!("{pack} {version}"));
        sandbox.write("shop/.new-service/lock", other.replace(line("digest "), "digest sha256:0"));
        sandbox.run("apply --allow-dirty").in_folder("shop").ends(1)
    };
    at("0.0.1").says(&["this repo is at 0.0.1, this binary carries", "or `cargo install new-service@0.0.1`"]);
    at("9.0.0").says(&["this repo is at 9.0.0, and this binary carries", "which is older"]);
    at(line("pack ").rsplit_once(' ').unwrap().1).says(&["and so is this binary, but their files differ"]);
}

const OLD: [(&str, &str); 12] = [
    (
        "layers/core/layer.toml",
        "title = \"x\"\n[files.\"once\"]\npolicy = \"once\"\n[files.\"kept\"]\npolicy = \"append\"\n[files.\"run\"]\nmode = \"755\"\n",
    ),
    ("layers/core/files/once", "1\n"),
    ("layers/core/files/kept", "1\n"),
    ("layers/core/files/run", "1\n"),
    ("layers/core/files/deleted", "1\n"),
    ("layers/core/files/untouched", "1\n"),
    ("layers/core/files/gone", "1\n"),
    ("layers/core/files/gone-changed", "1\n"),
    ("layers/core/files/crlf", "a\nb\nc\n"),
    ("layers/core/files/last", "a\nb\nc\n"),
    ("layers/core/files/old-name", "a\nb\nc\n"),
    ("layers/core/files/link", "1\n"),
];
const NEW: [(&str, &str); 12] = [
    (
        "layers/core/layer.toml",
        "title = \"x\"\n[files.\"once\"]\npolicy = \"once\"\n[files.\"kept\"]\npolicy = \"append\"\n[files.\"new-name\"]\nmoved_from = \"old-name\"\n",
    ),
    ("layers/core/files/once", "2\n"),
    ("layers/core/files/kept", "2\n"),
    ("layers/core/files/run", "1\n"),
    ("layers/core/files/deleted", "2\n"),
    ("layers/core/files/untouched", "2\n"),
    ("layers/core/files/crlf", "0\na\nb\nc\n"),
    ("layers/core/files/last", "a\nb\nc\nd\n"),
    ("layers/core/files/added", "theirs\n"),
    ("layers/core/files/deep/new", "2\n"),
    ("layers/core/files/new-name", "0\na\nb\nc\n"),
    ("layers/core/files/link", "2\n"),
];

/// Each row of the merge's rules, by files of one pack.
#[test]
fn every_file_is_merged_by_its_rule() {
    let sandbox = Sandbox::new();
    let pack = packed(&sandbox, "0.1.0", &OLD);
    sandbox.with(&pack, "shop").ok();
    for (path, text) in [
        ("once", "mine\n"),
        ("gone-changed", "mine\n"),
        ("crlf", "a\r\nb\r\nmine\r\n"),
        ("last", "0\na\nb\nc"),
        ("added", "mine\n"),
        ("old-name", "a\nb\nmine\n"),
    ] {
        sandbox.write(&format!("shop/{path}"), text);
    }
    fs::remove_file(sandbox.path("shop/deleted")).unwrap();
    fs::remove_file(sandbox.path("shop/link")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("once", sandbox.path("shop/link")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(sandbox.path("shop/untouched"), mode).unwrap();
    }
    sandbox.commit("shop");
    let pack = packed(&sandbox, "0.2.0", &NEW);
    let said = sandbox.with(&pack, "update").in_folder("shop").ends(3);
    let said = said.says(&[
        "keep-deleted deleted (you deleted it)",
        "update       untouched",
        "delete       gone\n",
        "keep         gone-changed",
        "merge        crlf",
        "merge        last",
        "beside       added.new",
        "create       deep/new",
        "update       run",
        "merge        old-name -> new-name",
        "beside       link.new",
        "2 files are left to resolve",
    ]);
    assert!(!said.err.contains("once") && !said.err.contains("kept"), "{}", said.err);
    let shop = sandbox.files("shop");
    let text = |path: &str| String::from_utf8(shop[path].clone()).unwrap();
    for (path, expected) in [
        ("once", "mine\n"),
        ("kept", "1\n"),
        ("untouched", "2\n"),
        ("gone-changed", "mine\n"),
        ("crlf", "0\r\na\r\nb\r\nmine\r\n"),
        ("last", "0\na\nb\nc\nd"),
        ("added", "mine\n"),
        ("added.new", "theirs\n"),
        ("deep/new", "2\n"),
        ("new-name", "0\na\nb\nmine\n"),
        ("link.new", "2\n"),
    ] {
        assert_eq!(text(path), expected, "{path}");
    }
    assert!(!shop.contains_key("deleted") && !shop.contains_key("gone") && !shop.contains_key("old-name"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            |path: &str| fs::symlink_metadata(sandbox.path("shop").join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("run") & 0o111, mode("untouched")), (0, 0o600));
        assert!(fs::symlink_metadata(sandbox.path("shop/link")).unwrap().is_symlink(), "a link is not written through");
    }
    sandbox.with(&pack, "update --allow-dirty").in_folder("shop").ok().says(&["Nothing to do"]);
}

#[test]
fn without_its_pristine_bytes_nothing_is_overwritten() {
    let sandbox = Sandbox::new();
    let files = |text: &'static str| [("layers/core/files/a", text), ("layers/core/files/b", text)];
    let pack = packed(&sandbox, "0.1.0", &files("1\n"));
    sandbox.with(&pack, "shop").ok();
    fs::remove_dir_all(sandbox.path("shop/.new-service/base")).unwrap();
    sandbox.write("shop/a", "mine\n");
    sandbox.commit("shop");
    let pack = packed(&sandbox, "0.2.0", &files("2\n"));
    sandbox.with(&pack, "update").in_folder("shop").ends(3).says(&["beside       a.new", "update       b"]);
    assert_eq!(
        (sandbox.read("shop/a"), sandbox.read("shop/a.new"), sandbox.read("shop/b")),
        ("mine\n".into(), "2\n".into(), "2\n".into())
    );
}

#[test]
fn no_text_is_chosen_and_not_merged() {
    let sandbox = Sandbox::new();
    let pack = packed(&sandbox, "0.1.0", &[("layers/core/files/image", "1\0")]);
    sandbox.with(&pack, "shop").ok();
    sandbox.write("shop/image", "mine\0");
    sandbox.commit("shop");
    let pack = packed(&sandbox, "0.2.0", &[("layers/core/files/image", "2\0")]);
    sandbox.with(&pack, "update").in_folder("shop").ends(3).says(&[
        "conflict     image",
        "beside       image.new",
        "1 file is left",
    ]);
    assert_eq!((sandbox.read("shop/image"), sandbox.read("shop/image.new")), ("mine\0".into(), "2\0".into()));
    assert!(sandbox.git("shop", &["status", "--porcelain"]).contains("UU image"));
    sandbox.git("shop", &["checkout", "--theirs", "image"]);
    assert_eq!(sandbox.read("shop/image"), "2\0");
}

#[test]
fn markers_that_were_committed_are_no_text_to_merge() {
    let sandbox = shop("--commands run,serve");
    let marked = sandbox
        .read("shop/src/main.py")
        .replace("    found.append(\"serve\")\n", "<<<<<<< yours\n    x\n=======\n    y\n>>>>>>> theirs\n");
    sandbox.write("shop/src/main.py", marked);
    sandbox.commit("shop");
    inside(&sandbox, "add commands=check").fails(1, &["src/main.py:11:1: a conflict is not resolved"]);
}

#[test]
fn a_lock_file_that_cargo_changed_keeps_its_versions() {
    let sandbox = Sandbox::new();
    let manifest = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n[lock]\nkind = \"cargo\"\npath = \"Cargo.lock\"\nmanifest = \"Cargo.toml\"\n\
                    [[question]]\nkey = \"more\"\nprompt = \"?\"\nkind = \"bool\"\ndefault = false\n";
    let package = |name: &str, version: &str, dependencies: &str| {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry\"\nchecksum = \"aa\"\n{dependencies}"
        )
    };
    let root = |dependencies: &str| {
        format!(
            "version = 4\n\n[[package]]\nname = \"fragment\"\nversion = \"0.0.0\"\ndependencies = [\n{dependencies}]\n"
        )
    };
    let core = root(" \"axum\",\n") + &package("axum", "0.8.9", "");
    let more = root(" \"axum\",\n \"redis\",\n")
        + &package("axum", "0.8.9", "")
        + &package("redis", "1.8.1", "dependencies = [\n \"axum\",\n]\n");
    let pack = sandbox.pack(&[
        ("pack.toml", manifest),
        ("layers/core/files/Cargo.toml.tera", "[package]\nname = \"{{ name }}\"\nversion = \"0.1.0\"\n"),
        ("layers/core/Cargo.lock.fragment", &core),
        ("layers/more/layer.toml", "title = \"x\"\nwhen = \"more\"\n"),
        ("layers/more/Cargo.lock.fragment", &more),
    ]);
    let with = |line: &str| sandbox.with(&pack, line).in_folder("shop");
    sandbox.with(&pack, "shop").ok();
    with("add more=true").ok().says(&["update       Cargo.lock"]);
    let fresh = sandbox.read("shop/Cargo.lock");
    assert!(fresh.contains("\"redis\""));
    with("apply --abort").ok();
    // The user has a newer axum, a package of their own, and another version of the service.
    let mine = sandbox
        .read("shop/Cargo.lock")
        .replace("0.8.9", "0.8.12")
        .replace("version = \"0.1.0\"", "version = \"0.2.0\"")
        .replace(" \"axum\",\n]", " \"axum\",\n \"mine\",\n]")
        + &package("mine", "3.0.0", "");
    sandbox.write("shop/Cargo.lock", &mine);
    sandbox.commit("shop");
    with("add more=true").ok().says(&["merge        Cargo.lock", "cargo check"]);
    let merged = sandbox.read("shop/Cargo.lock");
    assert!(merged.contains("name = \"axum\"\nversion = \"0.8.12\"") && !merged.contains("0.8.9"), "{merged}");
    assert!(
        merged.contains("version = \"0.2.0\"\ndependencies = [\n \"axum\",\n \"mine\",\n \"redis\",\n]"),
        "{merged}"
    );
    assert!(merged.contains("name = \"redis\"") && merged.contains("name = \"mine\""), "{merged}");
}

#[test]
fn what_cannot_be_is_told_and_changes_nothing() {
    let sandbox = shop("");
    for (line, code, words) in [
        ("add", 2, &["KEY=VALUE"][..]),
        ("add publish", 2, &["publish: KEY=VALUE is expected"]),
        ("add python=2.7", 2, &["python=2.7"]),
        ("add pubish=true", 2, &["did you mean \"publish\"?"]),
        ("add retries=5", 1, &["has no effect here: it counts only when publish"]),
        ("remove pubish", 2, &["\"pubish\" is neither an answer nor a resource"]),
        ("remove summary=x", 2, &["only a list has items to remove"]),
        ("resource order note:text", 2, &["makes nothing of resources"]),
        ("apply --abort", 1, &["there is no change to take back"]),
    ] {
        let outcome = inside(&sandbox, line).finish();
        assert_eq!(outcome.code(), Some(code), "{line}: {outcome:?}");
        outcome.says(words);
    }
    assert_eq!(sandbox.git("shop", &["status", "--porcelain"]), "");
    sandbox.tool("apply").fails(1, &["no service.toml here, nor in a folder above"]);
    // service.toml names it; one that an earlier version wrote may not.
    sandbox.run("diff").in_folder("shop").ok();
    let service = sandbox.read("shop/service.toml");
    sandbox.write(
        "shop/service.toml",
        service.lines().filter(|line| !line.starts_with("source")).collect::<Vec<_>>().join("\n"),
    );
    sandbox
        .run("diff")
        .in_folder("shop")
        .fails(1, &["made from the template \"python-tool\", which is not built in", "--template FOLDER"]);
    sandbox.run("apply --abort").in_folder("shop").fails(1, &["there is no change to take back"]);
    fs::remove_file(sandbox.path("shop/.new-service/lock")).unwrap();
    inside(&sandbox, "apply").fails(1, &["git checkout HEAD -- .new-service"]);
    sandbox.write("shop/.new-service/lock", "nonsense\n");
    inside(&sandbox, "apply").fails(1, &[".new-service/lock:1:1: this is no line that new-service writes"]);
    assert!(python_tool().is_dir());
}

#[test]
fn what_is_no_longer_asked_is_left_out_by_an_update() {
    let sandbox = Sandbox::new();
    let question =
        |key: &str| format!("[[question]]\nkey = \"{key}\"\nprompt = \"?\"\nkind = \"text\"\ndefault = \"x\"\n");
    let manifest = |version: &str, keys: &[&str]| {
        let questions = keys.iter().map(|key| question(key)).collect::<Vec<_>>().concat();
        format!("name = \"small\"\nversion = \"{version}\"\nedition = 2\n{questions}")
    };
    let pack = sandbox.pack(&[("pack.toml", &manifest("0.1.0", &["one", "two"]))]);
    sandbox.with(&pack, "shop").ok();
    let service = sandbox.read("shop/service.toml").replace("two =", "# ours\ntwo =");
    sandbox.write("shop/service.toml", service);
    let pack = sandbox.pack(&[("pack.toml", &manifest("0.2.0", &["one", "three"]))]);
    sandbox.with(&pack, "update").in_folder("shop").ok().says(&["no longer asks for \"two\""]);
    let text = sandbox.read("shop/service.toml");
    assert!(!text.contains("two =") && text.contains("# ours\n") && text.contains("three = \"x\""), "{text}");
}

#[test]
fn a_question_that_counts_only_now_adds_nothing_by_itself() {
    let question = |key: &str, more: &str| {
        format!(
            "[[question]]\nkey = \"{key}\"\nprompt = \"?\"\nkind = \"choice\"\nchoices = [\"yes\", \"none\"]\n{more}"
        )
    };
    let manifest = format!(
        "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n{}{}",
        question("store", "default = \"none\"\n"),
        question("accounts", "default = \"yes\"\notherwise = \"none\"\nwhen = 'store == \"yes\"'\n"),
    );
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("pack.toml", &manifest)]);
    sandbox.with(&pack, "shop").ok();
    sandbox.with(&pack, "add store=yes").in_folder("shop").ok().says(&["accounts stays \"none\"", "accounts=yes"]);
    assert!(sandbox.read("shop/service.toml").contains("accounts = \"none\""));
    sandbox.commit("shop");
    sandbox.with(&pack, "remove store").in_folder("shop").ok();
    let said = sandbox.with(&pack, "add store=yes accounts=yes --allow-dirty").in_folder("shop").ok();
    assert!(!said.err.contains("stays"), "{}", said.err);
    assert!(sandbox.read("shop/service.toml").contains("accounts = \"yes\""));
}

#[test]
fn an_answer_that_is_missing_can_be_added() {
    let sandbox = Sandbox::new();
    let manifest = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
        [[question]]\nkey = \"owner\"\nprompt = \"?\"\nkind = \"text\"\n";
    let pack = sandbox.pack(&[("pack.toml", manifest)]);
    sandbox.with(&pack, "shop --owner us").ok();
    sandbox.write("shop/service.toml", sandbox.read("shop/service.toml").replace("owner = \"us\"\n", ""));
    sandbox.commit("shop");
    sandbox.with(&pack, "add owner=them").in_folder("shop").ok();
    assert!(sandbox.read("shop/service.toml").contains("owner = \"them\""));
}

/// As a team would leave it: formatted, and with the description made anew.
#[test]
fn a_route_of_ones_own_is_no_conflict_when_layers_join() {
    let sandbox = Sandbox::new();
    sandbox.run("new shop --yes --database none --cache none").ok();
    let app = sandbox.read("shop/src/app.rs");
    let marker = "        // Routes of your own:\n";
    let own = format!("{marker}        .merge(crate::pricing::routes());\n");
    assert!(app.contains(&format!("{marker}        ;\n")));
    sandbox.write("shop/src/app.rs", app.replace(&format!("{marker}        ;\n"), &own));
    let mut described: serde_json::Value = serde_json::from_str(&sandbox.read("shop/openapi.json")).unwrap();
    described["paths"]["/api/v1/pricing"] = serde_json::json!({"get": {"operationId": "price"}});
    described["paths"].as_object_mut().unwrap().sort_keys();
    sandbox.write("shop/openapi.json", serde_json::to_string_pretty(&described).unwrap() + "\n");
    sandbox.commit("shop");

    sandbox.run("add database=sqlite auth=jwt").in_folder("shop").ok();
    let app = sandbox.read("shop/src/app.rs");
    assert!(app.contains(&format!(".merge(crate::api::users::routes())\n{own}")), "{app}");
    let described: serde_json::Value = serde_json::from_str(&sandbox.read("shop/openapi.json")).unwrap();
    let paths: Vec<&String> = described["paths"].as_object().unwrap().keys().collect();
    assert!(paths.is_sorted() && described["paths"]["/api/v1/pricing"]["get"]["operationId"] == "price", "{paths:?}");
    assert!(paths.iter().any(|path| *path == "/auth/login"), "{paths:?}");
}

#[test]
fn what_json_prints_is_what_its_schema_says() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../docs/change.schema.json")).unwrap();
    let sandbox = shop("");
    let printed = inside(&sandbox, "add commands=serve publish=true --json").ok().json();
    let keys = |value: &serde_json::Value| {
        let mut keys = value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        keys.sort();
        keys
    };
    let sorted = |list: &serde_json::Value| {
        let list = list.as_array().unwrap().iter();
        let mut list: Vec<String> = list.map(|key| key.as_str().unwrap().to_owned()).collect();
        list.sort();
        list
    };
    assert_eq!(keys(&printed), sorted(&schema["required"]));
    assert_eq!(keys(&schema["properties"]), keys(&printed));
    let file = &schema["$defs"]["file"];
    for printed in printed["files"].as_array().unwrap() {
        assert_eq!(keys(printed), sorted(&file["required"]));
        assert!(file["properties"]["action"]["enum"].as_array().unwrap().contains(&printed["action"]), "{printed}");
    }
    assert_eq!(keys(&printed["template"]["from"]), sorted(&schema["$defs"]["template"]["required"]));
}
