//! What is wrong with a pack, with the answers or with the machine is told, and leaves nothing behind.
//!
//! These are the faults that other scaffolders fail. Each case names what must be said.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use crate::support::{Outcome, Run, Sandbox, end_of, names_in};

const HEAD: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n";

/// A manifest: the head, and `rest`.
fn manifest(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

/// A layer.toml with public slots of these names.
fn slots(names: &[&str]) -> String {
    let one = |name: &&str| format!("[[slot]]\nname = \"{name}\"\npurpose = \"p\"\npublic = true\n");
    "title = \"x\"\n".to_owned() + &names.iter().map(one).collect::<String>()
}

/// Files of a pack (over the minimal one), and what must be said of them.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

fn refused(cases: &[Case]) {
    for (what, files, words) in cases {
        println!("{what}");
        let sandbox = Sandbox::new();
        let pack = sandbox.pack(files);
        sandbox.with(&pack, "shop --yes").fails(1, words);
        sandbox.assert_untouched();
    }
}

#[test]
fn what_is_not_defined_is_a_fault_with_its_place_and_the_nearest_name() {
    const PLACE: &str = "/pack/layers/core/files/a.tera:2:";
    refused(&[
        (
            "a variable",
            &[("layers/core/files/a.tera", "x\n{{ nmae }}\n")],
            &[PLACE, "`nmae`", "did you mean \"name\"?", "help: in reach: "],
        ),
        (
            "a variable in an `if`, which Tera takes for false",
            &[("layers/core/files/a.tera", "x\n{% if nmae %}y{% endif %}\n")],
            &[&format!("{PLACE}7: `nmae` is not defined (did you mean \"name\"?)"), "help: in reach: "],
        ),
        (
            "a variable in a branch that is not taken",
            &[("layers/core/files/a.tera", "x\n{% if name == \"no\" %}{{ nmae }}{% endif %}\n")],
            &[PLACE, "`nmae` is not defined"],
        ),
        ("a variable in a path", &[("layers/core/files/{{ nmae }}.txt", "")], &["{{ nmae }}.txt", "`nmae`"]),
        (
            "a variable in a slot line",
            &[
                ("layers/core/layer.toml", &slots(&["s"])),
                ("layers/core/files/a.tera", "{{ slot(\"s\") }}\n"),
                ("layers/core/slots/core/s.txt.tera", "\n{% if nmae %}y{% endif %}\n"),
            ],
            &["/pack/layers/core/slots/core/s.txt.tera:2:7: `nmae` is not defined"],
        ),
        (
            "a filter",
            &[("layers/core/files/a.tera", "x\n{{ name | snaek }}\n")],
            &[PLACE, "Unknown filter `snaek` (did you mean \"snake\"?)"],
        ),
        (
            "a filter of Tera's, and another on the next line",
            &[("layers/core/files/a.tera", "{{ name }}\n{{ name | uper }}\n{{ name | kebba }}\n")],
            &[
                ":2:11: Unknown filter `uper` (did you mean \"upper\"?)",
                ":3:11: Unknown filter `kebba` (did you mean \"kebab\"?)",
            ],
        ),
        (
            "a function",
            &[("layers/core/files/a.tera", "\n{{ rnage(end=3) }}\n")],
            &["/a.tera:2:4: Unknown function `rnage` (did you mean \"range\"?)"],
        ),
        (
            "a test",
            &[("layers/core/files/a.tera", "\n{% if name is defned %}x{% endif %}\n")],
            &["Unknown test `defned` (did you mean \"defined\"?)"],
        ),
        (
            "a filter in a path",
            &[("layers/core/files/{{ name | snaek }}.txt", "")],
            &["`snaek` (did you mean \"snake\"?)"],
        ),
        (
            "a test in a condition",
            &[("layers/core/layer.toml", "title = \"x\"\nwhen = 'name is strng'\n")],
            &["/layer.toml:2:8: ", "`strng` (did you mean \"string\"?)"],
        ),
        ("a component", &[("layers/core/files/a.tera", "x\n{{ <nope /> }}\n")], &[PLACE, "nope"]),
        ("a test", &[("layers/core/files/a.tera", "x\n{{ name is nope }}\n")], &[PLACE, "nope"]),
    ]);
}

#[test]
fn a_slot_is_declared_owned_and_never_lost() {
    let declared = &slots(&["routes"]);
    let slot = "a\n  {{ slot(\"routes\") }}\n";
    let names: Vec<String> = (10..30).map(|n| format!("number-{n}")).chain(["routes".to_owned()]).collect();
    let many = slots(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let private = &declared.replace("public = true\n", "");
    let more = ("layers/more/layer.toml", "title = \"x\"\n");
    refused(&[
        (
            "in a file",
            &[("layers/core/layer.toml", declared), ("layers/core/files/a.tera", "\n {{ slot(\"rotues\") }}\n")],
            &[
                "/pack/layers/core/files/a.tera:2:2: no slot \"rotues\" (did you mean \"routes\"?)",
                "declare it in layer.toml of \"core\"",
            ],
        ),
        (
            "of another layer",
            &[("layers/core/layer.toml", declared), more, ("layers/more/files/a.tera", slot)],
            &["/pack/layers/more/files/a.tera:2:3: the slot \"routes\" belongs to layer \"core\""],
        ),
        (
            "in a folder that only looks like one of a pack's",
            &[("layer/core/slots/routes.rs", "x")],
            &["/pack/layer: no part of a pack (did you mean \"layers\"?)"],
        ),
        (
            "lines for one that is not declared",
            &[("layers/core/slots/core/routes.rs", "x")],
            &["/pack/layers/core/slots/core/routes.rs:1:1: no slot \"core/routes\"", "as [[slot]] in its layer.toml"],
        ),
        (
            "lines that do not say whose slot it is",
            &[("layers/core/layer.toml", declared), ("layers/core/slots/routes.rs", "x")],
            &[
                "/pack/layers/core/slots/routes.rs:1:1: \"routes\" does not say whose slot it is",
                "are in slots/core/routes.EXTENSION",
            ],
        ),
        (
            "lines for one of a layer that is not required",
            &[("layers/core/layer.toml", private), more, ("layers/more/slots/core/routes.rs", "x")],
            &[
                "/pack/layers/more/slots/core/routes.rs:1:1: the slot \"core/routes\" is not public, and layer \"more\" does not require \"core\"",
                "help: add \"core\" to `requires`",
            ],
        ),
        (
            "two of one name",
            &[("layers/core/layer.toml", &slots(&["routes", "routes"]))],
            &["/pack/layers/core/layer.toml:7:8: the slot \"routes\" is already declared in line 3"],
        ),
        (
            "lines for one that no file of its owner has",
            &[("layers/core/layer.toml", declared), ("layers/core/slots/core/routes.rs", "x")],
            &[
                "layers/core/layer.toml:3:8: no file of layer \"core\" has the slot \"core/routes\", and lines for it would be lost",
            ],
        ),
        (
            "not alone on its line",
            &[("layers/core/layer.toml", declared), ("layers/core/files/a.tera", "[{{ slot(\"routes\") }}]")],
            &["/pack/layers/core/files/a.tera:1:1: `slot` stands alone on its line"],
        ),
        (
            "lines for one that many are declared beside",
            &[("layers/core/layer.toml", &many), ("layers/core/slots/core/rotues", "x")],
            &[
                "no slot \"core/rotues\" (did you mean \"core/routes\"?)\n  help: the pack has 21; `new-service catalog` lists",
            ],
        ),
        (
            "lines for one that none of many is near to",
            &[("layers/core/layer.toml", &many), ("layers/core/slots/core/a-long-way-off", "x")],
            &[
                "no slot \"core/a-long-way-off\"\n  help: of 21, the nearest: ",
                "core/number-",
                "; `new-service catalog` lists",
            ],
        ),
        (
            "an order for one that is not declared",
            &[("layers/core/layer.toml", "title = \"x\"\n[slots.\"core/routes\"]\norder = 1\n")],
            &["/pack/layers/core/layer.toml:2:8: no slot \"core/routes\""],
        ),
    ]);
}

#[test]
fn every_broken_file_is_told_at_once_and_the_last_leaves_nothing_either() {
    let whole = ("layers/core/files/a.tera", "{{ name }}");
    refused(&[
        (
            "a syntax error in the last file",
            &[whole, ("layers/core/files/z.tera", "x\n\n  {% if %}\n")],
            &["/pack/layers/core/files/z.tera:3:"],
        ),
        (
            "three broken files",
            &[
                ("layers/core/files/b.tera", "{{ name"),
                ("layers/core/files/m.tera", "x\n{% endif %}"),
                ("layers/core/files/z.tera", "x\n\n{{ name | }}"),
            ],
            &["/b.tera:1:", "/m.tera:2:", "/z.tera:3:"],
        ),
        (
            "an unknown filter and an unknown component in two files",
            &[("layers/core/files/b.tera", "{{ name | snaek }}"), ("layers/core/files/m.tera", "x\n{{ <nope /> }}")],
            &["/b.tera:1:", "/m.tera:2:"],
        ),
        (
            "a call that fails while rendering, in two files",
            &[
                ("layers/core/files/y.tera", "{{ name + 1 }}"),
                ("layers/core/files/z.tera", "\n{{ name.first.second }}"),
            ],
            &["/y.tera:1:", "/z.tera:2:"],
        ),
    ]);
}

/// A component that does not parse is not said to be missing where it is called.
#[test]
fn one_broken_file_is_one_fault() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        ("partials/a.tera", "{% component a() %}x{% endcomponent a %}"),
        ("partials/b.tera", "{% component b() %}{{ <a /> }}{{ name | }}{% endcomponent b %}"),
        ("layers/core/files/a.tera", "{{ <b /> }}"),
        ("layers/core/files/z.tera", "{{ <a /> }}"),
    ]);
    let said = sandbox.with(&pack, "shop --yes").fails(1, &["/pack/partials/b.tera:1:"]);
    assert_eq!(said.err.matches("error: ").count(), 1, "{said:?}");

    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("layers/core/files/a.tera", "{{ name | }}"), ("layers/core/files/z.tera", "")]);
    let said = sandbox.with(&pack, "shop --yes").fails(1, &["/pack/layers/core/files/a.tera:1:"]);
    assert_eq!(said.err.matches("error: ").count(), 1, "{said:?}");
}

/// Every path that a value or a pack must not reach.
const PATHS: [(&str, &str); 17] = [
    ("../../x", "it could leave the repository"),
    ("a/../../x", "it could leave the repository"),
    ("..", "it could leave the repository"),
    (".", "it could leave the repository"),
    ("a//b", "it could leave the repository"),
    ("/etc/new-service-was-here", "it is not relative to the repository"),
    ("C:/x", "it is not relative to the repository"),
    ("a\\..\\..\\x", "it holds a backslash"),
    (".git/hooks/post-commit", "it reaches into git's own folder"),
    ("a/.GIT/config", "it reaches into git's own folder"),
    (".git./config", "it reaches into git's own folder"),
    ("git~1/config", "it reaches into git's own folder"),
    ("con", "is a device name on Windows"),
    ("a/NUL.txt", "is a device name on Windows"),
    ("a ", "which Windows drops"),
    ("a|b", "which Windows refuses"),
    ("", "it is empty"),
];

#[test]
fn a_value_in_a_path_stays_in_the_repository() {
    let questions = "[[question]]\nkey = \"where\"\nprompt = \"?\"\nkind = \"text\"\ndefault = \"here\"\n";
    for (path, why) in PATHS {
        let sandbox = Sandbox::new();
        let pack = sandbox.pack(&[("pack.toml", &manifest(questions)), ("layers/core/files/{{ where }}.tera", "x")]);
        let source = "/pack/layers/core/files/{{ where }}.tera: the path \"";
        sandbox.with(&pack, "shop").arg(format!("--where={path}")).fails(1, &[source, why]);
        sandbox.assert_untouched();
        assert!(!sandbox.path("../x").exists() && !std::path::Path::new(PATHS[5].0).exists());
    }
}

#[test]
fn a_path_of_a_pack_stays_in_the_repository() {
    refused(&[
        ("a device", &[("layers/core/files/aux.rs", "")], &["files/aux.rs: the path \"aux.rs\" may not be written"]),
        ("a dot at the end", &[("layers/core/files/a./b", "")], &["which Windows drops"]),
        ("a backslash", &[("layers/core/files/..\\..\\x", "")], &["the path \"", "may not be written"]),
        ("a bidi override", &[("layers/core/files/a\u{202E}b", "")], &["U+202E"]),
        ("a line break", &[("layers/core/files/a\nb", "")], &["U+000A", "a\\nb"]),
    ]);
    // A repository inside a pack is not part of it.
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("layers/core/files/.git/hooks/post-commit", "boo"), ("layers/core/files/a", "")]);
    sandbox.with(&pack, "shop --no-git").ok();
    assert!(!sandbox.path("shop/.git").exists());
}

#[test]
fn a_link_in_a_pack_is_refused() {
    for (target, link) in
        [("/etc/passwd", "layers/core/files/a"), ("/etc", "layers/core/files/etc"), ("nowhere", "partials")]
    {
        let sandbox = Sandbox::new();
        let pack = sandbox.pack(&[("layers/core/files/b", "")]);
        symlink(target, pack.join(link)).unwrap();
        sandbox.with(&pack, "shop").fails(1, &[link, "a pack holds plain files only"]);
        sandbox.assert_untouched();
    }
}

#[test]
fn a_link_in_the_target_is_not_followed() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("outside")).unwrap();
    sandbox.write("shop/mine", "");
    symlink("../outside", sandbox.path("shop/src")).unwrap();
    sandbox.tool("shop").fails(1, &["shop/src/main.py: \"src\" is a link, and could lead out of the folder"]);
    assert_eq!(names_in(&sandbox.path("outside")), [""; 0]);

    // A link where a file would stand is something that exists, wherever it leads.
    fs::remove_file(sandbox.path("shop/src")).unwrap();
    symlink("../outside/NEWS", sandbox.path("shop/NEWS")).unwrap();
    sandbox.tool("shop").fails(1, &["shop/NEWS: exists already, and is never overwritten"]);
    assert_eq!(names_in(&sandbox.path("outside")), [""; 0]);
}

#[test]
fn paths_that_differ_in_case_alone_or_stand_twice_are_refused() {
    let more = ("layers/more/layer.toml", "title = \"x\"\n");
    let each = "[[question]]\nkey = \"items\"\nprompt = \"?\"\nkind = \"list\"\ndefault = [\"a\", \"A\"]\n";
    refused(&[
        (
            "files",
            &[("layers/core/files/README.md", ""), ("layers/core/files/readme.md", "")],
            &["readme.md: clashes with README.md"],
        ),
        ("folders", &[("layers/core/files/Src/a", ""), ("layers/core/files/src/b", "")], &["src/b: clashes with Src"]),
        (
            "a file and a folder, of two layers",
            &[more, ("layers/core/files/a", ""), ("layers/more/files/a/b", "")],
            &["a/b: clashes with a"],
        ),
        ("two layers", &[more, ("layers/core/files/a", ""), ("layers/more/files/a", "")], &["a: clashes with a"]),
        (
            "two items",
            &[
                ("pack.toml", &manifest(each)),
                ("layers/each/layer.toml", "title = \"x\"\nfor_each = \"items\"\n"),
                ("layers/each/files/{{ item }}.txt", ""),
            ],
            &["A.txt: clashes with a.txt"],
        ),
    ]);
}

#[test]
fn a_template_that_is_not_utf_8_is_told_with_its_place() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[]);
    sandbox.write("../pack/layers/core/files/a.tera", b"one\ncaf\xe9\n");
    sandbox
        .with(&pack, "shop")
        .fails(1, &["/pack/layers/core/files/a.tera:2:4: this is not UTF-8", "copied as they are"]);
}

#[test]
fn what_exists_is_never_overwritten_and_all_of_it_is_told() {
    for how in ["", "--dry-run", "--diff", "--json"] {
        let sandbox = Sandbox::new();
        sandbox.write("shop/NEWS", "mine");
        sandbox.write("shop/src", "a file where a folder is wanted");
        sandbox.write("shop/README.rst/mine", "a folder where a file is wanted");
        sandbox.tool("shop").args(how).fails(
            1,
            &[
                "shop/NEWS: exists already, and is never overwritten",
                "shop/README.rst: exists already",
                "shop/src/main.py: \"src\" is a file, and a folder is wanted",
                "nothing was written",
                "choose another folder",
            ],
        );
    }
    let sandbox = Sandbox::new();
    sandbox.write("shop", "mine");
    sandbox.tool("shop").fails(1, &["shop: is a file, and a folder is wanted"]);
    sandbox.tool("shop/inside").fails(1, &["shop"]);
}

#[test]
fn json_has_nothing_on_standard_output_when_it_fails() {
    let sandbox = Sandbox::new();
    for (line, code) in [("--python 2 --json shop", 2), ("--json", 2), ("--json --nonsense shop", 2)] {
        let said = sandbox.tool(line).ends(code);
        assert!(said.out.is_empty() && said.err.starts_with("error: "), "{said:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_toml_in_a_pack_is_told_with_line_column_and_nearest_name() {
    const LAYER: &str = "layers/core/layer.toml";
    let question = |rest: &str| manifest(&format!("[[question]]\nkey = \"box\"\nprompt = \"?\"\n{rest}"));
    let cases: Vec<(&str, &str, String, &[&str])> = vec![
        ("no TOML", "pack.toml", "name = \n".into(), &["pack.toml:1:"]),
        (
            "a missing key",
            "pack.toml",
            "name = \"x\"\nedition = 2\n".into(),
            &["pack.toml:1:1: missing field `version`"],
        ),
        ("an unknown key", "pack.toml", manifest("nmae = 1\n"), &["pack.toml:4:1: unknown field `nmae`", "`name`"]),
        (
            "an edition to come",
            "pack.toml",
            HEAD.replace("= 2", "= 3"),
            &["pack.toml:3:11: pack format 3 is not known"],
        ),
        ("a version", "pack.toml", HEAD.replace("0.1.0", "1"), &["pack.toml:2:11: the version is three numbers"]),
        ("a kind", "pack.toml", question("kind = \"txet\"\n"), &["pack.toml:7:8: unknown variant `txet`", "`text`"]),
        (
            "a reserved key",
            "pack.toml",
            question("kind = \"text\"\n").replace("box", "year"),
            &["pack.toml:5:7: the key \"year\""],
        ),
        (
            "a key in capitals",
            "pack.toml",
            question("kind = \"text\"\n").replace("box", "Box"),
            &["the key \"Box\" must be lowercase"],
        ),
        (
            "a key that is a flag",
            "pack.toml",
            question("kind = \"text\"\n").replace("box", "dry_run"),
            &["the question \"dry_run\" would be the flag --dry-run"],
        ),
        (
            "a default",
            "pack.toml",
            question("kind = \"bool\"\ndefault = 1\n"),
            &["pack.toml:8:11: the default of \"box\": true or false is expected"],
        ),
        (
            "a choice",
            "pack.toml",
            question("kind = \"choice\"\nchoices = [\"red\", \"blue\"]\ndefault = \"bleu\"\n"),
            &["pack.toml:9:11: ", "did you mean \"blue\"?"],
        ),
        (
            "choices where none belong",
            "pack.toml",
            question("kind = \"text\"\nchoices = [\"a\"]\n"),
            &["`choices` belong to kind = \"choice\""],
        ),
        (
            "a pattern",
            "pack.toml",
            question("kind = \"text\"\npattern = \"(\"\n"),
            &["pack.toml:8:11: no regular expression"],
        ),
        (
            "a `when`",
            "pack.toml",
            question("kind = \"text\"\nwhen = \"nmae\"\n"),
            &["pack.toml:8:8: ", "`nmae`, which is no answer (did you mean \"name\"?)"],
        ),
        (
            "a `when` of a later question",
            "pack.toml",
            question("kind = \"text\"\nwhen = \"box\"\n"),
            &["reads `box`, which is no answer"],
        ),
        (
            "a preset",
            "pack.toml",
            question("kind = \"text\"\n[presets.p]\nanswers = { bxo = \"x\" }\n"),
            &["pack.toml:9:13: no question \"bxo\" (did you mean \"box\"?)"],
        ),
        (
            "two presets that are one",
            "pack.toml",
            question("kind = \"text\"\n[presets.q]\nanswers = {}\n[presets.p]\nanswers = {}\n"),
            &["pack.toml:10:10: the preset \"p\" has the answers of \"q\""],
        ),
        (
            "delimiters",
            "pack.toml",
            manifest("[delimiters]\nvalue = [\"{{{\", \"}\"]\nblock = [\"<%\", \"%>\"]\ncomment = [\"<#\", \"#>\"]\n"),
            &["pack.toml:4:1: "],
        ),
        ("no TOML in a layer", LAYER, "title = \"x\n".into(), &["core/layer.toml:1:"]),
        (
            "an unknown key of a layer",
            LAYER,
            "title = \"x\"\nrequire = []\n".into(),
            &["core/layer.toml:2:1: unknown field `require`", "`requires`"],
        ),
        (
            "a layer's `when`",
            LAYER,
            "title = \"x\"\nwhen = \"nmae == 1\"\n".into(),
            &["core/layer.toml:2:8: ", "did you mean \"name\"?"],
        ),
        (
            "an expression",
            LAYER,
            "title = \"x\"\nwhen = \"name ==\"\n".into(),
            &["core/layer.toml:2:8: ", "is no expression"],
        ),
        (
            "a file's `when`",
            LAYER,
            "title = \"x\"\n[files.\"a\"]\nwhen = \"nmae\"\n".into(),
            &["core/layer.toml:3:8: "],
        ),
        (
            "a refusal's `when`",
            LAYER,
            "title = \"x\"\n[[refuse]]\nwhen = \"nmae\"\nreason = \"r\"\n".into(),
            &["core/layer.toml:3:8: "],
        ),
        (
            "a requirement",
            LAYER,
            "title = \"x\"\nrequires = [\"coer\"]\n".into(),
            &["core/layer.toml:2:13: no layer \"coer\" (did you mean \"core\"?)"],
        ),
        (
            "a practice",
            LAYER,
            "title = \"x\"\n[[practice]]\nid = \"app.confg\"\nevidence = [{ file = \"x\" }]\n".into(),
            &["core/layer.toml:3:6: no practice \"app.confg\" (did you mean \"app.config\"?)"],
        ),
        (
            "a policy",
            LAYER,
            "title = \"x\"\n[files.\"a\"]\npolicy = \"onec\"\n".into(),
            &["core/layer.toml:3:10: unknown variant `onec`", "`once`"],
        ),
        (
            "a mode",
            LAYER,
            "title = \"x\"\n[files.\"a\"]\nmode = \"777\"\n".into(),
            &["core/layer.toml:3:8: the mode \"777\""],
        ),
        (
            "a file pattern",
            LAYER,
            "title = \"x\"\n[files.\"a[\"]\nmode = \"755\"\n".into(),
            &["core/layer.toml:2:8: \"a[\" is no file pattern"],
        ),
        (
            "a list",
            LAYER,
            "title = \"x\"\nfor_each = \"nope\"\n".into(),
            &["core/layer.toml:2:12: `for_each`: no list \"nope\""],
        ),
        (
            "a setting",
            LAYER,
            "title = \"x\"\n[[config]]\nenv = \"A\"\nkind = \"integer\"\ndefault = \"x\"\ndoc = \"d\"\n".into(),
            &["core/layer.toml:2:1: the setting A: "],
        ),
        (
            "a stray file",
            "layers/core/README.md",
            String::new(),
            &["core/README.md:1:1: a layer has no place for this file"],
        ),
        ("a layer without its file", "layers/more/files/a", String::new(), &["layers/more/layer.toml: no such file"]),
    ];
    for (what, path, content, words) in &cases {
        refused(&[(what, &[(path, content)], words)]);
    }
    let both = [("pack.toml", &*manifest("")), (LAYER, "title = 1\n"), ("layers/more/layer.toml", "titel = \"x\"\n")];
    refused(&[("two layers at once", &both, &["core/layer.toml:1:9: ", "more/layer.toml:1:1: "])]);
}

#[test]
fn bad_answers_in_a_file_are_told_all_at_once_with_line_and_column() {
    let sandbox = Sandbox::new();
    for (text, words) in [
        ("name = shop\n", &["from.toml:1:8: "][..]),
        ("[answer]\n", &["from.toml:1:2: unknown field `answer`", "`answers`"]),
        ("[answers]\npython = \"3.11\"\npython = \"3.13\"\n", &["from.toml:3:1: duplicate key"]),
        (
            "[answers]\nsumary = \"x\"\npython = \"3.1\"\n  publish = \"yes\"\nretries = 9\nsummary = [1]\n",
            &[
                "from.toml:2:1: unknown answer \"sumary\" (did you mean \"summary\"?)",
                "from.toml:3:10: answer \"python\": \"3.1\" is not one of 3.11, 3.13 (did you mean",
                "from.toml:4:13: answer \"publish\": true or false is expected",
                "from.toml:5:11: answer \"retries\": 9 is above 5",
                "from.toml:6:11: answer \"summary\": an answer is a text",
            ],
        ),
        (
            "[template]\nname = \"axum\"\n",
            &["from.toml:1:1: this is a blueprint for the template \"axum\"", "--template"],
        ),
        ("name = \"class\"\n", &["it is a Python keyword"]),
    ] {
        sandbox.write("from.toml", text);
        let code = if text.contains("class") { 2 } else { 1 };
        sandbox.tool(if code == 2 { "--from from.toml" } else { "shop --from from.toml" }).fails(code, words);
        let from_input: Vec<String> = words.iter().map(|word| word.replace("from.toml", "standard input")).collect();
        let from_input: Vec<&str> = from_input.iter().map(String::as_str).collect();
        sandbox.tool(if code == 2 { "--from -" } else { "shop --from -" }).input(text).fails(code, &from_input);
    }
    sandbox.write("from.toml", b"name = \"caf\xe9\"\n");
    sandbox.tool("shop --from from.toml").fails(1, &["from.toml:1:12: this is not UTF-8"]);
}

#[test]
fn bad_flags_are_told_all_at_once() {
    let sandbox = Sandbox::new();
    sandbox
        .tool("shop --preset libary --set sumary=x --set python --python 3.1 --commands Run --retries none")
        .args("--publish=maybe")
        .fails(
            2,
            &[
                "--preset: no preset \"libary\"",
                "--set sumary: the template asks nothing of that name (did you mean \"summary\"?)",
                "--set python: KEY=VALUE is expected",
                "--python: \"3.1\" is not one of 3.11, 3.13",
                "--commands: \"Run\" is not lowercase letters",
                "--retries: \"none\" is no whole number",
                "--publish: \"maybe\" is neither true nor false",
            ],
        );
    sandbox.tool("shop --summray x").fails(2, &["--summray", "'--summary'"]);
    for line in ["--template", "--template --yes", "shop --template --json"] {
        sandbox.run(line).fails(2, &["a value is required for '--template <SRC>'"]);
    }
    sandbox.run("shop").arg("--template").arg(OsStr::from_bytes(b"caf\xe9")).fails(2, &["--template caf"]);
    sandbox.run("shop").arg(OsStr::from_bytes(b"--template=caf\xe9")).fails(2, &["the name is not UTF-8"]);
    sandbox.tool("shop --python 3.11 --python 3.13").fails(2, &["cannot be used multiple times"]);
}

#[test]
fn answers_that_do_not_go_together_are_told_with_the_reason() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop --publish --index none").fails(
        1,
        &["these answers do not go together (publish and index == \"none\"): there is nowhere to publish to"],
    );
    let pack = sandbox.pack(&[
        ("layers/core/layer.toml", "title = \"x\"\nwhen = 'name == \"core\"'\n"),
        ("layers/more/layer.toml", "title = \"x\"\nrequires = [\"core\"]\n"),
        ("layers/more/files/a", ""),
    ]);
    sandbox.with(&pack, "shop").fails(
        1,
        &["layer \"more\" needs layer \"core\", which these answers leave out", "it is in when name == \"core\""],
    );
}

/// A pack that asks two things and has a default for neither.
const BARE_QUESTIONS: &str = "[[question]]\nkey = \"colour\"\nprompt = \"Which colour?\"\nkind = \"text\"\n\
                              [[question]]\nkey = \"parts\"\nprompt = \"How many?\"\nkind = \"integer\"\n";

/// Runs with a standard input that stays open and never gives a byte: what waits for it never ends.
fn with_silent_input(run: Run) -> Outcome {
    let mut child =
        run.into_command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Waiting for the end would close it.
    let held_open = child.stdin.take();
    let outcome = end_of(child);
    drop(held_open);
    outcome
}

#[test]
fn without_a_terminal_nothing_waits_and_all_that_is_missing_is_one_message() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("pack.toml", &manifest(BARE_QUESTIONS))]);
    let missing = [
        "missing argument: DIR (stdin is not a terminal)",
        "\"colour\" has no default and was not given",
        "--colour …: Which colour?",
        "\"parts\" has no default and was not given",
        "--parts …: How many?",
    ];
    let runs = [
        ("an empty input", sandbox.with(&pack, "").finish()),
        ("a closed input", sandbox.with(&pack, "").through("exec \"$@\" <&-").finish()),
        ("a silent input", with_silent_input(sandbox.with(&pack, ""))),
        ("--yes", with_silent_input(sandbox.with(&pack, "--yes"))),
    ];
    for (how, outcome) in runs {
        println!("{how}");
        assert_eq!(outcome.code(), Some(2), "{outcome:?}");
        outcome.says(&missing);
    }
    let outcome = with_silent_input(sandbox.with(&pack, "shop --parts 3"));
    assert_eq!(outcome.code(), Some(2));
    assert!(outcome.err.contains("colour") && !outcome.err.contains("parts"), "{outcome:?}");
    sandbox.assert_untouched();
    assert_eq!(with_silent_input(sandbox.with(&pack, "shop --parts 3 --colour red")).code(), Some(0));
}

// ---- A machine that fails -----------------------------------------------------------------

/// `shop` as it should be, made by an undisturbed run.
fn whole(before: &[(&str, &str)]) -> std::collections::BTreeMap<String, Vec<u8>> {
    let sandbox = Sandbox::new();
    for (path, content) in before {
        sandbox.write(path, content);
    }
    sandbox.tool("shop --no-git").ok();
    sandbox.files("shop")
}

/// What a killed run may leave: its hidden folder, which no one takes for the result.
fn without_stages(mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| !name.starts_with(".new-service-"));
    names
}

/// Dies at every step there is, until a run gets through.
fn killed_at_every_step(mut at: impl FnMut(&Sandbox, &Outcome), before: &[(&str, &str)]) {
    let whole = whole(before);
    for step in 1.. {
        let sandbox = Sandbox::new();
        for (path, content) in before {
            sandbox.write(path, content);
        }
        let outcome = sandbox
            .tool("shop")
            .env("NEW_SERVICE_DIE_AT", step.to_string())
            .through("ulimit -c 0; exec \"$@\"")
            .finish();
        if outcome.code() == Some(0) {
            assert!(step > whole.len(), "died at {} steps alone: is this a build without them?", step - 1);
            return;
        }
        assert_eq!(outcome.status.signal(), Some(6), "step {step}: {outcome:?}");
        at(&sandbox, &outcome);
        // A second run finishes, and nothing of the first gets into the repository.
        sandbox.tool("shop").ok();
        let mut files = sandbox.files("shop");
        files.retain(|path, _| !path.starts_with(".new-service-"));
        assert!(files == whole, "step {step}: the second run did not finish the work");
        let tracked = sandbox.git("shop", &["ls-files"]);
        assert_eq!(tracked.lines().count(), whole.len(), "step {step}: other files were committed\n{tracked}");
    }
}

#[test]
fn killed_at_any_moment_a_new_folder_is_absent_or_whole() {
    killed_at_every_step(
        |sandbox, _| assert_eq!(without_stages(sandbox.names()), [""; 0], "a half-written folder is there"),
        &[],
    );
}

#[test]
fn killed_at_any_moment_an_existing_folder_has_whole_files_alone() {
    let before = [("shop/notes.txt", "mine"), ("shop/src/mine.py", "mine = True\n")];
    let whole = whole(&before);
    killed_at_every_step(
        |sandbox, _| {
            for (path, content) in sandbox.files("shop") {
                if !path.starts_with(".new-service-") {
                    assert!(whole.get(&path) == Some(&content), "{path}: is not as it should be");
                }
            }
            assert_eq!(sandbox.read("shop/notes.txt"), "mine");
        },
        &before,
    );
}

/// Linux: a signal is sent from within, by a tool that the command starts, and that ends only when
/// every thread of the command sleeps again; so the signal has been taken, with no waiting by time.
#[cfg(target_os = "linux")]
mod linux {
    use super::*;

    fn signal(name: &str) -> String {
        format!(
            "kill -{name} $PPID\n\
             while cat /proc/$PPID/task/*/status | grep -q '^State:.[^S]'; do :; done"
        )
    }

    #[test]
    fn a_signal_at_any_time_leaves_nothing() {
        for name in ["INT", "TERM", "HUP"] {
            for (when, script, words) in [
                ("before the first write", format!("[ $1 = rev-parse ] && {}\nexit 1", signal(name)), &[][..]),
                (
                    "while it is written",
                    format!("[ $1 = init ] || exit 1\n{}", signal(name)),
                    &["stopped; nothing was written"],
                ),
            ] {
                println!("{name} {when}");
                let sandbox = Sandbox::new();
                let stubs = sandbox.stub("git", &script);
                sandbox.tool("a/b/shop").first_in_path(&stubs).fails(130, words);
                sandbox.assert_untouched();
            }
        }
    }

    /// A folder that was there is whole before git is called, so a signal then comes too late to stop it.
    #[test]
    fn a_signal_after_the_last_file_is_too_late() {
        let sandbox = Sandbox::new();
        sandbox.write("shop/mine", "mine");
        let stubs = sandbox.stub("git", &format!("[ $1 = init ] || exit 1\n{}", signal("INT")));
        sandbox.tool("shop").first_in_path(&stubs).ok();
        assert_eq!(sandbox.files("shop"), whole(&[("shop/mine", "mine")]));
    }

    /// A mount of its own, seen by nobody else: `mount` and `script` run in it, and its content is
    /// listed to `../left` when they are done.
    fn mounted<'a>(run: Run<'a>, options: &str, script: &str) -> Run<'a> {
        let namespace = if fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
        {
            "-m"
        } else {
            "-rm"
        };
        run.through(&format!(
            "exec unshare {namespace} sh -c '\
               mount -t tmpfs -o {options} none . && cd \"$PWD\" && {script} || exit 99\n\
               \"$@\"; code=$?\n\
               find . -mindepth 1 ! -path \"*/.git/*\" | sort > ../left\n\
               exit $code' sh \"$@\""
        ))
    }

    fn left(sandbox: &Sandbox) -> Vec<String> {
        sandbox.read("../left").lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_read_only_folder_is_told_and_nothing_is_written() {
        for (dir, words, before) in [
            ("shop", ".: cannot be written to: Read-only file system", &["./there", "./there/mine"]),
            ("there", "there: cannot be written to: Read-only file system", &["./there", "./there/mine"]),
            ("a/b/shop", "a/b: Read-only file system", &["./there", "./there/mine"]),
        ] {
            let sandbox = Sandbox::new();
            let script = "mkdir there && : > there/mine && mount -o remount,ro . .";
            mounted(sandbox.tool(dir), "mode=755", script).fails(1, &[words]);
            assert_eq!(left(&sandbox), *before, "{dir}");
        }
    }

    #[test]
    fn a_report_that_cannot_be_written_says_what_became_of_the_rest() {
        for (line, words, there) in [
            ("shop --no-git --json", "shop: it was created all the same; the report could not be written", true),
            ("shop --dry-run --json", "shop: nothing was written; the report could not be written", false),
        ] {
            let sandbox = Sandbox::new();
            let outcome = sandbox.tool(line).through("exec \"$@\" > /dev/full").finish();
            assert_eq!(outcome.code(), Some(1), "{outcome:?}");
            assert!(outcome.err.contains(words), "{outcome:?}");
            assert_eq!(sandbox.path("shop/service.toml").exists(), there);
        }
    }

    const LARGE: usize = 200_000;

    #[test]
    fn a_full_disk_is_told_and_nothing_is_half_written() {
        let large = "x".repeat(LARGE);
        for (dir, before) in [("shop", &["./there", "./there/mine"]), ("there", &["./there", "./there/mine"])] {
            let sandbox = Sandbox::new();
            let pack = sandbox.pack(&[("layers/core/files/a", "small"), ("layers/core/files/z", &large)]);
            let script = "mkdir there && : > there/mine";
            mounted(sandbox.with(&pack, dir), "size=100k", script)
                .fails(1, &[": No space left on device", "nothing was written"]);
            assert_eq!(left(&sandbox), *before, "{dir}");
        }
    }

    /// A tmpfs counts each link: at some sizes the hidden folder fits, and placing the files fails
    /// midway, so what was placed must be taken away again.
    #[test]
    fn a_disk_that_fills_up_at_any_file_leaves_what_was_there() {
        let whole = whole(&[("shop/mine", "")]).len();
        let mut failed_after_files_were_placed = 0;
        for inodes in 8.. {
            let sandbox = Sandbox::new();
            let outcome = mounted(
                sandbox.tool("shop --no-git"),
                &format!("nr_inodes={inodes}"),
                "mkdir -p shop/src && : > shop/mine",
            )
            .finish();
            if outcome.code() == Some(0) {
                assert!(failed_after_files_were_placed > 5, "the disk never filled up while files were placed");
                assert!(left(&sandbox).len() > whole);
                return;
            }
            assert_eq!(outcome.code(), Some(1), "{outcome:?}");
            assert_eq!(left(&sandbox), ["./shop", "./shop/mine", "./shop/src"], "{inodes} inodes: {outcome:?}");
            if outcome.err.contains("error: shop/") && !outcome.err.contains("cannot be written to") {
                failed_after_files_were_placed += 1;
            }
            assert!(outcome.err.contains("No space left on device"), "{outcome:?}");
        }
    }

    /// `kill` ends a command that waits for its input, as it ends any other.
    #[test]
    fn a_signal_while_it_reads_standard_input_ends_it() {
        use std::io::Write as _;
        for name in ["INT", "TERM"] {
            let sandbox = Sandbox::new();
            let mut child = sandbox
                .tool("shop --from -")
                .into_command()
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut input = child.stdin.take().unwrap();
            // More than a pipe holds: when it is taken, the command reads.
            input.write_all("#\n".repeat(1 << 17).as_bytes()).unwrap();
            let kill = sandbox.clean("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
            assert!(kill.success());
            let outcome = end_of(child);
            assert_eq!(outcome.code(), Some(130), "{outcome:?}");
            drop(input);
            sandbox.assert_untouched();
        }
    }
}
