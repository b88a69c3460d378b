//! Tables of layers that have another name in a later version of the template.

use super::{EACH, LITE, PACK, PG, migrations};
use crate::support::{Run, Sandbox};

const BEFORE: &str = "title = \"x\"\nwhen = \"login\"\n\
    [[table]]\nname = \"session\"\nfields = [\"hash:string(64..64):unique\", \"of:ref(session)?\"]\n\
    [[table]]\nname = \"token\"\nkey = [\"hash\"]\nplain = true\n\
    fields = [\"hash:string(64..64)\", \"session:ref(session)\"]\ncascade = [\"session\"]\n";

fn after() -> String {
    BEFORE
        .replace("name = \"session\"", "name = \"auth_session\"\nwas = \"session\"")
        .replace("ref(session)", "ref(auth_session)")
        .replace("name = \"token\"", "name = \"auth_token\"\nwas = \"token\"")
}

/// A command with a pack whose layer `login` is `login`, an hour later for each version.
fn with<'a>(sandbox: &'a Sandbox, login: &str, version: u32, line: &str) -> Run<'a> {
    let pack = sandbox.pack(&[
        ("pack.toml", &PACK.replace("0.1.0", &format!("0.{version}.0"))),
        ("layers/pg/layer.toml", PG),
        ("layers/lite/layer.toml", LITE),
        ("layers/login/layer.toml", login),
        ("layers/login/files/src/login.rs", "//! Accounts.\n"),
        ("layers/each/layer.toml", EACH),
    ]);
    sandbox.with(&pack, line).env("SOURCE_DATE_EPOCH", (1_795_338_900 + 3600 * version).to_string())
}

fn shop(line: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    with(&sandbox, BEFORE, 1, &format!("shop {line}")).ok();
    sandbox
}

fn update<'a>(sandbox: &'a Sandbox, login: &str) -> Run<'a> {
    with(sandbox, login, 2, "update").in_folder("shop")
}

#[test]
fn an_update_renames_them_and_leaves_their_names_to_resources() {
    let sandbox = shop("--login=true");
    let told = update(&sandbox, &after()).ok();
    told.says(&["rename sessions to auth_sessions, tokens to auth_tokens: stop replicas of the previous release"]);
    let renamed =
        ["create_sessions", "create_tokens", "rename_sessions_to_auth_sessions", "rename_tokens_to_auth_tokens"];
    assert_eq!(migrations(&sandbox), renamed);
    let sql = sandbox.read("shop/migrations/20261122111459_rename_sessions_to_auth_sessions.up.sql");
    for name in ["pkey", "hash_key", "hash_check", "of_id_fkey"] {
        let rename = format!("RENAME CONSTRAINT sessions_{name} TO auth_sessions_{name};");
        assert!(sql.contains(&rename), "{rename}\n{sql}");
    }
    assert!(sql.contains("ALTER INDEX sessions_of_id_idx RENAME TO auth_sessions_of_id_idx;"), "{sql}");
    sandbox.commit("shop");
    update(&sandbox, &after()).ok().says(&["Nothing to do"]);

    with(&sandbox, &after(), 2, "resource session note:text").in_folder("shop").ok();
    // A migration of that name was there before.
    assert_eq!(migrations(&sandbox).last().unwrap(), "create_sessions_2");
    sandbox.commit("shop");
    with(&sandbox, &after(), 2, "apply").in_folder("shop").ok().says(&["Nothing to do"]);
}

#[test]
fn sqlite_renames_them_and_writes_them_with_their_new_names() {
    let sandbox = shop("--login=true --db=lite");
    update(&sandbox, &after()).ok().says(&["rename sessions to auth_sessions, tokens to auth_tokens:"]);
    let sql = sandbox.read("shop/migrations/20261122111457_rename_sessions_to_auth_sessions.up.sql");
    assert_eq!(sql, "ALTER TABLE sessions RENAME TO auth_sessions;\n");
    assert_eq!(migrations(&sandbox)[4..], ["change_auth_sessions", "change_auth_tokens"]);
}

/// The resource comes with the update that frees its name: whose rows would the table keep?
#[test]
fn a_resource_that_takes_the_name_too_early_is_refused() {
    for resource in
        ["name = \"session\"", "name = \"visit\"\nplural = \"sessions\"", "name = \"visit\"\nwas = \"session\""]
    {
        let sandbox = shop("--login=true");
        let service = sandbox.read("shop/service.toml");
        sandbox.write("shop/service.toml", format!("{service}\n[[resource]]\n{resource}\nfields = [\"note:text\"]\n"));
        sandbox.commit("shop");
        let before = sandbox.files("shop");
        update(&sandbox, &after()).fails(
            1,
            &[
                "the table \"sessions\" belongs to layer \"login\", which renames it to \"auth_sessions\"",
                "out until this change is committed, and add it then",
            ],
        );
        assert_eq!(sandbox.files("shop"), before);
    }
}

/// What has the earlier name then is a resource's.
#[test]
fn a_layer_that_comes_later_takes_no_resource_over() {
    for kept in [true, false] {
        let sandbox = Sandbox::new();
        with(&sandbox, &after(), 2, "shop").arg("--resource").arg("session note:text").ok();
        assert_eq!(migrations(&sandbox), ["create_sessions"]);
        let line = if kept { "add login=true" } else { "add login=true --allow-destructive" };
        if !kept {
            let service = sandbox.read("shop/service.toml");
            sandbox.write("shop/service.toml", &service[..service.find("\n# Each field").unwrap()]);
            sandbox.commit("shop");
        }
        with(&sandbox, &after(), 2, line).in_folder("shop").ok();
        let made = migrations(&sandbox);
        assert_eq!(made[..3], ["create_sessions", "create_auth_sessions", "create_auth_tokens"]);
        assert_eq!(made[3..], ["drop_sessions"][..usize::from(!kept)]);
    }
}

#[test]
fn a_reference_to_the_earlier_name_is_told_the_new_one() {
    let sandbox = shop("--login=true");
    with(&sandbox, BEFORE, 1, "resource note of:ref(session)").in_folder("shop").ok();
    sandbox.commit("shop");
    update(&sandbox, &after()).fails(
        1,
        &[
            "service.toml:",
            "no resource \"session\" to refer to",
            "it is called \"auth_session\" now: ref(auth_session)",
        ],
    );
}

#[test]
fn an_earlier_name_that_a_table_has_is_a_fault_of_the_layer() {
    let sandbox = Sandbox::new();
    let wrong = BEFORE.replace("name = \"token\"", "name = \"token\"\nwas = \"session\"");
    with(&sandbox, &wrong, 1, "shop --login=true")
        .fails(1, &["layer.toml:8:8: it was \"session\", and there is a resource \"session\"", "rename in two steps"]);
    let wrong = BEFORE.replace("name = \"token\"", "name = \"token\"\nwas = \"My Token\"");
    with(&sandbox, &wrong, 1, "shop --login=true")
        .fails(1, &["layer.toml:8:8: the resource \"My Token\"", "`my_token`"]);
    let pg = format!("{PG}[[table]]\nname = \"session\"\nfields = [\"note:text\"]\n");
    let pack = sandbox.pack(&[
        ("pack.toml", PACK),
        ("layers/pg/layer.toml", &pg),
        ("layers/login/layer.toml", &after()),
        ("layers/each/layer.toml", EACH),
    ]);
    sandbox.with(&pack, "shop --login=true").fails(
        1,
        &["layer \"login\" renames the table \"sessions\" to \"auth_sessions\", and layer \"pg\" has a table of that name"],
    );
    sandbox.assert_untouched();
}
