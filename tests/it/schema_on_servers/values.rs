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
    let values = values.replace(&format!("coalesce({column}, 'x')"), column);
    let columns = into.split_once('(')?.1.trim_end_matches(')').split(", ");
    let values = columns.zip(values.split(", ")).map(|(name, value)| if name == column { "hex(id)" } else { value });
    Some(format!("{head}INSERT INTO _rebuild_{into}\nSELECT {}\nFROM{rest}", values.collect::<Vec<_>>().join(", ")))
}

/// In a transaction, which ends with the connection.
fn begun_by_hand(sql: &str, dialect: Database) -> String {
    if dialect == Database::Sqlite { format!("BEGIN;\n{sql}") } else { sql.to_owned() }
}

fn values_have_a_place(server: &Server, dialect: Database) {
    let empty = "order total:int code:string(..40)?:unique";
    for (none, spec, is_told) in [
        (
            "order total:int",
            "order total:int code:string(..40)=x:unique",
            "orders.code is unique, and all rows that are",
        ),
        ("order total:int", "order total:int code:string(..40)", "orders.code may not be empty"),
        (empty, "order total:int code:string(..40)=x:unique", "orders.code is unique, and all rows without a value"),
        (empty, "order total:int code:string(..40):unique", "orders.code may not be empty"),
    ] {
        let none = layout(&[none], dialect);
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
fn the_way_back_of_a_column_has_a_place(server: &Server, dialect: Database, with: &str) {
    let [with, without] = [with, "order total:int"].map(|spec| layout(&[spec], dialect));
    server.empty();
    run(server, migrations(&with).iter().map(|migration| &migration.up));
    let begun = server.facts();
    for number in 0..2 {
        server.run(&format!("INSERT INTO orders (id, total, code) VALUES ({}, 7, 'c{number}');", id(number, dialect)));
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

/// A cast that makes several values one is refused by a rule that was there before.
fn values_that_become_one_are_announced(server: &Server, dialect: Database) {
    let [before, after] = ["order x:int:unique", "order x:bool:unique"].map(|spec| layout(&[spec], dialect));
    server.empty();
    run(server, migrations(&before).iter().map(|migration| &migration.up));
    for number in 0..2 {
        server.run(&format!("INSERT INTO orders (id, x) VALUES ({}, {});", id(number, dialect), number + 1));
    }
    let steps = changes(&kept(&before), &after).unwrap();
    let up: String = steps.iter().map(|step| step.up.as_str()).collect();
    server.fails(&begun_by_hand(&up, dialect));
    let notes: Vec<&String> = steps.iter().flat_map(|step| &step.notes).collect();
    assert!(notes.iter().any(|note| *note == "orders: rows that share x make the migration fail"), "{notes:?}");
}

/// What rows may not hold to is told before; and the way back of its opposite changes nothing where they do not.
fn narrower_models_are_announced(server: &Server, dialect: Database) {
    let cents = if dialect == Database::Postgres { "1234.56" } else { "123456" };
    for (wide, narrow, value, said) in [
        (
            "string(..40)",
            "string(..3)",
            "'long'",
            "orders.x becomes string(..3): rows with more than 3 characters make the",
        ),
        (
            "string(..40)",
            "string(2..40)",
            "'l'",
            "orders.x becomes string(2..40): rows with less than 2 characters make",
        ),
        ("int", "int(0..9)", "77", "orders.x becomes int(0..9): rows with a number that is not from 0 to 9 make"),
        (
            "decimal(12,2)",
            "decimal(4,2)",
            cents,
            "orders.x becomes decimal(4,2): rows with more before the point than 99",
        ),
        ("enum(a,b)", "enum(a)", "'b'", "orders.x becomes enum(a): rows with b make the migration fail"),
        ("int", "int:unique", "7", "orders: rows that share x make the migration fail"),
        ("int?", "int", "NULL", "orders.x may not be empty and has no default"),
    ] {
        let [wide, narrow] = [wide, narrow].map(|spec| layout(&[&format!("order x:{spec}")], dialect));
        let insert = || {
            for number in 0..2 {
                server.run(&format!("INSERT INTO orders (id, x) VALUES ({}, {value});", id(number, dialect)));
            }
        };
        let refuses = |sqls: Vec<&String>| {
            let all: String = sqls.into_iter().map(|sql| sql.replace(" CONCURRENTLY", "")).collect();
            let begun = (server.facts(), server.contents());
            server.fails(&begun_by_hand(&all, dialect));
            assert_eq!((server.facts(), server.contents()), begun, "{said}");
        };
        from_scratch(server, &wide);
        insert();
        let steps = changes(&kept(&wide), &narrow).unwrap();
        let told: Vec<&String> = steps.iter().flat_map(|step| step.destructive.iter().chain(&step.notes)).collect();
        assert!(told.iter().any(|line| line.contains(said)), "{said}: {told:?}");
        refuses(steps.iter().map(|step| &step.up).collect());

        from_scratch(server, &narrow);
        let steps = changes(&kept(&narrow), &wide).unwrap();
        run(server, steps.iter().map(|step| &step.up));
        insert();
        refuses(steps.iter().rev().map(|step| &step.down).collect());
    }
}

/// Nobody is asked before a way back runs: its file says what it loses.
fn a_way_back_says_what_it_loses(dialect: Database) {
    let downs = |from: &str, to: &str| {
        let steps = changes(&kept(&layout(&[from], dialect)), &layout(&[to], dialect)).unwrap();
        steps.iter().map(|step| step.down.clone()).collect::<String>()
    };
    for (from, to, said) in [
        (
            "order x:decimal(12,2)",
            "order x:decimal(14,3)",
            "-- orders.x becomes decimal(12,2), and loses digits after the point: it has 3, and keeps 2",
        ),
        ("order x:date", "order x:datetime", "-- orders.x becomes date, and loses the time of the day"),
        ("order a:date", "order x:datetime:was=a", "-- orders.x becomes date, and loses the time of the day"),
    ] {
        let down = downs(from, to);
        assert!(down.contains(said), "{down}");
        assert!(!downs(to, &from.replace(" a:", " x:")).contains("loses"), "{from}");
    }
}

#[test]
fn postgres_rows_get_values() {
    let server = Server::postgres("values");
    values_have_a_place(&server, Database::Postgres);
    for with in BACK {
        the_way_back_of_a_column_has_a_place(&server, Database::Postgres, with);
    }
    values_that_become_one_are_announced(&server, Database::Postgres);
    narrower_models_are_announced(&server, Database::Postgres);
    a_way_back_says_what_it_loses(Database::Postgres);
}

const BACK: [&str; 2] = ["order total:int code:string(..40)", "order total:int code:string(..40)=x:unique"];

#[test]
fn sqlite_rows_get_values() {
    let server = Server::sqlite("values");
    values_have_a_place(&server, Database::Sqlite);
    for with in BACK {
        the_way_back_of_a_column_has_a_place(&server, Database::Sqlite, with);
    }
    values_that_become_one_are_announced(&server, Database::Sqlite);
    narrower_models_are_announced(&server, Database::Sqlite);
    a_way_back_says_what_it_loses(Database::Sqlite);
}
