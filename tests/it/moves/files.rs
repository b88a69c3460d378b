//! Files that the template has at another path.

use std::fs;

use super::{EACH, lines, packed, shop, update};
use crate::support::Sandbox;

#[test]
fn edits_go_along_by_path_by_folder_and_by_resource() {
    let sandbox = Sandbox::new();
    let (etag, routes, dto, job, name) =
        (lines("etag"), lines("routes"), lines("dto"), lines("job"), "x {{ resource.type }}\ny\n");
    let old = [
        ("layers/core/files/src/etag.rs", &*etag),
        ("layers/core/files/src/users/mod.rs", "mod\n"),
        ("layers/core/files/src/users/routes.rs", &*routes),
        ("layers/core/files/jobs/one.sh", &*job),
        ("layers/core/files/jobs/deep/two.sh", "two\n"),
        ("layers/each/layer.toml", EACH),
        ("layers/each/files/src/{{ resource.module }}/dto.rs", &*dto),
        ("layers/each/files/src/{{ resource.module }}/name.rs.tera", name),
    ];
    let pack = packed(&sandbox, "0.1.0", "", &old);
    shop(
        &sandbox,
        &pack,
        &["order note:text", "item note:text"],
        &[
            ("src/etag.rs", "etag 2\n", "etag 2\nours\n"),
            ("src/users/routes.rs", "routes 9\n", "ours\n"),
            ("jobs/one.sh", "job 1\n", "ours\n"),
            ("src/orders/dto.rs", "dto 5\n", "dto 5\nours\n"),
        ],
    );
    let (etag, dto) = (etag.replace("etag 9\n", "theirs\n"), dto.replace("dto 10\n", "theirs\n"));
    let core = "title = \"x\"\n\
        [files.\"src/http/etag.rs\"]\nmoved_from = [\"src/web/etag.rs\", \"src/etag.rs\"]\n\
        [files.\"src/auth/users/**\"]\nmoved_from = \"src/users\"\n\
        [files.\"src/api/users/routes.rs\"]\nmoved_from = \"src/users/routes.rs\"\n\
        [files.\"ops/jobs/**\"]\nmoved_from = \"jobs\"\nmode = \"755\"\n";
    let each = format!(
        "{EACH}[files.\"src/api/{{{{ resource.module }}}}/**\"]\nmoved_from = \"src/{{{{ resource.module }}}}\"\n"
    );
    let new = [
        ("layers/core/layer.toml", core),
        ("layers/core/files/src/http/etag.rs", &*etag),
        ("layers/core/files/src/auth/users/mod.rs", "mod\n"),
        ("layers/core/files/src/auth/users/new.rs", "new\n"),
        ("layers/core/files/src/api/users/routes.rs", &*routes),
        ("layers/core/files/ops/jobs/one.sh", &*job),
        ("layers/core/files/ops/jobs/deep/two.sh", "two\n"),
        ("layers/each/layer.toml", &*each),
        ("layers/each/files/src/api/{{ resource.module }}/dto.rs", &*dto),
        ("layers/each/files/src/api/{{ resource.module }}/name.rs.tera", name),
    ];
    let pack = packed(&sandbox, "0.2.0", "", &new);
    let listed = update(&sandbox, &pack, "--dry-run").ok();
    let diff = update(&sandbox, &pack, "--diff").ok();
    let before = sandbox.files("shop");
    sandbox.write("../the.diff", &diff.out);
    sandbox.git("shop", &["apply", "../../the.diff"]);
    let patched = sandbox.files("shop");
    sandbox.git("shop", &["add", "--all"]);
    sandbox.git("shop", &["reset", "--quiet", "--hard"]);
    assert_eq!(sandbox.files("shop"), before);

    let told = update(&sandbox, &pack, "--json").ok().json();
    let after = sandbox.files("shop");
    let text = |path: &str| String::from_utf8(after[path].clone()).unwrap();
    assert_eq!(text("src/http/etag.rs"), etag.replace("etag 2\n", "etag 2\nours\n"));
    assert_eq!(text("src/api/users/routes.rs"), routes.replace("routes 9\n", "ours\n"));
    assert_eq!(text("ops/jobs/one.sh"), job.replace("job 1\n", "ours\n"));
    assert_eq!(text("src/api/orders/dto.rs"), dto.replace("dto 5\n", "dto 5\nours\n"));
    assert_eq!(text("src/api/items/dto.rs"), dto);
    for path in [
        "src/etag.rs",
        "src/users/mod.rs",
        "src/users/routes.rs",
        "jobs/one.sh",
        "jobs/deep/two.sh",
        "src/orders/dto.rs",
    ] {
        assert!(!after.contains_key(path), "{path} is still there");
    }
    let from = |path: &str| {
        let files = told["files"].as_array().unwrap();
        let file = files.iter().find(|file| file["path"] == path).unwrap();
        (file["action"].as_str().unwrap().to_owned(), file["moved_from"].as_str().map(str::to_owned))
    };
    for (path, action, source) in [
        ("src/http/etag.rs", "merge", Some("src/etag.rs")),
        ("src/auth/users/mod.rs", "update", Some("src/users/mod.rs")),
        ("src/auth/users/new.rs", "create", None),
        ("src/api/users/routes.rs", "merge", Some("src/users/routes.rs")),
        ("ops/jobs/deep/two.sh", "update", Some("jobs/deep/two.sh")),
        ("src/api/items/dto.rs", "update", Some("src/items/dto.rs")),
        ("src/api/orders/name.rs", "update", Some("src/orders/name.rs")),
        ("src/orders/dto.rs", "delete", None),
    ] {
        assert_eq!(from(path), (action.to_owned(), source.map(str::to_owned)), "{path}");
    }
    assert!(listed.out.contains("  merge        src/etag.rs -> src/http/etag.rs\n"), "{}", listed.out);
    assert!(!listed.out.contains("delete "), "a move is one line:\n{}", listed.out);
    assert!(diff.out.contains("rename from src/etag.rs\nrename to src/http/etag.rs\n"), "{}", diff.out);
    for (path, content) in patched.iter().filter(|(path, _)| !path.starts_with(".new-service/")) {
        assert_eq!(Some(content), after.get(path), "{path} is not what its diff said");
    }
    sandbox.commit("shop");
    update(&sandbox, &pack, "").ok().says(&["Nothing to do"]);
}

#[test]
fn a_resource_that_is_renamed_while_its_files_move_is_found() {
    for (old_path, new_path, rule) in [
        ("src/{{ resource.module }}.rs.tera", "src/api/{{ resource.module }}.rs.tera", "src/{{ resource.module }}.rs"),
        // The folder is as it was; the name alone is another.
        ("src/{{ resource.module }}.rs.tera", "src/{{ resource.module }}.rs.tera", ""),
        ("src/{{ resource.name }}.rs.tera", "api/{{ resource.name }}.rs.tera", "src/{{ resource.name }}.rs"),
    ] {
        let sandbox = Sandbox::new();
        let content = format!("{}struct {{{{ resource.type }}}};\n{}", lines("a"), lines("b"));
        let [old_file, new_file] = [old_path, new_path].map(|path| format!("layers/each/files/{path}"));
        let pack = packed(&sandbox, "0.1.0", "", &[("layers/each/layer.toml", EACH), (&*old_file, &*content)]);
        shop(&sandbox, &pack, &["person note:text"], &[]);
        let old = old_path
            .replace("{{ resource.module }}", "people")
            .replace("{{ resource.name }}", "person")
            .replace(".tera", "");
        let text = sandbox.read(&format!("shop/{old}"));
        sandbox.write(&format!("shop/{old}"), text.replace("a 3\n", "a 3\nours\n"));
        let service =
            sandbox.read("shop/service.toml").replace("name = \"person\"", "name = \"buyer\"\nwas = \"person\"");
        sandbox.write("shop/service.toml", service);
        sandbox.commit("shop");
        let target = new_path.replace(".tera", "");
        let layer = match rule {
            "" => EACH.to_owned(),
            from => format!("{EACH}[files.\"{target}\"]\nmoved_from = \"{from}\"\n"),
        };
        let pack = packed(&sandbox, "0.2.0", "", &[("layers/each/layer.toml", &*layer), (&*new_file, &*content)]);
        update(&sandbox, &pack, "").ok();
        let new = target.replace("{{ resource.module }}", "buyers").replace("{{ resource.name }}", "buyer");
        let text = sandbox.read(&format!("shop/{new}"));
        assert!(text.contains("a 3\nours\n") && text.contains("struct Buyer;"), "{new}:\n{text}");
        assert!(!sandbox.path(format!("shop/{old}")).exists(), "{old} is still there");
    }
}

#[test]
fn what_was_deleted_or_is_in_the_way_stays_as_the_team_has_it() {
    let sandbox = Sandbox::new();
    let names = ["deleted", "once", "once-deleted", "taken", "both", "clash"];
    let rule = |name: &str, more: &str| format!("[files.\"new/{name}\"]\n{more}");
    let once = "[files.\"old/once\"]\npolicy = \"once\"\n[files.\"old/once-deleted\"]\npolicy = \"once\"\n";
    let old: Vec<(String, String)> =
        names.iter().map(|name| (format!("layers/core/files/old/{name}"), lines(name))).collect();
    let core = format!("title = \"x\"\n{once}");
    let mut files: Vec<(&str, &str)> = old.iter().map(|(path, text)| (&**path, &**text)).collect();
    files.push(("layers/core/layer.toml", &core));
    let pack = packed(&sandbox, "0.1.0", "", &files);
    shop(
        &sandbox,
        &pack,
        &[],
        &[
            ("old/once", "once 1\n", "ours\n"),
            ("old/taken", "taken 1\n", "ours\n"),
            ("old/clash", "clash 4\n", "ours\n"),
            ("old/both", "both 2\n", "ours\n"),
        ],
    );
    for name in ["deleted", "once-deleted"] {
        fs::remove_file(sandbox.path(format!("shop/old/{name}"))).unwrap();
    }
    sandbox.write("shop/new/taken", "something else\n");
    // The team has moved it to the same place already.
    fs::rename(sandbox.path("shop/old/both"), sandbox.path("shop/new/both")).unwrap();
    sandbox.commit("shop");

    let new: Vec<(String, String)> = names
        .iter()
        .map(|name| (format!("layers/core/files/new/{name}"), lines(name).replace(&format!("{name} 4\n"), "theirs\n")))
        .collect();
    let core = format!(
        "title = \"x\"\n[files.\"new/**\"]\nmoved_from = \"old\"\n{}{}",
        rule("once", "policy = \"once\"\n"),
        rule("once-deleted", "policy = \"once\"\n")
    );
    let mut files: Vec<(&str, &str)> = new.iter().map(|(path, text)| (&**path, &**text)).collect();
    files.push(("layers/core/layer.toml", &core));
    let pack = packed(&sandbox, "0.2.0", "", &files);
    let said = update(&sandbox, &pack, "").ends(3).says(&[
        "keep-deleted old/deleted -> new/deleted (you deleted it)",
        "merge        old/once -> new/once",
        "conflict     old/clash -> new/clash",
        "beside       new/taken.new",
        "keep         old/taken",
        "merge        old/both -> new/both",
        "2 files are left to resolve",
    ]);
    assert!(!said.err.contains("once-deleted (you moved"), "{}", said.err);
    let shop = sandbox.files("shop");
    let text = |path: &str| String::from_utf8(shop[path].clone()).unwrap();
    assert_eq!(text("new/once"), lines("once").replace("once 1\n", "ours\n"));
    assert_eq!(text("new/both"), lines("both").replace("both 2\n", "ours\n").replace("both 4\n", "theirs\n"));
    assert_eq!(text("new/taken"), "something else\n");
    assert!(text("new/clash").contains("<<<<<<< yours\nours\n|||||||"), "{}", text("new/clash"));
    for path in ["new/deleted", "old/deleted", "new/once-deleted", "old/once", "old/clash"] {
        assert!(!shop.contains_key(path), "{path}");
    }
    assert!(sandbox.git("shop", &["status", "--porcelain"]).contains("UU new/clash"));
    sandbox.write("shop/new/clash", lines("clash"));
    sandbox.commit("shop");
    update(&sandbox, &pack, "").ok().says(&["Nothing to do"]);
}

#[test]
fn a_conflict_that_is_not_resolved_stops_a_move() {
    let sandbox = Sandbox::new();
    let pack = packed(&sandbox, "0.1.0", "", &[("layers/core/files/a", &lines("a"))]);
    shop(&sandbox, &pack, &[], &[("a", "a 1\n", "<<<<<<< x\n1\n=======\n2\n>>>>>>> y\n")]);
    let files = [
        ("layers/core/layer.toml", "title = \"x\"\n[files.\"b\"]\nmoved_from = \"a\"\n"),
        ("layers/core/files/b", &*lines("a").replace("a 9\n", "")),
    ];
    let pack = packed(&sandbox, "0.2.0", "", &files);
    update(&sandbox, &pack, "").fails(1, &["a:1:1: a conflict is not resolved"]);
}

/// A list that is empty settles which of two folders a file is from, and a resource may be called as what was there.
#[test]
fn of_two_claims_the_stronger_one_holds() {
    let sandbox = Sandbox::new();
    let old = [
        ("layers/core/files/users/mod.rs", "one\ntwo\n"),
        ("layers/core/files/http/dto.rs", &*lines("http")),
        ("layers/each/layer.toml", EACH),
    ];
    let pack = packed(&sandbox, "0.1.0", "", &old);
    shop(&sandbox, &pack, &[], &[("users/mod.rs", "two\n", "two\nours\n"), ("http/dto.rs", "http 3\n", "ours\n")]);
    let core = "title = \"x\"\n[files.\"auth/**\"]\nmoved_from = \"users\"\n[files.\"api/**\"]\nmoved_from = \"users\"\n\
                [files.\"api/mod.rs\"]\nmoved_from = []\n[files.\"web/**\"]\nmoved_from = \"http\"\n";
    let each =
        format!("{EACH}[files.\"api/{{{{ resource.module }}}}/**\"]\nmoved_from = \"{{{{ resource.module }}}}\"\n");
    let new = [
        ("layers/core/layer.toml", core),
        ("layers/core/files/auth/mod.rs", "one\ntwo\n"),
        ("layers/core/files/api/mod.rs", "new\n"),
        ("layers/core/files/web/dto.rs", &*lines("http")),
        ("layers/each/layer.toml", &*each),
        ("layers/each/files/api/{{ resource.module }}/dto.rs", "new\n"),
    ];
    let pack = packed(&sandbox, "0.2.0", "", &new);
    // In the new layout nothing stands in its way.
    let service = sandbox.read("shop/service.toml")
        + "\n[[resource]]\nname = \"http\"\nplural = \"http\"\nfields = [\"note:text\"]\n";
    sandbox.write("shop/service.toml", service);
    sandbox.commit("shop");
    update(&sandbox, &pack, "").ok().says(&[
        "merge        http/dto.rs -> web/dto.rs",
        "create       api/http/dto.rs",
        "create       api/mod.rs",
    ]);
    assert_eq!(sandbox.read("shop/auth/mod.rs"), "one\ntwo\nours\n");
    assert_eq!(sandbox.read("shop/api/http/dto.rs"), "new\n");
}

/// A module of the team's own is beside what has moved, and would not be found there any more.
#[test]
fn what_is_left_behind_in_a_folder_is_told() {
    let sandbox = Sandbox::new();
    let files = ["src/orders/mod.rs", "src/orders/dto.rs", "src/lib.rs"].map(|path| (path, lines(path)));
    let pack = |folder: &str, rules: &str| {
        let at = |path: &str| format!("layers/core/files/{}", path.replace("src/orders", folder));
        let mut files: Vec<(String, String)> = files.iter().map(|(path, text)| (at(path), text.clone())).collect();
        files.push(("layers/core/layer.toml".into(), format!("title = \"x\"\n{rules}")));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        packed(&sandbox, if rules.is_empty() { "0.1.0" } else { "0.2.0" }, "", &files)
    };
    shop(&sandbox, &pack("src/orders", ""), &[], &[]);
    for path in ["src/orders/mine.rs", "src/orders/deep/mine.rs", "src/mine.rs", "src/orders_mine.rs"] {
        sandbox.write(&format!("shop/{path}"), "mine\n");
    }
    sandbox.commit("shop");
    let pack = pack("src/api/orders", "[files.\"src/api/orders/**\"]\nmoved_from = \"src/orders\"\n");
    let told = update(&sandbox, &pack, "--json").ok().json();
    let notes: Vec<&str> = told["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    let note = |path: &str| {
        format!("{path} stays: it is your file, but the template's files in src/orders/ moved to src/api/orders/")
    };
    assert_eq!(notes, [note("src/orders/deep/mine.rs"), note("src/orders/mine.rs")]);
    assert_eq!(sandbox.read("shop/src/orders/mine.rs"), "mine\n");
}
