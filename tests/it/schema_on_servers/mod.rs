//! What we write about a schema is what real servers and sqlx itself make of it.
//!
//! Run by `scripts/with-servers`, which sets `DATABASE_URL` and ends what it starts; without a server
//! it fails. The queries are compiled by sqlx's macros, in the place of a snapshot's code, which then
//! write the data that ours is compared with.

mod beside;
mod branches;
mod casts;
mod changes;
mod forms;
mod histories;
mod hostile;
mod indexes;
mod renames;
mod servers;
mod session;
mod values;
mod words;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use new_service::blueprint::{Blueprint, Drawn, own_tables, resources};
use new_service::pack::{Answers, Dialect, Files, Pack};
use new_service::render::{Tree, render};
use new_service::schema::{Drafts, Model, Table};
use servers::Server;

/// A pack whose one layer is a database, with the tables and the queries to be proved.
fn pack(dialect: &str, queries: &str) -> Arc<Pack> {
    let layer = format!(
        "title = \"x\"\n[database]\ndialect = \"{dialect}\"\nmigrations = \"migrations\"\nqueries = \".sqlx\"\n{}",
        forms::TABLES
    );
    let each = "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\n";
    let files: Files = [
        ("pack.toml", "name = \"proof\"\nversion = \"0.1.0\"\nedition = 2\n"),
        ("layers/database/layer.toml", &layer),
        ("layers/database/files/src/queries.rs", queries),
        ("layers/each/layer.toml", each),
    ]
    .map(|(path, content)| (path.to_owned(), content.as_bytes().to_vec().into()))
    .into();
    Pack::from_files(&files, "proof").unwrap()
}

fn blueprint(pack: &Pack) -> Blueprint {
    let mut drafts = Drafts::default();
    for (number, spec) in (1..).zip(forms::resources()) {
        drafts.flag(number, &spec);
    }
    let resources = resources(drafts, pack).unwrap();
    Blueprint { name: "proof".into(), answers: Answers::default(), resources, drawn: Drawn::at(0) }
}

fn tree(dialect: &str, queries: &str) -> Tree {
    let pack = pack(dialect, queries);
    render(&blueprint(&pack), &pack).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Files below a folder, by the rest of their paths.
fn below(tree: &Tree, folder: &str) -> BTreeMap<String, String> {
    let inside = |path: &str| path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned);
    let text = |content: &[u8]| String::from_utf8(content.to_vec()).unwrap();
    tree.iter().filter_map(|(path, file)| Some((inside(path.as_str())?, text(&file.content)))).collect()
}

/// A Rust file that calls sqlx's macro for each query, with as many arguments as it has parameters.
fn calls(queries: &[String]) -> String {
    let mut text = String::from("#![allow(unused, non_snake_case, clippy::all)]\n");
    for (number, sql) in queries.iter().enumerate() {
        // A macro that makes a record has no name for the field of such a column.
        let (call, argument) = if forms::is_scalar(sql) {
            ("query_scalar", "sqlx::types::Uuid::nil()")
        } else {
            ("query_unchecked", "0_i64")
        };
        let arguments = vec![argument; forms::parameters(sql)].join(", ");
        let _ = writeln!(text, "fn q{number}() {{ let _ = sqlx::{call}!(r##\"{sql}\"##, {arguments}); }}");
    }
    text
}

/// The tables that have every type with every modifier.
fn samples(dialect: Dialect) -> Vec<Table> {
    let pack = pack(if dialect == Dialect::Postgres { "postgres" } else { "sqlite" }, "");
    let own = own_tables(&pack).unwrap();
    let model = Model::new(&own.iter().collect::<Vec<_>>(), &blueprint(&pack).resources);
    ["samples", "probes"].map(|name| model.table(name).unwrap().clone()).into()
}

fn data_is_what_sqlx_writes(dialect: Dialect, server: &Server) {
    let queries = forms::queries(dialect, &samples(dialect).iter().collect::<Vec<_>>());
    let text = calls(&queries);
    let tree = tree(server.dialect(), &text);
    let ups = below(&tree, "migrations").into_iter().filter(|(path, _)| path.ends_with(".up.sql"));
    ups.for_each(|(_, sql)| server.run(&sql));
    let theirs = server.prepare(&text);
    let ours = below(&tree, ".sqlx");
    let mut wrong = String::new();
    for (name, theirs) in &theirs {
        if ours.get(name) != Some(theirs) {
            let ours = ours.get(name).map_or("nothing", String::as_str);
            let _ = writeln!(wrong, "\n{}", difference(theirs, ours));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(ours.len(), theirs.len(), "one file a query");
    assert_eq!(theirs.len(), queries.iter().collect::<std::collections::BTreeSet<_>>().len(), "sqlx wrote them all");
}

/// The query, and the lines that differ.
fn difference(theirs: &str, ours: &str) -> String {
    let query = theirs.lines().nth(2).unwrap_or_default();
    let (mut theirs, mut ours) = (theirs.lines(), ours.lines());
    let mut all = query.to_owned();
    loop {
        match (theirs.next(), ours.next()) {
            (None, None) => return all,
            (theirs, ours) if theirs == ours => {}
            (theirs, ours) => {
                let _ = write!(all, "\n  sqlx: {}\n  ours: {}", theirs.unwrap_or_default(), ours.unwrap_or_default());
            }
        }
    }
}

fn up_down_up_ends_the_same(server: &Server) {
    let files = below(&tree(server.dialect(), ""), "migrations");
    let run = |ending: &str, back: bool| {
        let mut steps: Vec<&String> =
            files.iter().filter(|(path, _)| path.ends_with(ending)).map(|(_, sql)| sql).collect();
        if back {
            steps.reverse();
        }
        for sql in steps {
            server.run(sql);
        }
    };
    let empty = server.dump();
    run(".up.sql", false);
    let first = server.dump();
    assert!(first.len() > empty.len() + 5000, "{first}");
    run(".down.sql", true);
    assert_eq!(server.dump(), empty, "nothing is left");
    run(".up.sql", false);
    assert_eq!(server.dump(), first);
}

#[test]
fn postgres_data_is_what_sqlx_writes() {
    data_is_what_sqlx_writes(Dialect::Postgres, &Server::postgres("data"));
}

#[test]
fn sqlite_data_is_what_sqlx_writes() {
    data_is_what_sqlx_writes(Dialect::Sqlite, &Server::sqlite("data"));
}

#[test]
fn postgres_migrations_go_up_down_and_up_again() {
    up_down_up_ends_the_same(&Server::postgres("steps"));
}

#[test]
fn sqlite_migrations_go_up_down_and_up_again() {
    up_down_up_ends_the_same(&Server::sqlite("steps"));
}
