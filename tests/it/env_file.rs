//! The file of one machine: `new` draws values into it, once; no other command touches it, and nothing of a
//! repository holds them.

use std::fs;
use std::path::PathBuf;

use crate::support::Sandbox;

const MANIFEST: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
    [env]\npath = \".env\"\nhead = \"Of this machine.\"\n\
    [[question]]\nkey = \"word\"\nprompt = \"Word\"\nkind = \"text\"\ndefault = \"one\"\n";

const LAYER: &str = "title = \"Core\"\n[[config]]\nenv = \"KEY\"\nkind = \"string\"\nsecret = true\nrequired = true\n\
    draw = \"dev:{}\"\ndoc = \"Signs things\"\n";

fn pack(sandbox: &Sandbox) -> PathBuf {
    sandbox.pack(&[
        ("pack.toml", MANIFEST),
        ("layers/core/layer.toml", LAYER),
        ("layers/core/files/.gitignore.tera", "/.env\n"),
        ("layers/core/files/word.tera", "{{ word }}\n"),
    ])
}

/// The value in the file.
fn key(sandbox: &Sandbox, folder: &str) -> String {
    let text = sandbox.read(&format!("{folder}/.env"));
    let line = text.lines().find_map(|line| line.strip_prefix("KEY=")).unwrap_or_else(|| panic!("{text}"));
    line.to_owned()
}

#[test]
fn new_draws_a_value_that_git_and_the_record_never_see() {
    let sandbox = Sandbox::new();
    let pack = pack(&sandbox);
    let said = sandbox.with(&pack, "one").ok();
    said.says(&[".env: drew KEY for this machine; it is not committed"]);
    sandbox.with(&pack, "two --no-git").ok();
    let (one, two) = (key(&sandbox, "one"), key(&sandbox, "two"));
    assert_ne!(one, two);
    for key in [&one, &two] {
        assert_eq!(key.strip_prefix("dev:").map(str::len), Some(44), "32 bytes in base64: {key}");
    }
    assert!(sandbox.read("one/.env").starts_with("# Of this machine.\n\n# Signs things\nKEY=dev:"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(sandbox.path("one/.env")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(sandbox.git("one", &["ls-files", ".env"]), "");
    assert_eq!(sandbox.git("one", &["status", "--porcelain"]), "");
    for (path, content) in sandbox.files("one") {
        assert!(!String::from_utf8_lossy(&content).contains(&one), "{path}");
    }
    assert!(!sandbox.read("one/.new-service/lock").contains(".env"));
}

#[test]
fn a_file_that_git_would_take_in_is_not_written() {
    let sandbox = Sandbox::new();
    let note = ".env: is not written, because git does not ignore it; no value was drawn for KEY";
    // The template forgets to have git ignore it.
    let careless = sandbox.pack(&[("pack.toml", MANIFEST), ("layers/core/layer.toml", LAYER)]);
    sandbox.with(&careless, "shop").ok().says(&[note]);
    assert!(!sandbox.path("shop/.env").exists());
    // So does it in a repository that is around, whether that one has rules or not.
    sandbox.git("", &["init", "--quiet", "mono"]);
    for line in ["mono/one", "mono/two --no-git"] {
        sandbox.with(&careless, line).ok().says(&[note]);
    }
    assert!(!sandbox.path("mono/one/.env").exists() && !sandbox.path("mono/two/.env").exists());
    sandbox.write("mono/.gitignore", ".env\n");
    sandbox.with(&careless, "mono/three").ok().says(&[".env: drew KEY"]);
    assert!(sandbox.path("mono/three/.env").exists());
    // A fresh clone keeps a list of its own.
    let pack = pack(&sandbox);
    sandbox.write("clone/.gitignore", "/target\n");
    sandbox.git("clone", &["init", "--quiet"]);
    sandbox.commit("clone");
    sandbox.with(&pack, "clone --keep-existing").ok().says(&[note]);
    assert!(!sandbox.path("clone/.env").exists());
    assert_eq!(sandbox.read("clone/word"), "one\n");
}

#[test]
fn a_dry_run_draws_nothing() {
    let sandbox = Sandbox::new();
    let pack = pack(&sandbox);
    for line in ["shop --dry-run", "shop --diff"] {
        let said = sandbox.with(&pack, line).ok();
        assert!(!said.out.contains("dev:") && !said.err.contains("drew"), "{said:?}");
    }
    let json = sandbox.with(&pack, "shop --dry-run --json").ok().json();
    assert_eq!(json["env"], serde_json::json!({"path": ".env", "drawn": ["KEY"], "written": false}));
    assert!(!sandbox.path("shop").exists());
    let json = sandbox.with(&pack, "shop --json").ok().json();
    assert_eq!(json["env"]["written"], true);
}

#[test]
fn a_file_that_is_there_stays() {
    let sandbox = Sandbox::new();
    let pack = pack(&sandbox);
    sandbox.write("shop/.env", "MINE=1\n");
    let said = sandbox.with(&pack, "shop --keep-existing").ok();
    said.says(&[".env: is kept as it is; no value was drawn for KEY"]);
    assert_eq!(sandbox.read("shop/.env"), "MINE=1\n");
    assert!(sandbox.read("shop/word").contains("one"));
}

#[test]
fn later_commands_neither_write_nor_remove_it() {
    let sandbox = Sandbox::new();
    let pack = pack(&sandbox);
    sandbox.with(&pack, "shop").ok();
    let before = sandbox.read("shop/.env");
    for line in ["add word=two", "undo", "apply", "update"] {
        let run = if line == "undo" { sandbox.run(line) } else { sandbox.with(&pack, line) };
        run.in_folder("shop").ok();
        assert_eq!(sandbox.read("shop/.env"), before, "{line}");
    }
    // A clone has none, and no command draws one there.
    sandbox.commit("shop");
    sandbox.git(".", &["clone", "--quiet", "shop", "clone"]);
    sandbox.with(&pack, "add word=three").in_folder("clone").ok();
    assert!(!sandbox.path("clone/.env").exists());
}

#[test]
fn a_draw_that_cannot_be_is_refused_at_its_place() {
    let sandbox = Sandbox::new();
    for (from, to, why) in [
        ("dev:{}", "dev", "around one `{}`"),
        ("dev:{}", "{}{}", "around one `{}`"),
        ("dev:{}", "a b{}", "around one `{}`"),
        ("required = true\n", "", "`draw` belongs to a required secret"),
        ("secret = true\n", "", "`draw` belongs to a required secret"),
        ("draw =", "dev = \"x\"\ndraw =", "`draw` belongs to a required secret"),
    ] {
        let layer = LAYER.replacen(from, to, 1);
        let pack = sandbox.pack(&[("pack.toml", MANIFEST), ("layers/core/layer.toml", &layer)]);
        sandbox.with(&pack, "shop").fails(1, &["layers/core/layer.toml:2:1: the setting KEY", why]);
    }
    let without = MANIFEST.replacen("[env]\npath = \".env\"\nhead = \"Of this machine.\"\n", "", 1);
    let pack = sandbox.pack(&[("pack.toml", &without), ("layers/core/layer.toml", LAYER)]);
    sandbox.with(&pack, "shop").fails(1, &["`draw` needs `[env]` in pack.toml"]);
    let nested = MANIFEST.replacen("path = \".env\"", "path = \"a/.env\"", 1);
    let pack = sandbox.pack(&[("pack.toml", &nested), ("layers/core/layer.toml", LAYER)]);
    sandbox.with(&pack, "shop").fails(1, &["pack.toml:4:1: `path = \"a/.env\"` is no name of a file"]);
    let pack = sandbox.pack(&[
        ("pack.toml", MANIFEST),
        ("layers/core/layer.toml", LAYER),
        ("layers/core/files/.env", "KEY=1\n"),
    ]);
    sandbox.with(&pack, "shop").fails(1, &[".env: is the file of `[env]` in pack.toml, and no layer may write it"]);
}
