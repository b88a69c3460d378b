//! How much a template may cost: each limit says how to move it, and moves.

use std::path::PathBuf;

use crate::support::Sandbox;

const FILE: &str = "layers/core/files/a.tera";

/// A pack that meets a limit: refused by it with `words`, and let pass by the flag that they name.
fn meets(what: &str, files: &[(&str, &str)], low: &str, words: &[&str], high: &str) {
    println!("{what}");
    let sandbox = Sandbox::new();
    let pack: PathBuf = sandbox.pack(files);
    let flag = high.split('=').next().unwrap();
    let help = format!("help: {}", "where the template is to be trusted with more: --limit ");
    sandbox.with(&pack, "shop --yes --no-git --limit").arg(low).fails(1, &[words, &[&help, flag]].concat());
    sandbox.assert_untouched();
    sandbox.with(&pack, "shop --yes --no-git --limit").arg(high).ok();
}

#[test]
fn each_limit_has_its_message_and_its_flag() {
    let files: Vec<String> = (0..5).map(|n| format!("layers/core/files/{n}")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|path| (path.as_str(), "x")).collect();
    meets("files", &files, "files=6", &["a pack has at most 6 files"], "files=7");
    let large = "0123456789abcdef".repeat(100_000);
    let two = [("layers/core/files/a", large.as_str())];
    meets("bytes", &two, "size-mib=1", &["a pack has at most 1 MiB"], "size-mib=2");
    let deep = [("layers/core/files/a/b/c/d", "x")];
    meets("depth", &deep, "depth=5", &["a pack is at most 5 folders deep"], "depth=6");
    let loops = |count: u32| {
        format!("{{% for a in range(end={count}) %}}0123456789012345678901234567890123456789{{% endfor %}}")
    };
    let writes = loops(40_000);
    let one = [(FILE, writes.as_str())];
    let words = ["files/a.tera:1:1: it writes more than 1 MiB"];
    meets("one file", &one, "render-file-mib=1", &words, "render-file-mib=2");
    let several = [(FILE, writes.as_str()), ("layers/core/files/b.tera", writes.as_str())];
    let words = ["files/b.tera: with it the repository has more than 2 MiB"];
    meets("all files", &several, "render-mib=2", &words, "render-mib=4");
}

/// What is kept and never written counts as well.
#[test]
fn a_template_that_hoards_is_given_up() {
    let grows = "{% set x = \"0123456789\" %}{% for i in range(end=99) %}{% set_global x = x ~ x %}{% endfor %}";
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[(FILE, grows)]);
    let run = sandbox.with(&pack, "shop --yes --limit render-memory-mib=64");
    run.fails(1, &["rendering was given up: it takes more than 64 MiB of memory", "--limit render-memory-mib=128"]);
    sandbox.assert_untouched();
}

#[test]
fn a_limit_stands_anywhere_and_is_judged_before_all_else() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[]);
    sandbox.with(&pack, "--limit depth=1 catalog").fails(1, &["a pack is at most 1 folders deep"]);
    sandbox.with(&pack, "catalog --limit=depth=1 --limit depth=9").ok();
    let words =
        ["--limit flies=1: no limit \"flies\" (did you mean \"files\"?)", "--limit depth: NAME=VALUE is expected"];
    sandbox.with(&pack, "shop --limit flies=1 --limit depth").fails(2, &words);
    assert!(!sandbox.run("new -h").ok().out.contains("--limit"), "the short help is for what people need");
    for line in ["--help", "new --help"] {
        let out = sandbox.run(line).ok().out;
        assert!(out.contains("--limit <NAME=VALUE>"), "{line}: {out}");
    }
}
