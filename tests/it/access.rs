//! Who may read and write a resource: declared, kept, pointed out, and carried from repositories of before.

use crate::support::Sandbox;

const PRODUCT: &str = "product name:string(1..200)";
const ORDER: &str = "order owner:ref(user) product:ref(product)";

fn rules(sandbox: &Sandbox) -> Vec<String> {
    let text = sandbox.read("shop/tests/it/access.rs");
    let calls = text.lines().filter(|line| line.contains("Rule::") && !line.contains("fn "));
    calls.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_rule_is_kept_until_it_is_changed() {
    let sandbox = Sandbox::new();
    let product = "product read=public name:string(1..200)";
    sandbox.with_resources(&[product, ORDER]).ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("name = \"product\"\nread = \"public\"\nfields"), "{service}");
    assert!(!service.contains("write ="), "defaults are not written: {service}");
    assert!(sandbox.read("shop/src/auth/guard.rs").contains("\"/api/v1/products/{id}\""));
    assert!(sandbox.read("shop/docs/security.md").contains("| products | `public` | `admin` |\n| orders | `owner` |"));

    sandbox.inside("resource product write=signed-in note:text?").ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("read = \"public\"\nwrite = \"signed-in\"\n"), "{service}");
    sandbox.commit("shop");
    sandbox.write("shop/service.toml", service.replace("read = \"public\"\n", ""));
    sandbox.inside("apply --allow-dirty").ok();
    assert!(!sandbox.read("shop/src/auth/guard.rs").contains("/api/v1/products"));
    assert!(
        rules(&sandbox).iter().any(|line| line.contains("products") && line.contains("SignedIn")),
        "{:?}",
        rules(&sandbox)
    );
}

/// A rename by command would open a closed resource otherwise.
#[test]
fn a_rule_stays_with_a_resource_that_is_renamed() {
    let sandbox = Sandbox::new();
    sandbox.with_resources(&["salary read=admin amount:int"]).ok();
    sandbox.commit("shop");
    sandbox.inside("resource wage was=salary").ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("name = \"wage\"\nread = \"admin\"\nfields"), "{service}");
}

#[test]
fn a_reference_to_an_account_that_makes_no_owner_is_pointed_out() {
    let sandbox = Sandbox::new();
    sandbox
        .with_resources(&["order customer:ref(user) note:text?"])
        .ok()
        .says(&["order: customer refers to an account and makes no owner of it (read=signed-in, write=admin)"]);
    sandbox.commit("shop");
    sandbox.inside("resource invoice payer:ref(user)").ok().says(&["invoice: payer refers to an account"]);
    sandbox.commit("shop");
    let said = sandbox.inside("resource invoice note:text?").ok();
    assert!(!said.err.contains("payer"), "once, when it is new: {said:?}");
}

#[test]
fn rules_need_accounts() {
    let sandbox = Sandbox::new();
    sandbox
        .with_resources(&["product write=admin name:string"])
        .args("--auth none")
        .fails(1, &["the resource \"product\": write=admin needs accounts, and there are none", "say write=public"]);
    sandbox.with_resources(&["product write=public name:string"]).args("--auth none").ok();
    assert!(!sandbox.path("shop/tests/it/access.rs").exists());
}

#[test]
fn a_relation_shows_no_row_that_its_reader_may_not_read() {
    let sandbox = Sandbox::new();
    let note = "note read=signed-in product:ref(product) order:ref(order) secret:ref(secret)";
    sandbox.with_resources(&["product read=public name:string", ORDER, "secret read=admin name:string", note]).ok();
    let offered = |resource: &str| {
        let dto = sandbox.read(&format!("shop/src/api/{resource}/dto.rs"));
        let (_, list) = dto.split_once("Include {").unwrap_or_default();
        let variants = list.split_once('}').unwrap_or_default().0.lines().map(str::trim);
        variants.filter(|line| !line.starts_with('#')).collect::<String>()
    };
    assert_eq!(offered("notes"), "Product,Order,", "the order is filtered by its owner");
    assert_eq!(offered("orders"), "Owner,Product,");
}

/// As an earlier new-service left it, every account could write what has no owner.
#[test]
fn a_repository_from_before_the_rules_keeps_its_behaviour() {
    let sandbox = Sandbox::new();
    sandbox.with_resources(&[PRODUCT, ORDER]).ok();
    let lock = sandbox.read("shop/.new-service/lock");
    sandbox.write("shop/.new-service/lock", lock.replace("\nformat 5\n", "\nformat 2\n"));
    sandbox.commit("shop");
    let said = sandbox
        .inside("update")
        .ok()
        .says(&["every account may write each product, as before: service.toml says so now (write = \"signed-in\""]);
    assert!(!said.err.contains("each order"), "{said:?}");
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("name = \"product\"\nwrite = \"signed-in\"\n"), "{service}");
    assert!(sandbox.read("shop/.new-service/lock").contains("\nformat 5\n"));
    sandbox.commit("shop");
    let said = sandbox.inside("update").ok();
    assert!(!said.err.contains("as before"), "{said:?}");
}
