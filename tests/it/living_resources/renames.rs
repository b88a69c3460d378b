//! Names that change: rows, files and service.toml follow, and the next change starts from there.

use super::{inside, migrations, shop};

#[test]
fn a_rename_is_carried_out_once_and_another_may_follow() {
    let sandbox = shop(&["order status:enum(draft,paid)=draft total:int"], "");
    inside(&sandbox, "resource order state:enum(draft,settled:was=paid)=draft:was=status").ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("\"state:enum(draft,settled)=draft\""), "{service}");
    inside(&sandbox, "resource purchase was=order --allow-dirty").ok();
    let service = sandbox.read("shop/service.toml");
    assert!(!service.contains("was"), "{service}");
    inside(&sandbox, "apply --allow-dirty").ok().says(&["Nothing to do"]);
    // The advised way to swap: over a third name.
    inside(&sandbox, "resource purchase other:enum(draft,settled)=draft:was=state --allow-dirty").ok();
    inside(&sandbox, "resource purchase state:enum(draft,settled)=draft:was=other --allow-dirty").ok();
    inside(&sandbox, "resource order was=purchase --allow-dirty").ok();
    assert!(!sandbox.read("shop/service.toml").contains("was"));
    let names = migrations(&sandbox);
    assert!(names.iter().all(|name| !name.starts_with("drop") && !name.ends_with("orders_2")), "{names:?}");
}

#[test]
fn a_plural_that_changes_renames_its_table_and_files() {
    let sandbox = shop(&["person name:string"], "");
    sandbox.write("shop/src/people.rs", sandbox.read("shop/src/people.rs").replace("fn g() {}", "fn ours() {}"));
    let service =
        sandbox.read("shop/service.toml").replace("name = \"person\"", "name = \"person\"\nplural = \"folk\"");
    sandbox.write("shop/service.toml", service);
    inside(&sandbox, "apply --allow-dirty").ok();
    assert_eq!(migrations(&sandbox), ["create_people", "rename_people_to_folk"]);
    assert!(sandbox.read("shop/src/folk.rs").contains("FROM folk"));
    assert!(sandbox.read("shop/src/folk.rs").contains("fn ours() {}"));
    // Back to the plural that the name makes, and on with another name, whose plural is known.
    let service = sandbox.read("shop/service.toml").replace("plural = \"folk\"\n", "");
    sandbox.write("shop/service.toml", service);
    inside(&sandbox, "apply --allow-dirty").ok();
    inside(&sandbox, "resource person plural=humans --allow-dirty").ok();
    inside(&sandbox, "resource buyer was=person --allow-dirty").ok();
    assert_eq!(
        migrations(&sandbox),
        [
            "create_people",
            "rename_people_to_folk",
            "rename_folk_to_people",
            "rename_people_to_humans",
            "rename_humans_to_buyers"
        ]
    );
}

#[test]
fn a_choice_is_renamed_into_one_and_from_one() {
    let sandbox = shop(&["order status:enum(draft,paid)"], "");
    for (field, told) in [
        ("status:enum(draft,paid,x:was=paid)", "the choice \"paid\" is renamed, and a choice still"),
        ("status:enum(draft,x:was=paid,y:was=paid)", "the choice \"paid\" becomes two"),
        ("status:enum(draft,x:is=paid)", "`was=` is expected here"),
        ("status:enum(draft,x:was=)", "the choice \"\""),
    ] {
        inside(&sandbox, "resource order").arg(field).fails(2, &[told]);
    }
}

#[test]
fn new_migrations_come_after_what_people_wrote() {
    let sandbox = shop(&["order total:int"], "");
    sandbox.write("shop/migrations/20270101000000_mine.up.sql", "CREATE TABLE mine (id INTEGER);\n");
    inside(&sandbox, "resource order note:text? --allow-dirty")
        .ok()
        .says(&["create       migrations/20270101000001_add_orders_note.up.sql"]);
}

/// As where a branch's migrations came in with a merge, and its lines of the lock did not.
#[test]
fn a_migration_that_the_lock_does_not_know_is_not_drawn_again() {
    let sandbox = shop(&["order total:int"], "");
    let there = "shop/migrations/20261122111400_create_notes.up.sql";
    sandbox.write(there, "CREATE TABLE notes (id UUID NOT NULL);\n");
    inside(&sandbox, "resource note text:text --allow-dirty").fails(
        1,
        &[
            "migrations/20261122111400_create_notes.up.sql is there, and .new-service/lock knows nothing of it",
            "check out the merge that brought it",
        ],
    );
    assert!(!sandbox.read("shop/service.toml").contains("note"));
}
