//! Names in code that are others now, and that a team still uses.

use std::path::PathBuf;

use super::{EACH, packed, shop, update};
use crate::support::Sandbox;

/// A pack whose names in code change, and the repository of a team that uses them.
fn renamed(sandbox: &Sandbox) -> (PathBuf, PathBuf) {
    let old = [
        ("layers/core/files/src/app.rs", "use crate::etag;\n\n\n\n\n\n// Routes of your own:\n\n\n\n\nfn end() {}\n"),
        ("layers/core/files/src/same.rs", "fn same() {}\n\n// Yours:\n"),
        ("layers/core/files/src/gone.rs", "fn gone() {}\n"),
        ("layers/core/files/.gitignore.tera", "/ignored\n"),
        ("layers/each/layer.toml", EACH),
        ("layers/each/files/src/{{ resource.module }}.rs", "fn each() {}\n"),
    ];
    let rest = "[[renamed]]\nfrom = \"crate::etag\"\nto = \"crate::http::etag\"\n\
        [[renamed]]\nfrom = \"crate::users\"\nto = \"crate::auth::users\"\n\
        [[renamed]]\nfrom = \"crate::users::Role\"\nto = \"crate::auth::Role\"\n";
    // The template has it still, for other ends: it is not told.
    let core = "title = \"x\"\n[[renamed]]\nfrom = \"AppError\"\nto = \"Error\"\n\
        [[renamed]]\nfrom = \"crate::http\"\nto = \"crate::api::http\"\n";
    let each = format!(
        "{EACH}[[renamed]]\nfrom = \"crate::{{{{ resource.module }}}}\"\nto = \"crate::api::{{{{ resource.module }}}}\"\n"
    );
    let new = [
        ("layers/core/layer.toml", core),
        (
            "layers/core/files/src/app.rs",
            "use crate::http::etag;\n\n\n\n\n\n// Routes of your own:\n\n\n\n\nfn end() {}\n",
        ),
        ("layers/core/files/src/same.rs", "fn same() {}\n\n// Yours:\n"),
        ("layers/core/files/.gitignore.tera", "/ignored\n"),
        ("layers/each/layer.toml", &*each),
        ("layers/each/files/src/{{ resource.module }}.rs", "fn each() {}\n"),
    ];
    let first = packed(sandbox, "0.1.0", "", &old);
    shop(
        sandbox,
        &first,
        &["order note:text"],
        &[
            ("src/app.rs", "// Routes of your own:\n", "// Routes of your own:\nuse crate::users::Role;\n"),
            ("src/same.rs", "// Yours:\n", "// Yours:\nfn mine() -> AppError {}\n"),
            ("src/gone.rs", "fn gone() {}\n", "fn gone() -> crate::orders::Order {}\n"),
        ],
    );
    sandbox.write(
        "shop/src/pricing.rs",
        "use crate::{\n    etag,\n    orders::domain,\n};\n// crate::etagger is no name of ours\n",
    );
    sandbox.write("shop/ignored/x.rs", "use crate::etag;\n");
    sandbox.write("shop/picture", b"crate::etag\0\xff");
    sandbox.commit("shop");
    sandbox.write("shop/src/untracked.rs", "\nlet x = crate::etag::of(AppError);\n");
    (first, packed(sandbox, "0.2.0", rest, &new))
}

#[test]
fn old_names_in_what_a_team_wrote_are_told_and_left() {
    let sandbox = Sandbox::new();
    let (_, pack) = renamed(&sandbox);
    let said = [
        "src/app.rs:8: `crate::users::Role` is now `crate::auth::Role`",
        "src/gone.rs:1: `crate::orders` is now `crate::api::orders`",
        "src/pricing.rs:2: `crate::etag` is now `crate::http::etag`",
        "src/pricing.rs:3: `crate::orders` is now `crate::api::orders`",
        "src/same.rs:4: `AppError` is now `Error`",
        "src/untracked.rs:2: `AppError` is now `Error`",
        "src/untracked.rs:2: `crate::etag` is now `crate::http::etag`",
    ];
    sandbox.with(&pack, "diff").in_folder("shop").ends(4).says(&said);
    update(&sandbox, &pack, "--dry-run").ok().says(&said);
    let own = ["src/pricing.rs", "src/untracked.rs", "src/gone.rs", "src/same.rs"].map(|path| format!("shop/{path}"));
    let before = own.each_ref().map(|path| sandbox.read(path));
    let told = update(&sandbox, &pack, "--json").ok().json();
    let mentions: Vec<String> = told["mentions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            format!("{}:{}: `{}` is now `{}`", text("path"), one["line"], text("from"), text("to"))
        })
        .collect();
    assert_eq!(mentions, said);
    assert_eq!(own.each_ref().map(|path| sandbox.read(path)), before, "nobody's file is rewritten");
    // It is told once, when the template is another.
    sandbox.commit("shop");
    let again = update(&sandbox, &pack, "--json").ok().json();
    assert_eq!(again["mentions"], serde_json::json!([]));
}

#[test]
fn a_long_list_of_old_names_has_an_end_and_a_conflict_counts_for_the_teams_side() {
    let sandbox = Sandbox::new();
    let (first, pack) = renamed(&sandbox);
    sandbox.write("shop/src/many.rs", "use crate::etag;\n".repeat(60));
    sandbox.write("shop/src/large.rs", "use crate::etag;\n".repeat(70_000));
    let app = sandbox.read("shop/src/app.rs").replace("use crate::etag;\n", "use crate::etag; // ours\n");
    sandbox.write("shop/src/app.rs", app);
    sandbox.commit("shop");
    let said = update(&sandbox, &pack, "--dry-run").ok();
    let said = said.says(&["and 18 more; --json lists them all", "1 files were not searched for renamed names"]);
    assert_eq!(said.err.matches(" is now ").count(), 50, "{}", said.err);
    let told = update(&sandbox, &pack, "--json").ends(3).json();
    let lines: Vec<_> = told["mentions"].as_array().unwrap().iter().filter(|one| one["path"] == "src/app.rs").collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(
        (&lines[0]["line"], &lines[0]["from"]),
        (&2.into(), &"crate::etag".into()),
        "the team's, not the base's"
    );
    assert!(first.exists());
}
