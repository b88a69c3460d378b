//! Migrations that people wrote are read from the working tree.

use super::{inside, shop};

#[test]
fn a_rebuild_carries_over_what_a_file_by_hand_added_or_is_refused() {
    let sandbox = shop(&["order total:int note:string(..20)?"], "--db=lite");
    sandbox.write(
        "shop/migrations/20261122110000_legacy.sql",
        "ALTER TABLE orders ADD COLUMN legacy TEXT;\nCREATE INDEX orders_note_idx ON orders (note);\n",
    );
    sandbox.write("shop/migrations/20261122110000_legacy.down.sql", "DROP TABLE orders;\n");
    sandbox.commit("shop");
    let refused = [
        "migrations/20261122110000_legacy.sql:2:1: the index orders_note_idx names orders.note, which goes",
        "drop it in a migration of your own",
    ];
    let before = sandbox.files("shop");
    inside(&sandbox, "resource order --without note --allow-destructive").fails(1, &refused);
    assert_eq!(sandbox.files("shop"), before);

    inside(&sandbox, "resource order total:int?").ok();
    let sql = sandbox.read("shop/migrations/20261122111500_change_orders.up.sql");
    for part in [
        "-- columns: id, total, note, created_at, updated_at, version, legacy\n",
        "-- indexes: orders_created_at_id_idx, orders_note_idx\n",
        "    legacy TEXT,\n",
        ", version, legacy)\nSELECT _rowid_, ",
        "\nCREATE INDEX orders_note_idx ON orders (note);\n",
    ] {
        assert!(sql.contains(part), "{part}: {sql}");
    }
    sandbox.commit("shop");
    inside(&sandbox, "diff").ok();

    // Taken away first, it is in nobody's way.
    sandbox.write("shop/migrations/20261122111600_no_note.up.sql", "DROP INDEX orders_note_idx;\n");
    sandbox.commit("shop");
    inside(&sandbox, "resource order --without note --allow-destructive").ok();
}

#[test]
fn what_goes_with_a_column_has_to_be_wished() {
    let sandbox = shop(&["order total:int note:string(..20)?"], "");
    sandbox.write("shop/migrations/20261122110000_mine.up.sql", "\n\nCREATE INDEX mine ON orders (note);\n");
    sandbox.commit("shop");
    let goes = "migrations/20261122110000_mine.up.sql:3:1: the index mine goes with orders.note";
    inside(&sandbox, "resource order --without note").fails(1, &[goes, "--allow-destructive"]);
    inside(&sandbox, "resource order --without note --allow-destructive").ok().says(&[goes]);
}
