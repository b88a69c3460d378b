//! What `template check` finds, each thing by itself and all of them at once.

use std::path::Path;

use crate::support::{Outcome, Sandbox, python_tool};

const HEAD: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n";

fn question(key: &str, rest: &str) -> String {
    format!("[[question]]\nkey = \"{key}\"\nprompt = \"?\"\n{rest}\n")
}

fn check(sandbox: &Sandbox, pack: &Path, code: i32) -> Outcome {
    sandbox.run("template check").arg(pack).ends(code)
}

/// That just these are found in a pack, one line each.
fn finds(what: &str, files: &[(&str, &str)], findings: &[&str]) {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(files);
    let said = check(&sandbox, &pack, if findings.is_empty() { 0 } else { 4 });
    let found: Vec<&str> = said.out.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(found.len(), findings.len(), "{what}: {said:?}");
    for finding in findings {
        assert!(found.iter().any(|line| line.contains(finding)), "{what}: {finding:?} in {said:?}");
    }
    sandbox.assert_untouched();
}

const FILE: &str = "layers/core/files/a.tera";
const LAYER: &str = "layers/core/layer.toml";

#[test]
fn a_good_pack_has_nothing_to_find() {
    let sandbox = Sandbox::new();
    let said = check(&sandbox, &python_tool(), 0);
    assert_eq!(said.out, "");
    said.says(&["nothing found; ", " services rendered, 0 test cases"]);
    finds("the smallest", &[("layers/core/files/a", "x")], &[]);
}

#[test]
fn everything_that_does_not_parse_is_told_at_once() {
    finds(
        "two templates and a slot",
        &[
            (FILE, "{{ name"),
            ("layers/core/files/b.tera", "x\n{{ nmae }}\n"),
            ("layers/core/files/c.tera", "{{ slot(\"x\") }}\n"),
        ],
        &["files/a.tera:1:", "files/c.tera:1:1: no slot \"x\""],
    );
    finds("a name", &[(FILE, "x\n{{ nmae }}\n")], &["a.tera:2:4: `nmae` is not defined (did you mean \"name\"?)"]);
    finds("a filter", &[(FILE, "{{ name | snaek }}\n")], &["a.tera:1:"]);
    finds("a path", &[("layers/core/files/{{ nmae }}", "")], &["the path \"{{ nmae }}\" may not be written"]);
    finds(
        "a practice",
        &[(LAYER, "title = \"x\"\n[[practice]]\nid = \"app.helth\"\nevidence = [{ file = \"a\" }]\n")],
        &["layer.toml:3:6: no practice \"app.helth\" (did you mean"],
    );
    finds("no pack", &[("pack.toml", "name = 1")], &["pack.toml:1:8: "]);
}

/// A claim is held against every service, and what is there instead is told.
#[test]
fn a_practice_that_a_service_contradicts_is_found() {
    let manifest = format!("{HEAD}{}", question("fast", "kind = \"bool\"\ndefault = true"));
    let claim = |when: &str, evidence: &str| {
        format!("title = \"Core\"\n[[practice]]\nid = \"deploy.rolling\"\n{when}evidence = [{evidence}]\n")
    };
    let files = [
        ("pack.toml", manifest.as_str()),
        ("layers/core/files/deploy/base.yaml", "spec: {type: RollingUpdate, items: [{a: 1}, {a: 2, b: 3}]}\n"),
        (
            "layers/core/files/tests/it.rs",
            "mod m {\n    #[tokio::test]\n    async fn stops() {}\n    #[test]\n    #[ignore]\n    fn starts() {}\n    fn helps() {}\n}\n",
        ),
        ("layers/core/files/{{ name }}.json", "{\"a/b\": 1}"),
        ("layers/slow/layer.toml", "title = \"Slow\"\nwhen = \"not fast\"\n"),
        ("layers/slow/files/deploy/patch.yaml", "a: 1\n---\nspec: {type: Recreate}\n"),
    ];
    let all = "{ file = \"deploy/**\", at = \"/spec/type\", is = \"RollingUpdate\" }";
    let one = |evidence: &str| claim("", evidence);
    let is_claimed = "the practice \"deploy.rolling\" is claimed, and";
    for (layer, words) in [
        (
            one(all),
            vec![
                "layer.toml:4:13: ",
                is_claimed,
                "/spec/type of deploy/patch.yaml is \"Recreate\", not \"RollingUpdate\"",
                "--set fast=false",
            ],
        ),
        (claim("when = \"fast\"\n", all), vec![]),
        (
            one("{ file = \"deploy/**\", at = \"/spec/type\", not = \"Recreate\" }"),
            vec!["deploy/patch.yaml is \"Recreate\"\n"],
        ),
        (one("{ file = \"deploy/base.yaml\", at = \"/spec/items/*/a\" }"), vec![]),
        (
            one("{ file = \"deploy/base.yaml\", at = \"/spec/items/*/b\" }"),
            vec!["deploy/base.yaml has nothing at /spec/items/0/b\n"],
        ),
        (
            one("{ file = \"deploy/base.yaml\", at = \"/spec/typ\" }"),
            vec!["deploy/base.yaml has nothing at /spec/typ\n"],
        ),
        (one("{ file = \"{{ name }}.json\", at = \"/a~1b\", is = 1 }"), vec![]),
        (
            one("{ file = \"deploy/bas.yaml\" }"),
            vec!["there is no file \"deploy/bas.yaml\" (did you mean \"deploy/base.yaml\"?)"],
        ),
        (one("{ test = \"tests/*.rs::st?ps\" }"), vec![]),
        (one("{ test = \"tests/it.rs::stop\" }"), vec!["tests/it.rs has no test \"stop\" (did you mean \"stops\"?)"]),
        (one("{ test = \"tests/it.rs::helps\" }"), vec!["tests/it.rs has no test \"helps\""]),
        (one("{ test = \"tests/it.rs::starts\" }"), vec!["the test \"starts\" in tests/it.rs is ignored"]),
        (one("{ test = \"stops\" }"), vec!["layer.toml:4:22: \"stops\" names no test"]),
        (one(""), vec!["layer.toml:4:12: nothing proves \"deploy.rolling\""]),
        (one("{ at = \"/a\" }"), vec!["layer.toml:4:13: this is no evidence"]),
        (one("{ file = \"x.json\", at = \"a\" }"), vec!["is no pointer"]),
        (one("{ file = \"x.json\", at = \"/a\", is = 1, not = 2 }"), vec!["`is` and `not` contradict each other"]),
        (
            claim("when = 'fast or not fast'\n", all),
            vec!["holds for all answers: \"deploy.rolling\" is claimed wherever its layer is in"],
        ),
        (
            "title = \"Core\"\npractices = [\"deploy.rolling\"]\n".to_owned(),
            vec!["[[practice]] with `id` and `evidence`"],
        ),
    ] {
        let files: Vec<_> = files.iter().copied().chain([(LAYER, layer.as_str())]).collect();
        let sandbox = Sandbox::new();
        let pack = sandbox.pack(&files);
        let said = check(&sandbox, &pack, if words.is_empty() { 0 } else { 4 });
        for word in &words {
            assert!(said.out.contains(word), "{word:?} in {said:?}");
        }
    }
}

/// Layers that no answers bring in together, or at all, are parsed like the others.
#[test]
fn a_layer_that_is_never_in_is_read_all_the_same() {
    let manifest =
        format!("{HEAD}{}", question("kind", "kind = \"choice\"\nchoices = [\"a\", \"b\"]\ndefault = \"a\""));
    finds(
        "a broken template",
        &[
            ("pack.toml", &manifest),
            ("layers/other/layer.toml", "title = \"x\"\nwhen = 'kind == \"c\"'\n"),
            ("layers/other/files/x.tera", "{{ nmae }}"),
        ],
        &["layers/other/files/x.tera:1:4: `nmae`"],
    );
    finds(
        "a whole one",
        &[
            ("pack.toml", &manifest),
            ("layers/other/layer.toml", "title = \"x\"\nwhen = 'kind == \"c\"'\n"),
            ("layers/other/files/x.tera", "{{ name }}"),
        ],
        &["layers/other/layer.toml:2:8: `when = 'kind == \"c\"'` holds for no answers: layer \"other\" is never in"],
    );
}

#[test]
fn what_is_asked_must_be_used() {
    let text = "kind = \"text\"\ndefault = \"x\"";
    let unused = format!("{HEAD}{}{}", question("used", text), question("idle", text));
    let found = ["pack.toml:10:7: \"idle\" is asked, and nothing reads the answer"];
    finds("by no template", &[("pack.toml", &unused), (FILE, "{{ used }}")], &found);
    for (what, files) in [
        ("by a path", ("layers/core/files/{{ idle | kebab }}-", "x")),
        ("by a condition", (LAYER, "title = \"x\"\n[files.\"a\"]\nwhen = 'idle == \"x\"'\n")),
        (
            "by a setting",
            (
                LAYER,
                "title = \"x\"\n[[config]]\nenv = \"A\"\nkind = \"string\"\ndefault = \"{{ idle }}\"\ndoc = \"\"\n",
            ),
        ),
    ] {
        finds(what, &[("pack.toml", &unused), (FILE, "{{ used }}"), files], &[]);
    }
    let closed = format!("{HEAD}{}", question("only", "kind = \"choice\"\nchoices = [\"a\"]\ndefault = \"a\""));
    finds("one that is not asked", &[("pack.toml", &closed)], &[]);
}

#[test]
fn a_when_must_make_a_difference() {
    let flag = |key: &str, rest: &str| question(key, &format!("kind = \"bool\"\ndefault = false\n{rest}"));
    let manifest = format!("{HEAD}{}{}", flag("one", ""), flag("two", "when = \"one\""));
    let rule = |when: &str| format!("title = \"x\"\n[files.\"a\"]\nwhen = '{when}'\n");
    let of = |layer: &str, found: &[&str]| {
        finds(layer, &[("pack.toml", &manifest), (LAYER, layer), ("layers/core/files/a", "x")], found);
    };
    of(&rule("two"), &[]);
    of(
        &rule("two and not one"),
        &[
            "layer.toml:3:8: `when = 'two and not one'` holds for no answers: \"a\" is never written",
            "no answers bring this file",
        ],
    );
    of(&rule("one or not two"), &["layer.toml:3:8: `when = 'one or not two'` holds for all answers"]);
    of(
        "title = \"x\"\nwhen = \"one or not one\"\n",
        &[
            "core/layer.toml:2:8: `when = 'one or not one'` holds for all answers: layer \"core\" is always in",
            "\"two\" is asked",
        ],
    );
    let refuse = |when: &str| format!("{}[[refuse]]\nwhen = '{when}'\nreason = \"r\"\n", rule("two"));
    of(&refuse("two and not one"), &["it refuses nothing"]);
    of(&refuse("true"), &["no answers make a service"]);
    // Told by what decides it, whatever it compares.
    for (kind, when) in [
        ("text", "what == \"x y\""),
        ("integer", "what > 41"),
        ("list", "\"deep\" in what"),
        ("list", "what | length > 1"),
    ] {
        let default = match kind {
            "text" => "\"\"",
            "integer" => "3",
            _ => "[]",
        };
        let manifest = format!("{HEAD}{}", question("what", &format!("kind = \"{kind}\"\ndefault = {default}")));
        let layer = rule(when);
        finds(when, &[("pack.toml", &manifest), (LAYER, &layer), ("layers/core/files/a", "x")], &[]);
    }
}

/// So many that nobody could try every combination: pairs, and what one condition or file hangs on, are tried still.
#[test]
fn many_questions_are_tried_as_well() {
    let flags: String = (0..24).map(|n| question(&format!("q{n}"), "kind = \"bool\"\ndefault = false")).collect();
    let all = (0..24).map(|n| format!("{{{{ q{n} }}}}")).collect::<Vec<_>>().concat();
    let layer = "title = \"x\"\n[files.\"deep\"]\nwhen = 'q3 and q7 and q11 and not q20'\n[files.\"never\"]\nwhen = 'q1 and not q1'\n";
    let files = [
        ("pack.toml", format!("{HEAD}{flags}")),
        (LAYER, layer.to_owned()),
        (FILE, all),
        ("layers/core/files/deep", "x".into()),
        ("layers/core/files/never", "x".into()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    finds(
        "24 questions",
        &files,
        &["'q1 and not q1'` holds for no answers", "files/never:1:1: no answers bring this file"],
    );
}

#[test]
fn what_nothing_comes_to_is_told() {
    let one = |name: &str| format!("[[slot]]\nname = \"{name}\"\npurpose = \"p\"\npublic = true\n");
    let slots = format!("title = \"x\"\n{}{}[slots.\"cor/gone\"]\norder = 1\n", one("held"), one("lost"));
    finds(
        "slots",
        &[(LAYER, &slots), (FILE, "{{ slot(\"held\") }}\n"), ("layers/core/slots/croe/x.rs", "x\n")],
        &[
            "layer.toml:7:8: no file of layer \"core\" has the slot \"lost\"",
            "layer.toml:10:8: there is no layer \"cor\" (did you mean \"core\"?)",
            "slots/croe/x.rs:1:1: there is no layer \"croe\" (did you mean \"core\"?)",
        ],
    );
    finds(
        "components",
        &[
            (
                "partials/a.tera",
                "{% component used() %}{{ <inner /> }}{% endcomponent used %}\n{% component inner() %}x{% endcomponent inner %}\n",
            ),
            (
                "partials/b.tera",
                "{% component idle() %}{{ <deeper /> }}{% endcomponent idle %}\n{% component deeper() %}x{% endcomponent deeper %}\n",
            ),
            (FILE, "{{ <used /> }}"),
        ],
        &[
            "partials/b.tera:1:14: no file calls the component \"idle\"",
            "partials/b.tera:2:14: no file calls the component \"deeper\"",
        ],
    );
    let kind = format!("{HEAD}{}", question("kind", "kind = \"choice\"\nchoices = [\"a\", \"b\"]\ndefault = \"a\""));
    finds(
        "lines for a layer that is never there with them",
        &[
            ("pack.toml", &kind),
            (LAYER, &format!("title = \"x\"\nwhen = 'kind == \"a\"'\n{}", one("s"))),
            (FILE, "{{ slot(\"s\") }}\n"),
            ("layers/other/layer.toml", "title = \"x\"\nwhen = 'kind == \"b\"'\n"),
            ("layers/other/slots/core/s", "line\n"),
        ],
        &["layers/other/slots/core/s:1:1: its lines are never placed"],
    );
    finds(
        "rules that contradict each other",
        &[
            ("pack.toml", &kind),
            (LAYER, "title = \"x\"\n[files.\"a*\"]\nwhen = 'kind == \"a\"'\n[files.\"*b\"]\nwhen = 'kind == \"b\"'\n"),
            (FILE, "x\n"),
            ("layers/core/files/ab", "x"),
            ("layers/core/files/b", "x"),
        ],
        &["core/files/ab:1:1: no answers bring this file into a service"],
    );
}

#[test]
fn a_policy_is_for_files_that_it_suits() {
    let manifest = format!("{HEAD}{}", question("motto", "kind = \"text\"\ndefault = \"x\""));
    let rule = |policy: &str| format!("title = \"x\"\n[files.\"a\"]\npolicy = \"{policy}\"\n");
    let motto = "{{ name }} {{ year }} {{ motto }}";
    let once = ["files/a.tera:1:1: it is written once, and reads what may change: motto"];
    finds("once", &[("pack.toml", &manifest), (LAYER, &rule("once")), (FILE, motto)], &once);
    finds("merge", &[("pack.toml", &manifest), (LAYER, &rule("merge")), (FILE, motto)], &[]);
    finds("lasting", &[(LAYER, &rule("once")), (FILE, "{{ name }} {{ year }}")], &[]);
    finds("lock", &[(LAYER, &rule("lock")), (FILE, "x")], &["files/a.tera:1:1: `lock` is for the file that [lock]"]);
}

/// Whatever a person may answer, in whatever combination: a value that is not escaped for its place is found.
#[test]
fn rendered_files_parse_for_every_text() {
    let manifest = format!("{HEAD}{}", question("motto", "kind = \"text\"\ndefault = \"x\""));
    for (path, bare, escaped) in [
        ("a.toml", "a = \"{{ motto }}\"", "a = {{ motto | toml }}"),
        ("a.yaml", "a: {{ motto }}", "a: {{ motto | yaml }}"),
        ("a.json", "{\"a\": \"{{ motto }}\"}", "{\"a\": {{ motto | json }}}"),
        (
            "src/a.rs",
            "// {{ motto }}\nconst A: &str = \"{{ motto }}\";",
            "// {{ motto | comment }}\nconst A: &str = {{ motto | rust_str }};",
        ),
    ] {
        let file = format!("layers/core/files/{path}.tera");
        let found = format!("files/{path}.tera:1:1: {path} would not parse: ");
        finds(path, &[("pack.toml", &manifest), (&file, bare)], &[&found]);
        finds(path, &[("pack.toml", &manifest), (&file, escaped)], &[]);
        let unparsed = format!("{manifest}[check]\nunparsed = [\"{path}\"]\n");
        finds(path, &[("pack.toml", &unparsed), (&file, bare)], &[]);
    }
    // A copy is read as well.
    finds(
        "a copy",
        &[("layers/core/files/a.json", "{\"a\": 1, \"a\": 2}")],
        &["a.json would not parse: the key \"a\" stands twice"],
    );
}

#[test]
fn a_finding_says_which_answers_show_it() {
    let sandbox = Sandbox::new();
    let flags: String = ["one", "two"].map(|key| question(key, "kind = \"bool\"\ndefault = false")).concat();
    let pack = sandbox.pack(&[
        ("pack.toml", &format!("{HEAD}{flags}")),
        ("layers/core/files/a.json.tera", "{% if one and two %}broken{% else %}1{% endif %}"),
    ]);
    let said = check(&sandbox, &pack, 4);
    let line = said.out.lines().find_map(|line| line.strip_prefix("  seen with: new-service ")).unwrap();
    assert!(line.contains("--set one=true") && line.contains("--set two=true"), "{said:?}");
    let shown = sandbox.with(&pack, line).args("--no-git --dry-run --diff").ok();
    assert!(shown.out.contains("+broken"), "{shown:?}");
}

/// A pack that renders resources is tried with them: none, plain ones, and of every kind.
#[test]
fn resources_are_tried() {
    let layer = |when: &str| format!("title = \"x\"\nfor_each = \"resources\"\nas = \"r\"\nwhen = '{when}'\n");
    let of = |layer: &str, template: &str, found: &[&str]| {
        finds(layer, &[(LAYER, layer), ("layers/core/files/{{ r.module }}.tera", template)], found);
    };
    of(&layer("resources | length > 0"), "{{ r.name }}", &[]);
    of(&layer("\"decimal\" in kinds"), "{{ r.name }}", &[]);
    of(&layer("\"decimals\" in kinds"), "{{ r.name }}", &["holds for no answers"]);
    of(&layer("resources | length > 0"), "{{ r.nmae }}", &["{{ r.module }}.tera:1:"]);
    of(
        &layer("resources | length > 0"),
        "{% for f in r.fields %}{% if f.kind == \"uuid\" %}{{ f.oops }}{% endif %}{% endfor %}",
        &["{{ r.module }}.tera:1:"],
    );
}

#[test]
fn machines_are_told_the_same() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("layers/core/files/a.json.tera", "{")]);
    let said = sandbox.run("template check --json").arg(&pack).ends(4).json();
    assert_eq!(said["template"]["name"], "small");
    assert_eq!((said["built"].clone(), said["cases"].clone()), (false.into(), 0.into()));
    assert!(said["rendered"].as_u64().unwrap() > 0);
    let [finding] = said["findings"].as_array().unwrap().as_slice() else { panic!("{said}") };
    assert!(finding["file"].as_str().unwrap().ends_with("layers/core/files/a.json.tera"), "{finding}");
    assert_eq!((finding["line"].clone(), finding["column"].clone()), (1.into(), 1.into()));
    assert!(finding["message"].as_str().unwrap().starts_with("a.json would not parse: "), "{finding}");
    assert!(finding["help"].is_string() && finding["answers"].is_string(), "{finding}");
    let said = sandbox.run("template check --json").arg(sandbox.pack(&[("pack.toml", "x")])).ends(4).json();
    assert!(said["template"].is_null(), "{said}");
}

#[test]
fn what_is_built_is_said_before_and_only_when_asked() {
    let sandbox = Sandbox::new();
    let build = |lines: &str| format!("{HEAD}[check]\nbuild = [{lines}]\n");
    let outside = sandbox.path("ran").display().to_string();
    let pack = sandbox.pack(&[
        ("pack.toml", &build(&format!("\"pwd > '{outside}'\", \"cat a\""))),
        ("layers/core/files/a", "hello\n"),
    ]);
    check(&sandbox, &pack, 0);
    assert!(!sandbox.path("ran").exists(), "nothing runs unasked");
    let said = sandbox.run("template check --build").arg(&pack).ok();
    assert_eq!(said.out, "", "what a command says is talk");
    let at = |words: &str| said.err.find(words).unwrap_or_else(|| panic!("{words:?}: {said:?}"));
    assert!(at("/shop: cat a\n") < at("hello\n"), "{said:?}");
    let folder = sandbox.read("ran");
    assert!(folder.trim().starts_with(&*sandbox.path("../tmp").canonicalize().unwrap().to_string_lossy()), "{folder}");
    assert_eq!(crate::support::names_in(&sandbox.path("../tmp")), [""; 0]);

    let pack = sandbox.pack(&[("pack.toml", &build("\"true\", \"exit 7\", \"echo after\""))]);
    let said = sandbox.run("template check --build").arg(&pack).ends(4);
    assert!(said.out.contains("pack.toml:5:18: `exit 7` failed: exit status: 7"), "{said:?}");
    assert!(!said.err.contains("echo after"), "what follows builds on it: {said:?}");
    let said = sandbox.run("template check --build").arg(sandbox.pack(&[])).ends(4);
    assert!(said.out.contains("there is nothing to build with"), "{said:?}");
    // What does not render is not built.
    let pack = sandbox.pack(&[("pack.toml", &build("\"true\"")), (FILE, "{{ nmae }}")]);
    sandbox.run("template check --build").arg(&pack).ends(4).says(&["nothing built before these are mended"]);
}

#[test]
fn a_folder_is_what_is_checked() {
    let sandbox = Sandbox::new();
    sandbox.run("template check nowhere").fails(2, &["nowhere: no such folder", "template new DIR"]);
    sandbox.run("template check x --template y").fails(2, &["y"]);
    let pack = sandbox.pack(&[]);
    sandbox.with(&pack, "template check").arg(&pack).fails(2, &["--template: ", "is a template itself"]);
    sandbox.run("template").ends(2);
    sandbox.run("template chekc x").fails(2, &["check"]);
    sandbox.write("empty/file", "");
    let said = sandbox.run("template check empty").ends(4);
    assert!(said.out.contains("empty/pack.toml: no such file"), "{said:?}");
}

/// What a pack wrote is shown, and no terminal obeys it.
#[test]
fn findings_are_plain_text() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("layers/core/files/a.json", "\u{1b}[2J\u{202E}")]);
    for line in ["template check", "template check --json"] {
        let said = sandbox.run(line).arg(&pack).ends(4);
        assert!(!(said.out.clone() + &said.err).contains(['\u{1b}', '\u{202E}']), "{said:?}");
    }
}

/// What lies over a template is checked with it, whether the folder that is named lies below or above.
#[test]
fn an_overlay_is_checked_over_its_template() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("pack.toml", HEAD), (LAYER, "title = \"x\"\n"), (FILE, "{{ name }}\n")]);
    sandbox.write("../over/layers/more/layer.toml", "title = \"More\"\nwhen = 'pager == \"nobody\"'\n");
    sandbox.write("../over/layers/more/files/b.tera", "{{ pager }}\n");
    sandbox.write(
        "../over/pack.toml",
        question("pager", "kind = \"choice\"\nchoices = [\"day\", \"night\"]\ndefault = \"day\""),
    );
    sandbox.write("../over/tests/one.toml", "exists = [\"c\"]\n");
    let over = sandbox.path("../over");
    let run = |words: &str, folder: &Path| sandbox.run(&format!("template check {words}")).arg(folder);
    let never = "layers/more/layer.toml:2:8: ";
    let below = run("--template", &pack).arg(&over).ends(4);
    assert!(below.out.contains(never), "{}", below.out);
    assert!(below.out.contains("over/tests/one.toml:1:11: "), "{}", below.out);
    let above = run("--overlay", &over).arg(&pack).ends(4);
    assert!(above.out.contains(never), "{}", above.out);

    sandbox.write("../over/layers/more/layer.toml", "title = \"More\"\nwhen = 'pager == \"night\"'\n");
    sandbox.write("../over/tests/one.toml", "answers = { pager = \"night\" }\nexists = [\"b\"]\n");
    sandbox.write("../over/layers/more/files/b.tera", "{{ pagerr }}\n");
    let misspelled = run("--template", &pack).arg(&over).ends(4);
    assert!(
        misspelled.out.contains("b.tera:1:4: `pagerr` is not defined (did you mean \"pager\"?)"),
        "{}",
        misspelled.out
    );
    sandbox.write("../over/layers/more/files/b.tera", "{{ pager }}\n");
    run("--template", &pack).arg(&over).ok().says(&["nothing found", "1 test cases"]);

    run("--template axum", &pack).fails(2, &["--template: ", "is a template itself"]);
    sandbox.run("template export out --overlay").arg(&over).fails(2, &["--overlay: "]);
    sandbox.run("template new out --overlay").arg(&over).fails(2, &["--overlay: "]);
}

const SETTING: &str = "title = \"x\"\n[[config]]\nenv = \"PAUSE\"\ndoc = \"x\"\n";

#[test]
fn a_setting_has_a_value_of_its_kind() {
    for (rest, words) in [
        (
            "kind = \"duration\"\ndefault = \"30 parsecs\"",
            "\"30 parsecs\" does not fit its kind or bounds, as in \"30s\"",
        ),
        ("kind = \"duration\"\ndefault = \"s\"", "\"s\" does not fit its kind"),
        ("kind = \"addr\"\ndefault = \"localhost\"", "as in \"127.0.0.1:8080\""),
        ("kind = \"url\"\ndev = \"host\"", "as in \"https://host/path\""),
        ("kind = \"integer\"\ndefault = 9\nmax = 8", "the value 9 does not fit"),
        ("kind = \"duration\"\ndefault = \"1s\"\nmin = 1", "`min` and `max` belong to kind = \"integer\""),
    ] {
        finds(rest, &[(LAYER, &format!("{SETTING}{rest}\n")), (FILE, "x")], &[words]);
    }
    let open = "kind = \"duration\"\ndefault = \"{{ year }}s\"\n";
    finds(
        "a value that holds one",
        &[(LAYER, &format!("{SETTING}{open}")), (FILE, "{{ settings.PAUSE.default }}")],
        &[],
    );
}

#[test]
fn layers_that_disagree_on_a_setting_are_told_where_they_do() {
    let other = format!("{SETTING}kind = \"string\"\n");
    let files = [
        (LAYER, &*format!("{SETTING}kind = \"bool\"\n")),
        (FILE, "{{ settings.PAUSE.default }}"),
        ("layers/other/layer.toml", &other),
        ("layers/other/files/b", "x"),
    ];
    finds("two kinds", &files, &["other/layer.toml:2:1: the setting PAUSE is declared otherwise by layer \"core\""]);
}

#[test]
fn what_is_copied_and_what_is_rendered_is_told_apart() {
    let broken = "fn f() { {{ name }}; let }\n";
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("layers/core/files/a.rs", broken)]);
    let said = check(&sandbox, &pack, 4);
    assert!(said.out.contains("a.rs would not parse") && said.out.contains("a name that ends in .tera"), "{said:?}");
    finds("twins", &[(FILE, "x"), ("layers/core/files/a", "y")], &["a.tera:1:1: layers/core/files/a stands beside it"]);
}

const MARKED: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
    [delimiters]\nvalue = [\"{=\", \"=}\"]\nblock = [\"<%\", \"%>\"]\ncomment = [\"<#\", \"#>\"]\n";

/// The marks of most packs and of every tutorial on Tera are text in a pack with others.
#[test]
fn values_in_marks_of_another_pack_are_noted() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        ("pack.toml", MARKED),
        (FILE, "{= name =}\nof {{ name }}\n"),
        ("layers/core/files/b.tera", "${{ name }} {{ .name }} {{ $name }} {{ names }} {{{ name }}}\n"),
        ("layers/core/files/c", "{{ name }}\n"),
    ]);
    let said = check(&sandbox, &pack, 0);
    let note = "a.tera:2:7: `{{ name` is written as it stands; a value is `{= name =}`\n";
    assert!(said.err.contains(note) && said.err.matches("as it stands").count() == 1, "{said:?}");
}

#[test]
fn a_question_in_a_layer_is_led_to_the_pack() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[(LAYER, "title = \"x\"\n[[question]]\nkey = \"a\"\n")]);
    let said = check(&sandbox, &pack, 4);
    assert!(
        said.out.contains("layer.toml:2:3: unknown field `question`") && said.out.contains("it stands in pack.toml"),
        "{said:?}"
    );
}
