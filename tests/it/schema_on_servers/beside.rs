//! What people wrote beside the model stays when the model changes, with its rows; or the change is refused, with the
//! file and the line.

use new_service::schema::{Database, HandWritten, Layout, Migration, MigrationFile, changes_beside, migrations};

use super::changes::{as_migrated, kept, layout, run, same};
use super::servers::Server;

/// The files of a repository, each drawn or by hand, in their order.
struct Chain {
    dialect: Database,
    files: Vec<MigrationFile>,
    reached: Layout,
}

impl Chain {
    fn new(specs: &[&str], dialect: Database) -> Self {
        let reached = layout(specs, dialect);
        let mut chain = Self { dialect, files: Vec::new(), reached: kept(&reached) };
        chain.drew(&migrations(&reached));
        chain
    }

    fn add(&mut self, name: &str, text: &str, is_as_drawn: bool) {
        let path = format!("migrations/{}_{name}.up.sql", 10 + self.files.len());
        self.files.push(MigrationFile { path, text: text.to_owned(), is_as_drawn });
    }

    fn drew(&mut self, steps: &[Migration]) {
        for step in steps {
            self.add(&step.name, &step.up, true);
        }
    }

    fn ups(&self) -> Vec<String> {
        self.files.iter().map(|file| file.text.clone()).collect()
    }

    fn to(&self, specs: &[&str]) -> Result<Vec<Migration>, String> {
        let by_hand = HandWritten::of(&self.files, self.dialect);
        changes_beside(&self.reached, &layout(specs, self.dialect), &by_hand).map_err(|faults| faults.to_string())
    }

    /// Draws the migrations to the new model; they belong to the chain.
    fn move_to(&mut self, specs: &[&str]) -> Vec<Migration> {
        let steps = self.to(specs).unwrap_or_else(|faults| panic!("{faults}"));
        self.drew(&steps);
        self.reached = kept(&layout(specs, self.dialect));
        steps
    }
}

const ONE: [&str; 2] = ["person name:string(1..200)", "order customer:ref(person) total:decimal(12,2) note:text?"];
/// Every table has to be written anew.
const TWO: [&str; 2] = ["person name:string(1..300)", "order customer:ref(person)? total:decimal(14,3) note:text?"];

const BY_HAND: &str = "\
-- What the old system called it, with a comma: a, b.
ALTER TABLE orders ADD COLUMN legacy TEXT DEFAULT 'it''s, (odd)' CHECK (legacy <> '');
alter table \"orders\" add Doubled INTEGER GENERATED ALWAYS AS (total * 2) VIRTUAL;
CREATE INDEX orders_legacy_idx ON orders (legacy, id) WHERE legacy IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS \"Orders key\" ON \"orders\" (lower(legacy), id);
CREATE TABLE visits (\"order\" BLOB REFERENCES orders (id) ON DELETE CASCADE, at TEXT);
CREATE TRIGGER orders_seen AFTER UPDATE OF total ON orders WHEN new.total > 0 BEGIN
    INSERT INTO visits SELECT new.id, CASE WHEN new.total > 5 THEN 'big; one' ELSE 'small' END;
    SELECT 1;
END;
CREATE TRIGGER visits_gone AFTER DELETE ON visits BEGIN UPDATE orders SET note = 'gone' WHERE id = old.\"order\"; END;
CREATE VIEW order_totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY 1;
CREATE INDEX gone_idx ON orders (note);
DROP INDEX gone_idx;
UPDATE orders SET legacy = 'old' WHERE note = 'first';
";

const ROWS: &str = "
INSERT INTO people (id, name) VALUES (x'01890000000070008000000000000001', 'Ada');
INSERT INTO orders (id, customer_id, total, note) VALUES
    (x'01890000000070008000000000000000', x'01890000000070008000000000000001', 1, 'zero'),
    (x'01890000000070008000000000000001', x'01890000000070008000000000000001', 1250, 'first');
DELETE FROM orders WHERE note = 'zero';
";

const HELD: &str = "SELECT orders.rowid || ' ' || total || ' ' || legacy || ' ' || doubled || ' ' || note FROM orders";

#[test]
fn sqlite_carries_over_what_people_added_up_and_down() {
    let server = Server::sqlite("beside");
    let mut chain = Chain::new(&ONE, Database::Sqlite);
    run(&server, chain.ups().iter());
    server.run(ROWS);
    server.run(BY_HAND);
    server.run("INSERT INTO visits VALUES (x'01890000000070008000000000000001', 'then')");
    chain.add("by_hand", BY_HAND, false);
    let begun = server.facts();
    assert_eq!(server.rows(HELD), ["2 1250 old 2500 first"]);

    let steps = chain.move_to(&TWO);
    let head = "-- indexes: orders_created_at_id_idx, orders_customer_id_idx, orders_legacy_idx, Orders key\n\
                -- triggers: orders_seen\n";
    let up = &steps.iter().find(|step| step.name == "change_orders").unwrap().up;
    assert!(up.contains(head) && up.contains(", version, legacy, Doubled\n"), "{up}");
    run(&server, steps.iter().map(|step| &step.up));
    assert_eq!(server.rows(HELD), ["2 12500 old 25000 first"]);
    assert_eq!(server.rows("SELECT at FROM visits"), ["then"], "neither deleted nor written");
    assert_eq!(server.rows("SELECT total FROM order_totals"), ["12500"]);
    let there = server.facts();
    // What is there is the model's, and what people wrote.
    let fresh = Server::sqlite("beside-fresh");
    run(&fresh, migrations(&layout(&TWO, Database::Sqlite)).iter().map(|step| &step.up));
    fresh.run(BY_HAND);
    let unquoted = |facts: Vec<String>| {
        let mut facts: Vec<String> = facts.iter().map(|fact| fact.replace("Orders key", "orders_key")).collect();
        facts.sort();
        facts
    };
    same(&unquoted(there.clone()), &unquoted(fresh.facts()), "the model and what is beside it");

    run(&server, steps.iter().rev().map(|step| &step.down));
    same(&unquoted(server.facts()), &unquoted(begun), "and back");
    assert_eq!(server.rows(HELD), ["2 1250 old 2500 first"]);
    run(&server, steps.iter().map(|step| &step.up));

    // Carried over by a migration that was drawn, it is still not the model's.
    let steps = chain.move_to(&[TWO[0], "order customer:ref(person) total:decimal(14,3) note:text?"]);
    run(&server, steps.iter().map(|step| &step.up));
    assert_eq!(server.rows(HELD), ["2 12500 old 25000 first"]);
    // A table that gets another name takes it along.
    let steps = chain.move_to(&[TWO[0], "purchase was=order customer:ref(person) total:decimal(14,2) note:text?"]);
    run(&server, steps.iter().map(|step| &step.up));
    assert_eq!(server.rows(&HELD.replace("orders", "purchases")), ["2 1250 old 2500 first"]);
    let objects = "SELECT name FROM sqlite_master WHERE tbl_name = 'purchases' AND name IN ('orders_seen', 'Orders key', 'orders_legacy_idx') ORDER BY 1";
    assert_eq!(server.rows(objects), ["Orders key", "orders_legacy_idx", "orders_seen"]);
}

#[test]
fn sqlite_refuses_what_cannot_be_carried_over() {
    let without_note = [ONE[0], "order customer:ref(person) total:decimal(12,2)"];
    let renamed = [ONE[0], "order customer:ref(person) total:decimal(12,2) remark:text?:was=note"];
    let purchases = [ONE[0], "purchase was=order customer:ref(person) total:decimal(14,2) note:text?"];
    for (by_hand, to, said) in [
        ("CREATE INDEX x ON orders (note);", &without_note, "the index x names orders.note, which goes"),
        ("CREATE INDEX x ON orders (note);", &renamed, "the index x names orders.note, which becomes remark"),
        (
            "CREATE TRIGGER x AFTER INSERT ON people BEGIN UPDATE orders SET note = ''; END;",
            &without_note,
            "the trigger x names orders.note, which goes",
        ),
        ("CREATE VIEW x AS SELECT note FROM orders;", &renamed, "the view x names orders.note, which becomes remark"),
        (
            "CREATE VIRTUAL TABLE x USING fts5(note, content='orders');",
            &without_note,
            "the definition of x names orders.note, which goes",
        ),
        ("ALTER TABLE orders ADD COLUMN x AS (note || '!');", &without_note, "names orders.note, which goes"),
        ("ALTER TABLE orders ALTER COLUMN note SET NOT NULL;", &TWO, "is not understood here"),
        ("ALTER TABLE orders DROP COLUMN note;", &TWO, "the column note is taken away here, and the model has it"),
        ("DROP INDEX orders_customer_id_idx;", &TWO, "the index orders_customer_id_idx is taken away here"),
        (
            "CREATE TABLE x AS SELECT * FROM orders; DROP TABLE orders; CREATE TABLE orders (id BLOB, note TEXT COLLATE NOCASE);",
            &TWO,
            "orders.note is not as the model has it: `note TEXT`",
        ),
        (
            "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 'x' WHERE name = orders;",
            &TWO,
            "is not understood here",
        ),
        (
            "CREATE TRIGGER x AFTER INSERT ON orders BEGIN DELETE FROM orders WHERE 0; END;",
            &purchases,
            "the trigger x still names orders, which has another name by then",
        ),
    ] {
        let mut chain = Chain::new(&ONE, Database::Sqlite);
        chain.add("by_hand", &format!("\n{by_hand}"), false);
        let faults = chain.to(to).expect_err(by_hand);
        assert!(faults.contains(said), "{by_hand}\n{faults}");
        assert!(faults.contains("migrations/12_by_hand.up.sql:2:") && faults.contains("help: "), "{faults}");
    }
}

#[test]
fn sqlite_takes_no_notice_of_what_is_elsewhere_or_gone() {
    for by_hand in [
        "CREATE INDEX x ON people (name);",
        "CREATE INDEX x ON orders (note); DROP INDEX x;",
        "CREATE TABLE notes (note TEXT, \"order\" BLOB REFERENCES orders (id));",
        "CREATE TEMP TABLE x (note);",
        "INSERT INTO orders SELECT * FROM orders; DELETE FROM orders; PRAGMA optimize; ANALYZE orders;",
        "ALTER TABLE people RENAME TO humans; ALTER TABLE humans RENAME TO people;",
        "CREATE VIEW x AS SELECT note FROM orders; DROP VIEW IF EXISTS main.x;",
    ] {
        let mut chain = Chain::new(&ONE, Database::Sqlite);
        chain.add("by_hand", by_hand, false);
        let to = [ONE[0], "order customer:ref(person) total:decimal(12,2)"];
        if let Err(faults) = chain.to(&to) {
            panic!("{by_hand}\n{faults}");
        }
    }
}

/// A person may change a migration that was drawn before it has run anywhere.
#[test]
fn sqlite_reads_what_people_wrote_into_a_file_that_was_drawn() {
    let server = Server::sqlite("beside-edited");
    let mut chain = Chain::new(&ONE, Database::Sqlite);
    let last = chain.files.last_mut().unwrap();
    last.text = last.text.replace(
        "CONSTRAINT orders_pkey",
        "weight INTEGER,\n    CHECK (total < 10000000),\n    CONSTRAINT orders_pkey",
    );
    last.text.push_str("CREATE INDEX orders_weight_idx ON orders (weight);\n");
    last.is_as_drawn = false;
    // SQLite has columns before rules.
    last.text =
        last.text.replace("    CHECK (total < 10000000),\n", "").replace("\n);", ",\n    CHECK (total < 10000000)\n);");
    run(&server, chain.ups().iter());
    let begun = server.facts();
    let steps = chain.move_to(&TWO);
    run(&server, steps.iter().map(|step| &step.up));
    let there = server.facts();
    for fact in [
        "orders weight INTEGER",
        "orders CHECK (total < 10000000)",
        "CREATE INDEX orders_weight_idx ON orders (weight)",
    ] {
        assert!(there.iter().any(|there| there == fact), "{fact}: {there:#?}");
    }
    run(&server, steps.iter().rev().map(|step| &step.down));
    same(&server.facts(), &begun, "and back");
}

#[test]
fn sqlite_does_not_leave_rows_that_refer_to_nothing() {
    let server = Server::sqlite("beside-references");
    let mut chain = Chain::new(&["person name:string", "order customer:uuid?"], Database::Sqlite);
    run(&server, chain.ups().iter());
    server.run("INSERT INTO orders (id, customer) VALUES (x'01890000000070008000000000000001', x'01890000000070008000000000000002')");
    let steps = chain.move_to(&["person name:string", "order customer:ref(person)?"]);
    assert!(
        steps.iter().any(|step| step.destructive.iter().any(|line| line.contains("refer to nothing"))),
        "{steps:?}"
    );
    let before = server.facts();
    let up: String = steps.iter().map(|step| as_migrated(&step.up)).collect();
    let said = server.fails(&up);
    assert!(said.contains("orders: references to missing rows, which PRAGMA foreign_key_check lists"), "{said}");
    assert_eq!(server.facts(), before);
    server.run("INSERT INTO people (id, name) VALUES (x'01890000000070008000000000000002', 'Ada')");
    run(&server, steps.iter().map(|step| &step.up));
}

/// Another tool leaves foreign keys on, with which DROP TABLE deletes what refers to the rows.
#[test]
fn sqlite_rebuilds_nothing_while_foreign_keys_are_on() {
    let server = Server::sqlite("beside-keys");
    let mut chain = Chain::new(&ONE, Database::Sqlite);
    run(&server, chain.ups().iter());
    let steps = chain.move_to(&TWO);
    let said = server.fails(&format!("PRAGMA foreign_keys = ON;\nBEGIN;\n{}\nCOMMIT;", steps[0].up));
    assert!(said.contains("foreign keys are on: apply this migration by the service's own migrate"), "{said}");
}

#[test]
fn no_resource_has_the_name_of_a_rebuild() {
    let server = Server::sqlite("beside-names");
    let mut chain = Chain::new(
        &["order total:int", "orders_new plural=orders_new total:int", "to_cast plural=to_cast total:text"],
        Database::Sqlite,
    );
    run(&server, chain.ups().iter());
    server.run("INSERT INTO to_cast (id, total) VALUES (x'01890000000070008000000000000001', '7')");
    let steps = chain.move_to(&[
        "order total:int?",
        "orders_new plural=orders_new total:int?",
        "to_cast plural=to_cast total:int",
    ]);
    run(&server, steps.iter().map(|step| &step.up));
    assert_eq!(server.rows("SELECT total FROM to_cast"), ["7"]);
}

#[test]
fn postgres_announces_what_goes_with_a_column_or_a_table() {
    let server = Server::postgres("beside");
    let by_hand = "\
ALTER TABLE orders ADD COLUMN legacy text;
CREATE INDEX CONCURRENTLY orders_note_idx ON orders (note);
CREATE FUNCTION shout() RETURNS trigger AS $$ BEGIN NEW.note := upper(NEW.note); RETURN NEW; END $$ LANGUAGE plpgsql;
CREATE TRIGGER orders_shout BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION shout();
ALTER TABLE orders ADD CONSTRAINT orders_note_short CHECK (length(note) < 9) NOT VALID;
";
    let mut chain = Chain::new(&ONE, Database::Postgres);
    run(&server, chain.ups().iter());
    server.run(&by_hand.replace("CONCURRENTLY ", ""));
    chain.add("by_hand", by_hand, false);
    let goes = |steps: &[Migration]| steps.iter().flat_map(|step| step.destructive.clone()).collect::<Vec<_>>();

    let steps = chain.to(&[ONE[0], "order customer:ref(person) total:decimal(12,2)"]).unwrap();
    let lines = goes(&steps).join("\n");
    for said in [
        "migrations/12_by_hand.up.sql:2:1: the index orders_note_idx goes with orders.note",
        "migrations/12_by_hand.up.sql:3:1: the definition of shout names orders.note, which goes",
        "migrations/12_by_hand.up.sql:5:1: `ALTER TABLE orders ADD CONSTRAINT orders_note_short",
    ] {
        assert!(lines.contains(said), "{said}\n{lines}");
    }
    run(&server, steps.iter().map(|step| &step.up));
    assert!(!server.dump().contains("orders_note_idx") && !server.dump().contains("orders_note_short"));

    let lines = goes(&chain.to(&[ONE[0]]).unwrap()).join("\n");
    for said in [
        ":1:1: orders.legacy goes with its table",
        ":2:1: the index orders_note_idx goes with orders",
        ":4:1: the trigger orders_shout goes with orders",
    ] {
        assert!(lines.contains(said), "{said}\n{lines}");
    }
    // A type that changes takes nothing away.
    assert!(goes(&chain.to(&TWO).unwrap()).iter().all(|line| !line.contains("by_hand")));
}

#[test]
fn what_fails_for_what_people_wrote_is_refused() {
    let without_note = [ONE[0], "order customer:ref(person) total:decimal(12,2)"];
    let with_number = [ONE[0], "order customer:ref(person) total:decimal(12,2) note:int?"];
    let with_weight = [ONE[0], "order customer:ref(person) total:decimal(12,2) note:text? weight:int?"];
    let with_visit = [ONE[0], ONE[1], "visit at:datetime"];
    let with_index = [ONE[0], "order customer:ref(person) total:decimal(12,2):index note:text?"];
    for (dialect, by_hand, to, said) in [
        (
            Database::Postgres,
            "CREATE VIEW x AS SELECT note FROM orders;",
            &without_note[..],
            "the view x names orders.note",
        ),
        (
            Database::Postgres,
            "CREATE VIEW x AS SELECT note FROM orders;",
            &with_number,
            "the view x names orders.note, which becomes int",
        ),
        (
            Database::Postgres,
            "CREATE TRIGGER x AFTER UPDATE OF note ON orders FOR EACH ROW EXECUTE FUNCTION f();",
            &with_number,
            "the trigger x names orders.note, which becomes int",
        ),
        (
            Database::Postgres,
            "CREATE TRIGGER x AFTER UPDATE OF note ON orders FOR EACH ROW EXECUTE FUNCTION f();",
            &without_note,
            "the trigger x names orders.note, which goes",
        ),
        (Database::Postgres, "CREATE VIEW x AS SELECT * FROM orders;", &without_note, "the view x names orders.note"),
        (
            Database::Postgres,
            "CREATE VIEW x AS SELECT id FROM orders;",
            &ONE[..1],
            "the view x names orders, which goes",
        ),
        (Database::Sqlite, "CREATE VIEW x AS SELECT id FROM orders;", &ONE[..1], "the view x names orders, which goes"),
        (
            Database::Sqlite,
            "CREATE TABLE x (y BLOB REFERENCES orders (id) ON DELETE CASCADE);",
            &ONE[..1],
            "the table x refers to orders, which goes",
        ),
        (
            Database::Postgres,
            "CREATE TABLE x (y uuid REFERENCES orders);",
            &ONE[..1],
            "the table x refers to orders, which goes",
        ),
        (
            Database::Postgres,
            "ALTER TABLE orders ADD weight int;",
            &with_weight,
            "the column orders.weight is there already",
        ),
        (
            Database::Sqlite,
            "ALTER TABLE orders ADD weight int;",
            &with_weight,
            "the column orders.weight is there already",
        ),
        (Database::Postgres, "CREATE TABLE visits (x int);", &with_visit, "the table visits is there already"),
        (Database::Sqlite, "CREATE VIEW visits AS SELECT 1;", &with_visit, "the view visits is there already"),
        (
            Database::Sqlite,
            "CREATE INDEX orders_total_idx ON people (name);",
            &with_index,
            "the index orders_total_idx is there already",
        ),
    ] {
        let mut chain = Chain::new(&ONE, dialect);
        chain.add("by_hand", by_hand, false);
        let faults = chain.to(to).expect_err(by_hand);
        assert!(faults.contains(&format!("migrations/12_by_hand.up.sql:1:1: {said}")), "{by_hand}\n{faults}");
    }
}
