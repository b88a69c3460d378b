//! The steps after creating: one declared list, which is printed and which the texts of a template repeat.

use crate::support::Sandbox;

const MANIFEST: &str = r#"name = "small"
version = "0.1.0"
edition = 2
[[question]]
key = "word"
prompt = "Word"
kind = "text"
default = "one"
[next]
steps = [{ run = "serve {{ services | length }}", when = "services | length > 0" }, "run {{ word | sh }}"]
meanwhile = [{ run = "ask", when = 'word == "one"' }]
"#;

const LAYER: &str = "title = \"Core\"\nnext = [\"make\", \"make\"]\n";

const TEXT: &str = "{% for step in next.steps %}{{ step }}\n{% endfor %}{{ next.meanwhile | length }}\n";

#[test]
fn steps_hold_values_and_conditions() {
    let sandbox = Sandbox::new();
    let with = |layer: &str| {
        let files =
            [("pack.toml", MANIFEST), ("layers/core/layer.toml", layer), ("layers/core/files/steps.tera", TEXT)];
        sandbox.pack(&files)
    };
    let pack = with(LAYER);
    let said = sandbox.with(&pack, "one --no-git").ok();
    said.says(&["Next:\n  cd one\n  make\n  run one\nThen, in another terminal:\n  ask\n"]);
    assert_eq!(sandbox.read("one/steps"), "make\nrun one\n1\n");
    let pack = with(&format!("{LAYER}[[service]]\nname = \"db\"\n"));
    let said = sandbox.with(&pack, "two --no-git --set").arg("word=a b").ok();
    let said = said.says(&["Next:\n  cd two\n  make\n  serve 1\n  run 'a b'\n"]);
    assert!(!said.err.contains("another terminal"), "{said:?}");
    assert_eq!(sandbox.read("two/steps"), "make\nserve 1\nrun 'a b'\n0\n");
}

#[test]
fn a_step_that_cannot_be_is_refused_at_its_place() {
    let sandbox = Sandbox::new();
    for (steps, why) in [
        (r#"[{ run = "a", when = "nothing" }]"#, "pack.toml:10:10: `when = 'nothing'` reads `nothing`"),
        (r#"["{{ nothing }}"]"#, "pack.toml:10:10: a step of `next`: "),
        (r#"["{% if word %}a{% endif %}"]"#, "it may hold values, and `{%` begins a block"),
        (r#"[{ when = "true" }]"#, "pack.toml:10:"),
    ] {
        let (before, _) = MANIFEST.split_once("steps = ").unwrap();
        let pack = sandbox.pack(&[("pack.toml", &format!("{before}steps = {steps}\n"))]);
        sandbox.with(&pack, "shop").fails(1, &[why]);
    }
}
