//! What is wrong with the moves and the names of a pack.

use super::{EACH, refused};
use crate::support::Sandbox;

#[test]
fn a_move_that_cannot_be_is_a_fault_with_its_place() {
    let core = |rules: &str| format!("title = \"x\"\n{rules}");
    let with = |rules: &str, what: &str, words: &[&str]| {
        let layer = core(rules);
        let files = [
            ("layers/core/layer.toml", &*layer),
            ("layers/core/files/a.rs", "a\n"),
            ("layers/core/files/b.rs", "b\n"),
            ("layers/core/files/one/c.rs", "c\n"),
            ("layers/core/files/two/c.rs", "c\n"),
            ("layers/each/layer.toml", EACH),
            ("layers/each/files/{{ resource.module }}.txt", "x\n"),
        ];
        refused(what, &files, words);
    };
    with(
        "[files.\"a.rs\"]\nmoved_form = \"b.rs\"\n",
        "an unknown key",
        &["core/layer.toml:3:1: unknown field `moved_form`", "`moved_from`"],
    );
    with(
        "[files.\"a.rs\"]\nmoved_from = 3\n",
        "no path",
        &["core/layer.toml:3:14: ", "expected a path, or a list of paths"],
    );
    with(
        "[files.\"a.rs\"]\nmoved_from = \"a.rs\"\n",
        "its own path",
        &[
            "core/layer.toml:3:14: `moved_from`: a.rs cannot have moved from a.rs, which is its own path",
            "help: remove it",
        ],
    );
    let chain = "which has moved from a path that the pack still makes";
    with(
        "[files.\"a.rs\"]\nmoved_from = \"b.rs\"\n[files.\"b.rs\"]\nmoved_from = \"a.rs\"\n",
        "two paths that are exchanged",
        &[
            &format!("core/layer.toml:3:14: `moved_from`: a.rs cannot have moved from b.rs, {chain}"),
            &format!("core/layer.toml:5:14: `moved_from`: b.rs cannot have moved from a.rs, {chain}"),
            "help: ",
        ],
    );
    with(
        "[files.\"a.rs\"]\nmoved_from = \"b.rs\"\n[files.\"b.rs\"]\nmoved_from = \"one/c.rs\"\n",
        "a chain of paths that the pack still makes",
        &[&format!("core/layer.toml:3:14: `moved_from`: a.rs cannot have moved from b.rs, {chain}")],
    );
    with(
        "[files.\"a.rs\"]\nmoved_from = \"one/c.rs\"\n[files.\"b.rs\"]\nmoved_from = \"one/c.rs\"\n",
        "one source of two files that the pack still makes",
        &["core/layer.toml:5:14: `moved_from`: a.rs and b.rs both claim one/c.rs"],
    );
    with(
        "[files.\"a.rs\"]\nmoved_from = \"x.rs\"\n[files.\"b.rs\"]\nmoved_from = [\"y.rs\", \"x.rs\"]\n",
        "one source of two files",
        &["core/layer.toml:5:14: `moved_from`: a.rs and b.rs both claim x.rs", "`moved_from = []`"],
    );
    with(
        "[files.\"one/**\"]\nmoved_from = \"x\"\n[files.\"two/**\"]\nmoved_from = \"x\"\n",
        "one source of two folders",
        &["core/layer.toml:5:14: `moved_from`: one/c.rs and two/c.rs both claim x/c.rs"],
    );
    for path in ["/x.rs", "../x.rs", "a/../../x.rs", ".git/hooks/x", "", "C:/x.rs"] {
        with(
            &format!("[files.\"a.rs\"]\nmoved_from = \"{path}\"\n"),
            path,
            &[
                "core/layer.toml:3:14: `moved_from`: \"",
                "is not a path in the repository",
                "help: write it relative to the top of the repository",
            ],
        );
    }
    with(
        "[files.\"*.rs\"]\nmoved_from = \"x\"\n",
        "a glob",
        &["core/layer.toml:3:14: `moved_from` needs a path or FOLDER/** as its pattern, not \"*.rs\"", "FOLDER/**"],
    );
    with("[files.\"a.rs\"]\nmoved_from = \"{{ nmae }}.rs\"\n", "a value", &["core/layer.toml:3:14: ", "nmae"]);
    with("[files.\"{{ name }.rs\"]\nmode = \"755\"\n", "a pattern that does not end", &["core/layer.toml:2:8: "]);
    with(
        "[files.\"{{ name }}.rs\"]\nmode = \"755\"\n",
        "a pattern of no file",
        &["core/layer.toml:2:8: no file of the layer falls under"],
    );
    let each = format!("{EACH}[files.\"{{{{ resource.module }}}}.txt\"]\nmoved_from = \"all.txt\"\n");
    let files = [("layers/each/layer.toml", &*each), ("layers/each/files/{{ resource.module }}.txt", "x\n")];
    refused("one source of all resources", &files, &["each/layer.toml:5:14: `moved_from`: ", "both claim all.txt"]);
}

#[test]
fn a_name_that_cannot_be_renamed_is_a_fault_with_its_place() {
    let head = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n";
    let each = |text: &str| {
        vec![
            ("layers/each/layer.toml", format!("{EACH}{text}")),
            ("layers/each/files/{{ resource.module }}.txt", String::new()),
        ]
    };
    let entry = |from: &str, to: &str| format!("[[renamed]]\nfrom = \"{from}\"\nto = \"{to}\"\n");
    let case = |what: &str, manifest: &str, core: &str, resources: &str, words: &[&str]| {
        let (manifest, core) = (format!("{head}{manifest}"), format!("title = \"x\"\n{core}"));
        let more = each(resources);
        let mut files = vec![
            ("pack.toml", &*manifest),
            ("layers/core/layer.toml", &*core),
            ("layers/core/files/a.rs", "use crate::new;\n"),
        ];
        files.extend(more.iter().map(|(path, text)| (*path, &**text)));
        refused(what, &files, words);
    };
    case(
        "an unknown key",
        "[[renamed]]\nfrom = \"a\"\ninto = \"b\"\n",
        "",
        "",
        &["pack.toml:6:1: unknown field `into`"],
    );
    case("nothing", &entry("", "b"), "", "", &["pack.toml:5:8: \"\" is not a name in code: it is empty", "help: "]);
    case(
        "two words",
        &entry("a b", "c"),
        "",
        "",
        &["pack.toml:5:8: \"a b\" is not a name in code: it contains whitespace"],
    );
    case("the same", &entry("a", "a"), "", "", &["pack.toml:6:6: `from` and `to` are both `a`"]);
    case(
        "twice in a file",
        &(entry("a", "b") + &entry("a", "c")),
        "",
        "",
        &["pack.toml:8:8: `a` is already renamed in line 5"],
    );
    case(
        "twice in a pack",
        &entry("a", "b"),
        &entry("a", "c"),
        "",
        &["core/layer.toml:3:8: `a` is renamed to `c` here and to `b` in ", "pack.toml:5:8"],
    );
    case("a value", "", "", &entry("crate::{{ resource.nmae }}", "b"), &["each/layer.toml:5:8: ", "nmae"]);
}

/// The pack itself must not use the old names: what is told of them would not be true.
#[test]
fn an_old_name_that_the_template_still_has_is_found_by_check() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        ("layers/core/layer.toml", "title = \"x\"\n[[renamed]]\nfrom = \"crate::etag\"\nto = \"crate::http::etag\"\n"),
        ("layers/core/files/a.rs", "use crate::http;\n\nuse crate::etag::Etag;\n"),
    ]);
    let said = sandbox.run("template check").arg(&pack).ends(4);
    assert!(
        said.out.contains("layers/core/layer.toml:3:8: `crate::etag` is renamed, but a.rs:3 still uses it"),
        "{}",
        said.out
    );
}
