//! Indexes that a resource declares, as they come, are renamed and go.

use super::{inside, migrations, shop};

#[test]
fn an_index_over_several_columns_comes_is_renamed_and_goes() {
    let sandbox = shop(&["order status:enum(a,b) note:text?"], "");
    let commit = || sandbox.commit("shop");
    let last = |ending: &str| {
        let file = sandbox.files("shop").into_keys().rfind(|path| path.ends_with(ending)).unwrap();
        sandbox.read(&format!("shop/{file}"))
    };
    let index = "(status, created_at DESC, id DESC);\n";
    commit();
    inside(&sandbox, "resource order index=status,-created_at").ok();
    assert_eq!(migrations(&sandbox).last().unwrap(), "add_orders_status_created_at_desc_idx");
    let made =
        format!("-- no-transaction\nCREATE INDEX CONCURRENTLY orders_status_created_at_desc_idx ON orders {index}");
    let dropped = "-- no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS orders_status_created_at_desc_idx;\n";
    assert_eq!((last("_idx.up.sql"), last("_idx.down.sql").as_str()), (made.clone(), dropped));
    commit();
    let same = inside(&sandbox, "resource order index=status,-created_at").ok();
    assert!(!same.out.contains("migrations/"), "{}", same.out);

    inside(&sandbox, "resource order state:enum(a,b):was=status").ok();
    assert!(sandbox.read("shop/service.toml").contains("indexes = [\"state,-created_at\"]\n"));
    assert_eq!(migrations(&sandbox).last().unwrap(), "rename_orders_status_to_state");
    let rename = "ALTER INDEX orders_status_created_at_desc_idx RENAME TO orders_state_created_at_desc_idx;\n";
    assert!(last("to_state.up.sql").contains(rename), "{}", last("to_state.up.sql"));
    commit();

    inside(&sandbox, "resource order --without state --allow-destructive")
        .fails(2, &["--without state: the index \"state,-created_at\" needs it", "--without-index=state,-created_at"]);
    inside(&sandbox, "resource order --without-index state,created_at")
        .fails(2, &["there is no such index (did you mean \"state,-created_at\"?)", "there are state,-created_at"]);
    inside(&sandbox, "resource order --without-index state,-created_at").ok();
    assert_eq!(migrations(&sandbox).last().unwrap(), "drop_orders_state_created_at_desc_idx");
    assert!(!sandbox.read("shop/service.toml").contains("indexes"));
    assert_eq!(last("_idx.down.sql"), made.replace("status", "state"));
    commit();

    let text = sandbox.read("shop/service.toml") + "indexes = [ # Ours\n  \"-created_at, state\",\n]\n";
    sandbox.write("shop/service.toml", text);
    inside(&sandbox, "apply --allow-dirty").ok();
    assert_eq!(migrations(&sandbox).last().unwrap(), "add_orders_created_at_desc_state_idx");
    commit();
    inside(&sandbox, "resource order index=note,id").fails(2, &["the field \"note\" cannot have an index"]);
    inside(&sandbox, "resource order index=updated_at,state total:int=0").ok();
    let kept = "indexes = [ # Ours\n  \"-created_at, state\",\n  \"updated_at,state\",\n]\n";
    assert!(sandbox.read("shop/service.toml").contains(kept), "{}", sandbox.read("shop/service.toml"));
    commit();
    inside(&sandbox, "resource purchase was=order").ok();
    assert!(sandbox.read("shop/service.toml").contains(kept));
    let renamed = "ALTER INDEX orders_updated_at_state_idx RENAME TO purchases_updated_at_state_idx;\n";
    assert!(last("_to_purchases.up.sql").contains(renamed), "{}", last("_to_purchases.up.sql"));
    commit();
    inside(&sandbox, "resource purchase --without state --without-index=-created_at,state --without-index updated_at,state --allow-destructive").ok();
    assert!(
        last("drop_purchases_state.down.sql").contains("ADD COLUMN state"),
        "{}",
        last("drop_purchases_state.down.sql")
    );
}
