//! Choices and tables that get another name keep their rows, and their meaning, up and down.

use new_service::schema::{Database, Layout, changes};

use super::changes::{from_scratch, kept, layout, run, same};
use super::servers::Server;

fn id(dialect: Database, number: usize) -> String {
    let digits = format!("0189000000007000800000000000000{number}");
    if dialect == Database::Postgres { format!("'{digits}'") } else { format!("x'{digits}'") }
}

fn steps(old: &Layout, new: &Layout) -> (Vec<String>, Vec<String>, Vec<String>) {
    let steps = changes(&kept(old), new).unwrap();
    assert!(steps.iter().all(|step| step.destructive.is_empty()), "{steps:?}");
    (
        steps.iter().map(|step| step.up.clone()).collect(),
        steps.iter().rev().map(|step| step.down.clone()).collect(),
        steps.iter().flat_map(|step| step.notes.clone()).collect(),
    )
}

fn a_choice_that_is_renamed_keeps_its_rows(server: &Server, dialect: Database) {
    let [before, after, later] = [
        "order status:enum(draft,paid,void)=paid:index note:string?",
        "order status:enum(draft,settled:was=paid,gone:was=void)=settled:index note:string?",
        "order status:enum(draft,settled,gone,void)=settled:index note:string?",
    ]
    .map(|spec| layout(&[spec], dialect));
    let wanted = from_scratch(server, &after);
    let begun = from_scratch(server, &before);
    for (number, status) in ["'draft'", "'paid'", "'paid'", "'void'"].iter().enumerate() {
        server.run(&format!("INSERT INTO orders (id, status) VALUES ({}, {status});", id(dialect, number)));
    }
    let held = || server.rows("SELECT status FROM orders ORDER BY id");
    let (ups, downs, notes) = steps(&before, &after);
    assert!(notes[0].contains("the choice paid of orders.status to settled"), "{notes:?}");
    run(server, ups.iter());
    same(&server.facts(), &wanted, "up");
    assert_eq!(held(), ["draft", "settled", "settled", "gone"]);
    run(server, downs.iter());
    same(&server.facts(), &begun, "down");
    assert_eq!(held(), ["draft", "paid", "paid", "void"]);
    run(server, ups.iter());
    assert_eq!(held(), ["draft", "settled", "settled", "gone"]);
    // An old name is free for a choice of its own, once the rename is carried out.
    let (ups, ..) = steps(&after, &later);
    run(server, ups.iter());
    server.run(&format!("INSERT INTO orders (id, status) VALUES ({}, 'void');", id(dialect, 9)));
    assert_eq!(held(), ["draft", "settled", "settled", "gone", "void"]);
}

#[test]
fn postgres_keeps_the_rows_of_a_choice() {
    a_choice_that_is_renamed_keeps_its_rows(&Server::postgres("choices"), Database::Postgres);
}

#[test]
fn sqlite_keeps_the_rows_of_a_choice() {
    a_choice_that_is_renamed_keeps_its_rows(&Server::sqlite("choices"), Database::Sqlite);
}
