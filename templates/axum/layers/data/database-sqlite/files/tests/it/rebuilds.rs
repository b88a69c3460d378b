//! data.migrations: a migration that creates a table again loses nothing that it does not name.

use std::{fs, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _,
    migrate::{Migrate as _, Migrator},
    raw_sql,
};

use crate::support::{
    database::Database,
    service::db::{
        Connection,
        migrate::{self, Back},
        step,
    },
};

/// Shops with orders in cents, and what people added to them.
const SHOPS: &str = "
    CREATE TABLE shops (id INTEGER PRIMARY KEY);
    CREATE TABLE orders (
        id BLOB NOT NULL PRIMARY KEY,
        shop INTEGER,
        total INTEGER
    );
    CREATE INDEX orders_total_idx ON orders (total);
    CREATE TABLE lines (\"order\" BLOB REFERENCES orders (id) ON DELETE CASCADE);
    INSERT INTO shops VALUES (1);
    INSERT INTO orders VALUES (x'00', 1, 0), (x'01', 1, 5), (x'02', 1, 7);
    DELETE FROM orders WHERE id = x'00';
    INSERT INTO lines VALUES (x'01');
    CREATE VIEW totals AS SELECT sum(total) AS total FROM orders;
    CREATE TRIGGER lines_insert AFTER INSERT ON lines BEGIN UPDATE orders SET total = 0; END;
    ALTER TABLE orders ADD COLUMN label TEXT;
    UPDATE orders SET label = 'first' WHERE id = x'01';
    CREATE INDEX orders_label_idx ON orders (label);
    CREATE TRIGGER orders_delete AFTER DELETE ON orders BEGIN INSERT INTO shops VALUES (NULL); END;";

const HEAD: &str = "-- rebuild: orders
-- columns: id, shop, total, label
-- indexes: orders_total_idx, orders_label_idx
-- triggers: orders_delete
";

/// As `new-service` writes it: orders refer to shops and count in tenths of a cent.
const BODY: &str = "
CREATE TEMP TABLE _keys (\"on\" INTEGER CONSTRAINT \"foreign keys are on\" CHECK (NOT \"on\"));
INSERT INTO _keys SELECT foreign_keys FROM pragma_foreign_keys;
DROP TABLE _keys;

CREATE TABLE _rebuild_orders (
    id BLOB NOT NULL PRIMARY KEY,
    shop INTEGER REFERENCES shops (id),
    total INTEGER,
    label TEXT
);

INSERT INTO _rebuild_orders (_rowid_, id, shop, total, label)
SELECT _rowid_, id, shop, total * 10, label
FROM orders;

DROP TABLE orders;
ALTER TABLE _rebuild_orders RENAME TO orders;
CREATE INDEX orders_total_idx ON orders (total);
CREATE INDEX orders_label_idx ON orders (label);
CREATE TRIGGER orders_delete AFTER DELETE ON orders BEGIN INSERT INTO shops VALUES (NULL); END;
";

/// The statement of today that checks references.
const CHECK: &str = "
CREATE TEMP TABLE _broken (child TEXT CONSTRAINT \"see PRAGMA foreign_key_check\" CHECK (child IS NULL));
INSERT INTO _broken SELECT 'orders' FROM pragma_foreign_key_check('orders');
DROP TABLE _broken;
";

const ORDERS: &str =
    "SELECT group_concat(rowid || ' ' || hex(id) || ' ' || total || ' ' || label, ', ')
    FROM (SELECT rowid, id, total, coalesce(label, '-') AS label FROM orders ORDER BY 1)";

/// A database with shops, and migrations that rebuild the orders: up by `up`, down by the same.
async fn shops(up: &str) -> (Database, Migrator) {
    let database = Database::empty().await;
    raw_sql(SHOPS).execute(&mut connect(&database).await).await.unwrap();
    let folder = database.folder.join("migrations");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("1_change_orders.up.sql"), up).unwrap();
    fs::write(folder.join("1_change_orders.down.sql"), up.replace("* 10", "/ 10")).unwrap();
    let migrations = Migrator::new(folder).await.unwrap();
    (database, migrations)
}

fn today() -> String {
    format!("{HEAD}{BODY}{CHECK}")
}

/// A file of an earlier template.
fn earlier() -> String {
    let body = BODY.replace("_rebuild_orders", "orders_new");
    let (_, body) = body.split_once("DROP TABLE _keys;\n").unwrap();
    format!(
        "-- no-transaction\nPRAGMA foreign_keys = OFF;\nBEGIN;\n{body}\nCOMMIT;\nPRAGMA foreign_keys = ON;\n"
    )
}

async fn connect(database: &Database) -> Connection {
    database.options().connect().await.unwrap()
}

/// The table of applied migrations.
async fn history(database: &Database) {
    connect(database).await.ensure_migrations_table("_sqlx_migrations").await.unwrap();
}

async fn text(database: &Database, query: &'static str) -> String {
    sqlx::query_scalar(query).fetch_one(&mut connect(database).await).await.unwrap()
}

async fn execute(database: &Database, sql: &str) {
    raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connect(database).await).await.unwrap();
}

async fn refused(database: &Database, migrations: &Migrator) -> String {
    let before = database.schema().await;
    let error = migrate::up(migrations, &database.options()).await.unwrap_err();
    assert_eq!(database.schema().await, before, "nothing was changed");
    assert_eq!(text(database, ORDERS).await, "2 01 5 first, 3 02 7 -");
    error.to_string()
}

#[tokio::test]
async fn a_rebuild_keeps_rows_and_references() {
    let (database, migrations) = shops(&today()).await;
    let before = database.schema().await;
    migrate::up(&migrations, &database.options()).await.unwrap();
    assert_eq!(text(&database, ORDERS).await, "2 01 50 first, 3 02 70 -");
    assert_eq!(text(&database, "SELECT hex(\"order\") FROM lines").await, "01");
    assert_eq!(text(&database, "SELECT total || '' FROM totals").await, "120");
    assert_eq!(text(&database, "SELECT count(*) || '' FROM shops").await, "1", "no trigger ran");
    migrate::down(&migrations, &database.options(), Back::Steps(1)).await.unwrap();
    assert_eq!(text(&database, ORDERS).await, "2 01 5 first, 3 02 7 -");
    migrate::up(&migrations, &database.options()).await.unwrap();
    assert_eq!(database.schema().await.len(), before.len());
    // Later writes are checked again.
    execute(&database, "INSERT INTO lines VALUES (x'02')").await;
    let mut connection = connect(&database).await;
    raw_sql("INSERT INTO orders (id, shop) VALUES (x'03', 9)")
        .execute(&mut connection)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn unlisted_objects_stop_a_rebuild() {
    let (database, migrations) = shops(&today()).await;
    execute(
        &database,
        "ALTER TABLE orders ADD COLUMN weight INTEGER DEFAULT 3;
        ALTER TABLE orders ADD COLUMN double INTEGER AS (total * 2);
        CREATE UNIQUE INDEX orders_weight_key ON orders (weight, id);
        CREATE TRIGGER orders_insert AFTER INSERT ON orders BEGIN SELECT 1; END;
        DROP INDEX orders_total_idx",
    )
    .await;
    let said = refused(&database, &migrations).await;
    for part in [
        "migration 1:",
        "the table orders is not as this migration expects",
        "the column weight would be lost",
        "the column double would be lost",
        "the index orders_weight_key would be lost",
        "the trigger orders_insert would be lost",
        "the index orders_total_idx is missing",
        "migrations/README.md",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    execute(
        &database,
        "DROP TRIGGER orders_insert; DROP INDEX orders_weight_key;
        ALTER TABLE orders DROP COLUMN double; ALTER TABLE orders DROP COLUMN weight;
        CREATE INDEX orders_total_idx ON orders (total)",
    )
    .await;
    migrate::up(&migrations, &database.options()).await.unwrap();
}

#[tokio::test]
async fn the_way_down_is_stopped_as_well() {
    let (database, migrations) = shops(&today()).await;
    migrate::up(&migrations, &database.options()).await.unwrap();
    execute(&database, "ALTER TABLE orders ADD COLUMN weight INTEGER").await;
    let error = migrate::down(&migrations, &database.options(), Back::Steps(1)).await.unwrap_err();
    assert!(error.to_string().contains("the column weight would be lost"), "{error}");
    assert_eq!(text(&database, ORDERS).await, "2 01 50 first, 3 02 70 -");
}

#[tokio::test]
async fn references_to_missing_rows_stop_a_rebuild() {
    for sql in [today(), format!("{HEAD}{BODY}"), earlier()] {
        let (database, migrations) = shops(&sql).await;
        if sql == earlier() {
            execute(&database, "DROP TRIGGER orders_delete").await;
        }
        execute(&database, "UPDATE orders SET shop = 4 WHERE id = x'02'").await;
        let said = refused(&database, &migrations).await;
        assert!(said.contains("orders.shop of row 3 refers to no row of shops"), "{said}");
    }
}

/// The rows of other tables that refer to the table count as well.
#[tokio::test]
async fn rows_that_lose_their_parent_stop_a_rebuild() {
    let fewer = today().replace("FROM orders;", "FROM orders WHERE id <> x'01';");
    let (database, migrations) = shops(&fewer).await;
    let said = refused(&database, &migrations).await;
    assert!(said.contains("lines.order of row 1 refers to no row of orders"), "{said}");
}

#[tokio::test]
async fn a_view_that_would_fail_stops_a_rebuild() {
    let renamed = today().replace("    total INTEGER,", "    amount INTEGER,");
    let renamed =
        renamed.replace("(_rowid_, id, shop, total, label)", "(_rowid_, id, shop, amount, label)");
    let (database, migrations) =
        shops(&renamed.replace("ON orders (total)", "ON orders (amount)")).await;
    let said = refused(&database, &migrations).await;
    assert!(said.contains("error in view totals"), "{said}");
    assert!(said.contains("in a migration before this one"), "{said}");
}

/// A process may be killed at any point: the record is in the transaction of the change.
#[tokio::test]
async fn a_rebuild_without_its_record_is_rolled_back() {
    for sql in [today(), earlier()] {
        let (database, migrations) = shops(&sql).await;
        if sql == earlier() {
            execute(&database, "DROP TRIGGER orders_delete").await;
        }
        history(&database).await;
        let bar = "CREATE TRIGGER bar BEFORE INSERT ON _sqlx_migrations
            BEGIN SELECT RAISE(ABORT, 'no record'); END";
        execute(&database, bar).await;
        let said = refused(&database, &migrations).await;
        assert!(said.contains("no record"), "{said}");
        execute(&database, "DROP TRIGGER bar").await;
        migrate::up(&migrations, &database.options()).await.unwrap();
        assert_eq!(text(&database, ORDERS).await, "2 01 50 first, 3 02 70 -", "multiplied once");
    }
}

/// As with another tool, which leaves foreign keys on.
#[tokio::test]
async fn a_rebuild_with_foreign_keys_on_fails_before_it_drops_rows() {
    let (database, _) = shops("").await;
    let mut connection = connect(&database).await;
    let mut transaction = connection.begin().await.unwrap();
    let refused = raw_sql(AssertSqlSafe(today())).execute(&mut *transaction).await.unwrap_err();
    assert!(refused.to_string().contains("foreign keys are on"), "{refused}");
    transaction.rollback().await.unwrap();
    assert_eq!(text(&database, "SELECT hex(\"order\") FROM lines").await, "01");
}

#[tokio::test]
async fn the_connection_is_left_as_it_was() {
    let pragmas = "SELECT f.foreign_keys || ' ' || l.legacy_alter_table
        FROM pragma_foreign_keys AS f, pragma_legacy_alter_table AS l";
    for fails in [false, true] {
        let (database, migrations) = shops(&today()).await;
        if fails {
            execute(&database, "ALTER TABLE orders ADD COLUMN weight INTEGER").await;
        }
        let options = database.options();
        let mut connection = connect(&database).await;
        history(&database).await;
        let migration = migrations.iter().find(|one| one.migration_type.is_up_migration()).unwrap();
        let outcome = step::run(&mut connection, &options, migration).await;
        assert_eq!(outcome.is_err(), fails);
        let left: String = sqlx::query_scalar(pragmas).fetch_one(&mut connection).await.unwrap();
        assert_eq!(left, "1 0");
    }
}

#[tokio::test]
async fn a_migration_waits_for_another_writer() {
    let (database, migrations) = shops(&today()).await;
    history(&database).await;
    let mut other = connect(&database).await;
    raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let impatient = database.options().busy_timeout(Duration::ZERO);
    let error = migrate::up(&migrations, &impatient).await.unwrap_err();
    assert!(error.to_string().contains("another connection has been writing"), "{error}");
    let options = database.options();
    let waiting = tokio::spawn(async move { migrate::up(&migrations, &options).await });
    raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}
