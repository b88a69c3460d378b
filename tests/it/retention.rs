//! `retain`: rows that a service may delete. Deletion is announced, and needs a flag, as what a migration loses.

use crate::support::Sandbox;

const DELETES: &str =
    "orders: with retain=30d, the next release deletes every row that was created more than 30 days ago";

#[test]
fn rows_of_a_table_that_is_there_are_deleted_only_after_an_announcement_and_with_a_flag() {
    let sandbox = Sandbox::new();
    sandbox.with_resources(&["order note:text?"]).ok();
    sandbox.commit("shop");
    let before = sandbox.files("shop");
    sandbox.inside("resource order retain=30d").ends(1).says(&[DELETES, "--allow-destructive"]);
    assert_eq!(sandbox.files("shop"), before);
    let told = sandbox.inside("resource order retain=30d --dry-run --json").ok().json();
    assert_eq!(told["destructive"].as_array().unwrap().len(), 1);

    // By hand it is the same.
    let service = sandbox.read("shop/service.toml");
    sandbox.write("shop/service.toml", service.replace("\nfields = [", "\nretain = \"30d\"\nfields = ["));
    sandbox.inside("diff").ends(4).says(&[DELETES]);
    sandbox.inside("apply --allow-dirty").ends(1).says(&[DELETES]);
    sandbox.inside("apply --allow-dirty --allow-destructive").ok();
    assert!(sandbox.read("shop/.new-service/lock").contains("\nretain order 30d\n"));
    assert!(sandbox.path("shop/src/api/retention.rs").exists());
    sandbox.commit("shop");

    // Shorter deletes more, longer and for ever delete nothing more; what was announced stays so over a rename.
    sandbox.inside("resource order retain=29d").ends(1).says(&["retain=29d, the next release deletes"]);
    sandbox.inside("resource purchase was=order").ok();
    assert!(sandbox.read("shop/service.toml").contains("name = \"purchase\"\nretain = \"30d\"\nfields"));
    sandbox.commit("shop");
    sandbox.inside("resource purchase retain=31d").ok();
    let service = sandbox.read("shop/service.toml");
    sandbox.write("shop/service.toml", service.replace("retain = \"31d\"\n", ""));
    sandbox.inside("apply --allow-dirty").ok();
    assert!(!sandbox.read("shop/.new-service/lock").contains("\nretain "));
    assert!(!sandbox.path("shop/src/api/retention.rs").exists());
}

/// A new table has no rows to lose.
#[test]
fn a_new_resource_needs_no_flag() {
    let sandbox = Sandbox::new();
    sandbox.with_resources(&["order note:text?"]).ok();
    sandbox.commit("shop");
    sandbox.inside("resource event retain=7d of:ref(order)").ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("name = \"event\"\nretain = \"7d\"\nfields"), "{service}");
}

#[test]
fn a_time_in_another_unit_is_refused_at_its_place_with_the_nearest_in_days() {
    let sandbox = Sandbox::new();
    sandbox.with_resources(&["order retain=7d note:text?"]).ok();
    sandbox.commit("shop");
    let service = sandbox.read("shop/service.toml");
    let line = service.lines().position(|line| line == "retain = \"7d\"").unwrap() + 1;
    sandbox.write("shop/service.toml", service.replace("\"7d\"", "\"12h\""));
    let place = format!("service.toml:{line}:11");
    sandbox.inside("diff").ends(1).says(&[&place, "\"12h\" is not a number of days", "retain=1d"]);
}

/// What refers to rows is cleaned up before them.
#[test]
fn a_run_begins_with_the_resources_that_refer_to_others() {
    let sandbox = Sandbox::new();
    let [customer, order] = ["customer retain=365d name:string", "order retain=30d customer:ref(customer)"];
    sandbox.with_resources(&[customer, order]).ok();
    let code = sandbox.read("shop/src/api/retention.rs");
    let at = |name: &str| code.find(name).unwrap_or_else(|| panic!("{name} is not in\n{code}"));
    assert!(at("clean_up::<OrderRow>") < at("clean_up::<CustomerRow>"), "{code}");
    assert!(sandbox.read("shop/src/api/customers/repo.rs").contains("NOT EXISTS"));
}
