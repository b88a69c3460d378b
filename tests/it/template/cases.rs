//! A pack's own test cases.

use crate::support::Sandbox;

const MANIFEST: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
    [[question]]\nkey = \"extra\"\nprompt = \"?\"\nkind = \"bool\"\ndefault = false\n";

/// A pack with a file that is always there and one that is asked for, and a case.
fn with_case<'a>(sandbox: &'a Sandbox, case: &'a str) -> std::path::PathBuf {
    sandbox.pack(&[
        ("pack.toml", MANIFEST),
        ("layers/core/layer.toml", "title = \"x\"\n[files.\"extra/*\"]\nwhen = \"extra\"\n[[refuse]]\nwhen = 'extra and name == \"plain\"'\nreason = \"plain is plain\"\n"),
        ("layers/core/files/a.tera", "I am {{ name }}\n"),
        ("layers/core/files/extra/b", "more\n"),
        ("tests/case.toml", case),
        ("tests/expected/a", "I am shop\n"),
    ])
}

fn finds(case: &str, findings: &[&str]) {
    let sandbox = Sandbox::new();
    let pack = with_case(&sandbox, case);
    let said = sandbox.run("template check").arg(&pack).ends(if findings.is_empty() { 0 } else { 4 });
    let found: Vec<&str> = said.out.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(found.len(), findings.len(), "{case}: {said:?}");
    for finding in findings {
        assert!(found.iter().any(|line| line.contains(finding)), "{case}: {finding:?} in {said:?}");
    }
    sandbox.assert_untouched();
}

#[test]
fn a_case_that_holds_is_counted_and_not_told() {
    let case = "answers = { extra = true }\nexists = [\"a\", \"extra/**\"]\nabsent = [\"c\"]\n\
        [contains]\n\"a\" = [\"I am\", \"shop\"]\n[equals]\n\"a\" = \"expected/a\"\n";
    finds(case, &[]);
    let sandbox = Sandbox::new();
    let pack = with_case(&sandbox, case);
    sandbox.run("template check").arg(&pack).ok().says(&["1 test cases"]);
}

#[test]
fn all_that_is_otherwise_is_told_with_its_place() {
    finds(
        "name = \"other\"\nexists = [\"extra/b\", \"A\"]\nabsent = [\"*\"]\n\
         [contains]\n\"a\" = [\"I am\", \"shop\"]\n\"c\" = [\"x\"]\n[equals]\n\"a\" = \"expected/a\"\n",
        &[
            "tests/case.toml:2:11: extra/b is not written",
            "tests/case.toml:2:22: A is not written (did you mean \"a\"?)",
            "tests/case.toml:3:11: a is written",
            "tests/case.toml:5:16: a does not hold \"shop\"",
            "tests/case.toml:6:8: c is not written",
            "tests/case.toml:8:7: line 1 of a is `I am other`, not `I am shop`",
        ],
    );
}

#[test]
fn a_refusal_is_a_result_as_well() {
    let plain = "name = \"plain\"\nanswers = { extra = true }\n";
    finds(&format!("{plain}refused = \"plain is plain\"\n"), &[]);
    finds(
        &format!("{plain}refused = \"otherwise\"\n"),
        &["case.toml:3:11: these answers are refused, and otherwise: "],
    );
    finds(plain, &["case.toml:1:8: these answers do not go together"]);
    finds("refused = \"x\"\n", &["case.toml:1:11: these answers are not refused"]);
}

#[test]
fn a_case_that_is_ill_written_is_told_whole() {
    finds(
        "name = \"a b\"\nanswers = { extar = true, extra = 3 }\nexists = [\"[\"]\n[equals]\n\"a\" = \"expected/b\"\n",
        &[
            "case.toml:1:8: the name \"a b\" cannot be used",
            "case.toml:2:13: the template asks nothing named \"extar\" (did you mean \"extra\"?)",
            "case.toml:2:35: extra: true or false is expected",
            "case.toml:3:11: no file pattern",
            "case.toml:5:7: no file \"tests/expected/b\" in the pack (did you mean \"tests/expected/a\"?)",
        ],
    );
    finds("exist = [\"a\"]\n", &["case.toml:1:1: unknown field `exist`"]);
    finds("resources = [\"order note:text\"]\n", &["case.toml:1:14: "]);
}

#[test]
fn a_command_runs_only_in_a_build() {
    let sandbox = Sandbox::new();
    let pack = with_case(&sandbox, "command = [\"grep shop a\", \"grep nothing a\"]\n");
    sandbox.run("template check").arg(&pack).ok();
    let said = sandbox.run("template check --build").arg(&pack).ends(4).says(&["/shop: grep shop a\n", "I am shop\n"]);
    assert!(said.out.contains("tests/case.toml:1:27: `grep nothing a` failed: exit status: 1"), "{said:?}");
    let pack = with_case(&sandbox, "command = [\"grep shop a\"]\n");
    sandbox.run("template check --build").arg(&pack).ok();
}
