//! Columns that rows which are there need a value for: it is told, and the migration has a place for it.

use new_service::schema::{Database, changes, migrations};

use super::changes::{from_scratch, kept, layout, run, same};
use super::servers::Server;

const ID: [&str; 2] = ["01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002"];

fn id(number: usize, dialect: Database) -> String {
    match dialect {
        Database::Postgres => format!("'{}'", ID[number]),
        Database::Sqlite => format!("x'{}'", ID[number].replace('-', "")),
    }
}

/// With a value of its own for each row, in the place that the migration has for it; none where it has none.
fn filled(sql: &str, column: &str, dialect: Database) -> Option<String> {
    if dialect == Database::Postgres {
        let (before, after) = sql.split_once(&format!("-- UPDATE orders SET {column} = …"))?;
        let (_, after) = after.split_once('\n')?;
        return Some(format!("{before}UPDATE orders SET {column} = id::TEXT;\n{after}"));
    }
    let (head, rest) = sql.split_once("INSERT INTO _rebuild_")?;
    let (into, rest) = rest.split_once("\nSELECT ")?;
    let (values, rest) = rest.split_once("\nFROM")?;
    let columns = into.split_once('(')?.1.trim_end_matches(')').split(", ");
    let values = columns.zip(values.split(", ")).map(|(name, value)| if name == column { "hex(id)" } else { value });
    Some(format!("{head}INSERT INTO _rebuild_{into}\nSELECT {}\nFROM{rest}", values.collect::<Vec<_>>().join(", ")))
}

/// In a transaction, which ends with the connection.
fn begun_by_hand(sql: &str, dialect: Database) -> String {
    if dialect == Database::Sqlite { format!("BEGIN;\n{sql}") } else { sql.to_owned() }
}

fn values_have_a_place(server: &Server, dialect: Database) {
    let none = layout(&["order total:int"], dialect);
    for (spec, is_told) in [
        ("order total:int code:string(..40)=x:unique", "orders.code is unique"),
        ("order total:int code:string(..40)", "orders.code may not be empty"),
    ] {
        let one = layout(&[spec], dialect);
        let wanted = from_scratch(server, &one);
        let begun = from_scratch(server, &none);
        for number in 0..2 {
            server.run(&format!("INSERT INTO orders (id, total) VALUES ({}, 7);", id(number, dialect)));
        }
        let steps = changes(&kept(&none), &one).unwrap();
        let notes: Vec<&String> = steps.iter().flat_map(|step| &step.notes).collect();
        assert!(notes.iter().any(|note| note.contains(is_told)), "{notes:?}");
        // Without values, all rows stay as they are.
        let ups: Vec<String> = steps.iter().map(|step| step.up.clone()).collect();
        let together: String = ups.iter().map(|up| up.replace(" CONCURRENTLY", "")).collect();
        server.fails(&begun_by_hand(&together, dialect));
        same(&server.facts(), &begun, "refused");
        let mut ups = ups;
        ups[0] = filled(&ups[0], "code", dialect).unwrap_or_else(|| panic!("{}", ups[0]));
        run(server, ups.iter());
        same(&server.facts(), &wanted, "up");
        assert_eq!(server.rows("SELECT count(DISTINCT code) FROM orders"), ["2"]);
        run(server, steps.iter().rev().map(|step| &step.down));
        same(&server.facts(), &begun, "down");
    }
}

/// What was in a column is gone with it, so that its way back has a place for values, too.
fn the_way_back_of_a_column_has_a_place(server: &Server, dialect: Database) {
    let [with, without] = ["order total:int code:string(..40)", "order total:int"].map(|spec| layout(&[spec], dialect));
    server.empty();
    run(server, migrations(&with).iter().map(|migration| &migration.up));
    let begun = server.facts();
    for number in 0..2 {
        server.run(&format!("INSERT INTO orders (id, total, code) VALUES ({}, 7, 'c');", id(number, dialect)));
    }
    let steps = changes(&kept(&with), &without).unwrap();
    assert!(steps.iter().any(|step| !step.destructive.is_empty()));
    run(server, steps.iter().map(|step| &step.up));
    let downs: Vec<String> = steps.iter().rev().map(|step| step.down.clone()).collect();
    server.fails(&begun_by_hand(&downs.concat(), dialect));
    assert!(downs.iter().any(|down| filled(down, "code", dialect).is_some()), "{downs:?}");
    let downs = downs.into_iter().map(|down| filled(&down, "code", dialect).unwrap_or(down));
    let downs: Vec<String> = downs.collect();
    run(server, downs.iter());
    same(&server.facts(), &begun, "down");
    assert_eq!(server.rows("SELECT count(DISTINCT code) FROM orders"), ["2"]);
}

#[test]
fn postgres_rows_get_values() {
    let server = Server::postgres("values");
    values_have_a_place(&server, Database::Postgres);
    the_way_back_of_a_column_has_a_place(&server, Database::Postgres);
}

#[test]
fn sqlite_rows_get_values() {
    let server = Server::sqlite("values");
    values_have_a_place(&server, Database::Sqlite);
    the_way_back_of_a_column_has_a_place(&server, Database::Sqlite);
}
