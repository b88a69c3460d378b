//! Every pair of types of which one may become the other: rows, rules, defaults and indexes, up and down again.
//! Every other pair is refused, with what to do instead.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use new_service::schema::{Database, Layout, TABLE, changes, migrations};

use super::changes::{from_scratch, kept, layout, run, same};
use super::servers::Server;

/// From, to, and the values: what is there, what it becomes, and what comes back where that is another. Where the
/// databases differ, `PostgreSQL`'s stands before the `|`.
const PAIRS: &[(&str, &str, &[&str])] = &[
    ("string(..20)", "string(1..30)", &["Ada", "x"]),
    ("string", "text", &["Ada", "12"]),
    ("string(..9)", "int", &["7", "-3"]),
    ("string", "bigint(0..)", &["9000000000", "0"]),
    ("string", "decimal(12,2)", &["9.50", "-0.05", "120.00", "7.5=7.50=7.50", "7=7.00=7.00"]),
    ("string", "decimal(9,0)", &["9", "-5"]),
    ("string", "bool", &["true", "false"]),
    ("string(1..40)", "uuid", &["01890000-0000-7000-8000-000000000001"]),
    ("string(1..40)", "ref(person)", &["01890000-0000-7000-8000-000000000001"]),
    ("string", "date", &["2026-01-31", "2024-02-29"]),
    (
        "string",
        "datetime",
        &["2026-01-31T12:30:00.000000Z=2026-01-31T12:30:00|2026-01-31T12:30:00+00:00=2026-01-31T12:30:00"],
    ),
    ("string", "json", &["[1, 2]", "7"]),
    ("string", "email", &["ada@example.org"]),
    ("string", "url", &["https://example.org"]),
    ("string", "enum(draft,paid)", &["draft", "paid"]),
    ("text", "string(..20)", &["Ada", "it's"]),
    ("text", "text", &["Ada"]),
    ("text", "int(0..9)", &["7"]),
    ("text", "bigint", &["-9000000000"]),
    ("text", "decimal(18,4)", &["99999999999999.9999", "-0.0001"]),
    ("text", "bool", &["false"]),
    ("text", "uuid", &["01890000-0000-7000-8000-000000000001"]),
    ("text", "ref(person)", &["01890000-0000-7000-8000-000000000001"]),
    ("text", "date", &["2026-01-31"]),
    (
        "text",
        "datetime",
        &["2026-01-31T12:30:00.000000Z=2026-01-31T12:30:00|2026-01-31T12:30:00.250+00:00=2026-01-31T12:30:00"],
    ),
    ("text", "json", &["{\"n\": 1}", "null"]),
    ("text", "email", &["ada@example.org"]),
    ("text", "url", &["https://example.org"]),
    ("text", "enum(a,b)", &["a", "b"]),
    ("int", "string(1..11)", &["7", "-2147483648"]),
    ("int", "text", &["7"]),
    ("int(0..9)", "int(-5..100)", &["7", "0"]),
    ("int", "bigint", &["7", "-2147483648"]),
    ("int", "decimal(12,2)", &["7=7.00", "-3=-3.00"]),
    ("int", "decimal(12,0)", &["7", "-3"]),
    ("int", "bool", &["7=true=1", "0=false=0", "1=true"]),
    ("bigint", "string", &["-9223372036854775808"]),
    ("bigint", "text", &["9000000000"]),
    ("bigint(0..)", "int(0..)", &["7", "2147483647"]),
    ("bigint", "bigint(0..)", &["7", "9000000000"]),
    ("bigint", "decimal(18,1)", &["9000000000=9000000000.0"]),
    ("bigint", "bool", &["9000000000=true=1", "0=false"]),
    ("decimal(12,2)", "string(..20)", &["9.50", "-0.05", "0.00", "-120.07"]),
    ("decimal(12,2)", "text", &["9.50"]),
    ("decimal(12,2)", "int", &["9.49=9=9.00", "9.50=10=10.00", "-9.50=-10=-10.00", "-0.05=0=0.00"]),
    ("decimal(12,2)", "bigint", &["9999999999.49=9999999999=9999999999.00"]),
    ("decimal(12,2)", "decimal(14,3)", &["9.50=9.500", "-0.05=-0.050"]),
    ("decimal(12,2)", "decimal(12,1)", &["9.45=9.5=9.50", "-9.44=-9.4=-9.40"]),
    ("decimal(12,2)", "decimal(6,2)", &["9.50"]),
    ("decimal(9,0)", "bool", &["5=true=1", "0=false"]),
    ("bool", "string(..5)", &["true", "false"]),
    ("bool", "text", &["true"]),
    ("bool", "int", &["true=1", "false=0"]),
    ("bool", "bigint(0..1)", &["true=1", "false=0"]),
    ("bool", "decimal(3,0)", &["true=1", "false=0"]),
    ("bool", "bool", &["true"]),
    ("uuid", "string(36..36)", &["01890000-0000-7000-8000-000000000001"]),
    ("uuid", "text", &["01890000-0000-7000-8000-000000000001"]),
    ("uuid", "uuid", &["01890000-0000-7000-8000-000000000001"]),
    ("uuid", "ref(person)", &["01890000-0000-7000-8000-000000000001"]),
    ("date", "string(..10)", &["2026-01-31", "2024-02-29"]),
    ("date", "text", &["2026-01-31"]),
    ("date", "date", &["2026-01-31"]),
    ("date", "datetime", &["2026-01-31=2026-01-31T00:00:00"]),
    (
        "datetime",
        "string",
        &["2026-01-31T12:30:00=2026-01-31T12:30:00.000000Z|2026-01-31T12:30:00=2026-01-31T12:30:00+00:00"],
    ),
    (
        "datetime",
        "text",
        &["2026-01-31T23:30:00=2026-01-31T23:30:00.000000Z|2026-01-31T23:30:00=2026-01-31T23:30:00+00:00"],
    ),
    (
        "datetime",
        "date",
        &["2026-01-31T23:30:00=2026-01-31=2026-01-31T00:00:00", "2026-01-31T00:30:00=2026-01-31=2026-01-31T00:00:00"],
    ),
    ("datetime", "datetime", &["2026-01-31T12:30:00"]),
    ("json", "string", &["[1, 2]"]),
    ("json", "text", &["{\"n\": 1}", "null"]),
    ("json", "json", &["[1, 2]"]),
    ("email", "string(..20)", &["ada@example.org"]),
    ("email", "text", &["ada@example.org"]),
    ("email", "email", &["ada@example.org"]),
    ("email", "url", &["ada@example.org"]),
    ("email", "enum(a,b)", &[]),
    ("url", "string", &["https://example.org"]),
    ("url", "text", &["https://example.org"]),
    ("url", "email", &["https://example.org"]),
    ("url", "url", &["https://example.org"]),
    ("url", "enum(a,b)", &[]),
    ("enum(draft,paid)", "string(..5)", &["draft", "paid"]),
    ("enum(draft,paid)", "text", &["draft", "paid"]),
    ("enum(draft,paid)", "email", &["draft"]),
    ("enum(draft_long,paid)", "url", &["draft_long"]),
    ("enum(draft,paid)", "enum(paid,sent)", &["paid"]),
    ("ref(person)", "string(36..36)", &["01890000-0000-7000-8000-000000000001"]),
    ("ref(person)", "text", &["01890000-0000-7000-8000-000000000001"]),
    ("ref(person)", "uuid", &["01890000-0000-7000-8000-000000000001"]),
    ("ref(person)", "ref(account)", &["01890000-0000-7000-8000-000000000001"]),
];

fn word(spec: &str) -> &str {
    spec.split('(').next().unwrap()
}

fn is_allowed(from: &str, to: &str, dialect: Database) -> bool {
    let field = |kind: &str| format!("order x:{kind}?");
    let others = ["person name:string", "account name:string"];
    let [from, to] = [from, to].map(|kind| layout(&[others[0], others[1], &field(kind)], dialect));
    changes(&kept(&from), &to).is_ok()
}

/// The pairs that a database has, with the values that are its own: before, after, and back again.
fn pairs(dialect: Database) -> Vec<(String, &'static str, &'static str, Vec<[&'static str; 3]>)> {
    let mut all = Vec::new();
    for (number, (from, to, values)) in PAIRS.iter().enumerate() {
        if dialect == Database::Sqlite && !is_allowed(from, to, dialect) {
            continue;
        }
        let values = values.iter().map(|value| {
            let (postgres, sqlite) = value.split_once('|').unwrap_or((value, value));
            let parts: Vec<&str> = if dialect == Database::Postgres { postgres } else { sqlite }.split('=').collect();
            match parts[..] {
                [same] => [same; 3],
                [before, after] => [before, after, before],
                [before, after, back] => [before, after, back],
                _ => panic!("{value}"),
            }
        });
        all.push((format!("case_{number}"), *from, *to, values.collect()));
    }
    all
}

/// Whether a row without a value is among them: for `SQLite` before 3.41, NULL is no JSON.
fn may_be_empty(from: &str, to: &str, dialect: Database) -> bool {
    dialect == Database::Postgres || ![from, to].contains(&"json")
}

/// A resource a pair: a value that may be none, and a default under an index, where both types take them.
fn schema(dialect: Database, after: bool) -> Layout {
    let mut specs = vec!["person name:string=x".to_owned(), "account name:string=x".to_owned()];
    for (name, from, to, values) in pairs(dialect) {
        let kind = if after { to } else { from };
        let mut spec = format!("{name} x:{kind}?");
        if let Some([before, now, _]) = values.first()
            && ![from, to].iter().any(|kind| ["ref", "uuid"].contains(&word(kind)))
        {
            // A default is checked for its form, as a row is not.
            let formless = (from, to) != ("email", "url") && from != "url" && !from.starts_with("enum") || to == "text";
            if formless && word(from) != "datetime" && word(to) != "datetime" {
                let value = if after { now } else { before };
                spec = format!("{spec} y:{kind}=\"{}\"", value.replace('"', "\\\""));
                let indexed = |kind: &str| !["text", "json", "url"].contains(&word(kind));
                spec.push_str(if indexed(kind) { ":index" } else { "" });
            }
        }
        specs.push(spec);
    }
    layout(&specs.iter().map(String::as_str).collect::<Vec<_>>(), dialect)
}

fn literal(kind: &str, value: &str, dialect: Database) -> String {
    let text = || format!("'{}'", value.replace('\'', "''"));
    match (word(kind), dialect) {
        ("uuid" | "ref", Database::Sqlite) => format!("x'{}'", value.replace('-', "")),
        ("datetime", Database::Postgres) => format!("'{value}Z'"),
        ("datetime", Database::Sqlite) => format!("'{value}+00:00'"),
        ("bool" | "int" | "bigint", _) => value.to_owned(),
        ("decimal", Database::Sqlite) => value.replace('.', "").parse::<i64>().unwrap().to_string(),
        _ => text(),
    }
}

/// The column as a text, in the form that [`PAIRS`] has.
fn shown(kind: &str, column: &str, dialect: Database) -> String {
    let scale: usize =
        kind.split_once(',').map_or(0, |(_, scale)| scale.trim_end_matches(')').parse().unwrap_or_default());
    match (word(kind), dialect) {
        ("datetime", Database::Postgres) => {
            format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')")
        }
        ("date", Database::Postgres) => format!("to_char({column}, 'YYYY-MM-DD')"),
        ("datetime", Database::Sqlite) => format!("substr({column}, 1, 19)"),
        ("uuid" | "ref", Database::Sqlite) => format!(
            "lower(substr(hex({column}), 1, 8) || '-' || substr(hex({column}), 9, 4) || '-' || substr(hex({column}), 13, 4) \
             || '-' || substr(hex({column}), 17, 4) || '-' || substr(hex({column}), 21))"
        ),
        ("bool", Database::Sqlite) => {
            format!("CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'no bool' END")
        }
        ("decimal", Database::Sqlite) if scale > 0 => format!(
            "printf('%s%d.%0{scale}d', CASE WHEN {column} < 0 THEN '-' ELSE '' END, abs({column}) / 1{zeros}, abs({column}) % 1{zeros})",
            zeros = "0".repeat(scale)
        ),
        (_, Database::Postgres) => format!("{column}::text"),
        // What is no text, though it looks like one, is shown otherwise.
        ("int" | "bigint" | "decimal", _) => {
            format!("CASE typeof({column}) WHEN 'integer' THEN {column} ELSE 'no number' END")
        }
        _ => format!("CASE typeof({column}) WHEN 'text' THEN {column} ELSE 'no text' END"),
    }
}

fn column(kind: &str) -> &'static str {
    if word(kind) == "ref" { "x_id" } else { "x" }
}

/// What the rows of all pairs hold, by the name of the pair.
fn held(server: &Server, dialect: Database, after: bool) -> BTreeMap<String, Vec<String>> {
    let queries: Vec<String> = pairs(dialect)
        .into_iter()
        .filter(|(_, _, _, values)| !values.is_empty())
        .map(|(name, from, to, _)| {
            let kind = if after { to } else { from };
            let shown = shown(kind, column(kind), dialect);
            let shown = format!("CASE WHEN {} IS NULL THEN 'NULL' ELSE {shown} END", column(kind));
            format!("SELECT '{name}#' || id || '#' || {shown} FROM {name}s")
                .replace("|| id ||", if dialect == Database::Postgres { "|| id ||" } else { "|| hex(id) ||" })
        })
        .collect();
    let mut held = BTreeMap::<String, Vec<String>>::new();
    let mut lines: Vec<String> = Vec::new();
    // A compound query of SQLite has up to 500 parts.
    for queries in queries.chunks(100) {
        lines.extend(server.rows(&queries.join(" UNION ALL ")));
    }
    lines.sort();
    for line in lines {
        let (name, rest) = line.split_once('#').unwrap();
        held.entry(name.to_owned()).or_default().push(rest.split_once('#').unwrap().1.to_owned());
    }
    held
}

fn every_pair(server: &Server, dialect: Database) {
    let (before, after) = (schema(dialect, false), schema(dialect, true));
    let wanted = from_scratch(server, &after);
    let begun = from_scratch(server, &before);
    let id = |number: usize| literal("uuid", &format!("01890000-0000-7000-8000-{number:012x}"), dialect);
    let mut rows = String::new();
    for table in ["people", "accounts"] {
        let _ = writeln!(rows, "INSERT INTO {table} (id) VALUES ({});", id(1));
    }
    for (name, from, to, values) in pairs(dialect) {
        for (number, [value, ..]) in values.iter().enumerate() {
            let (column, value) = (column(from), literal(from, value, dialect));
            let _ = writeln!(rows, "INSERT INTO {name}s (id, {column}) VALUES ({}, {value});", id(number + 1));
        }
        if !values.is_empty() && may_be_empty(from, to, dialect) {
            let _ = writeln!(rows, "INSERT INTO {name}s (id) VALUES ({});", id(values.len() + 1));
        }
    }
    server.run(&rows);
    let expected = |at: usize| -> BTreeMap<String, Vec<String>> {
        let of = |from: &str, to: &str, values: &[[&str; 3]]| {
            let shown = values.iter().map(|value| value[at].to_owned());
            shown.chain(may_be_empty(from, to, dialect).then(|| "NULL".to_owned())).collect()
        };
        let all = pairs(dialect).into_iter().filter(|(_, _, _, values)| !values.is_empty());
        all.map(|(name, from, to, values)| (name, of(from, to, &values))).collect()
    };
    assert_eq!(held(server, dialect, false), expected(0));
    let steps = changes(&kept(&before), &after).unwrap();
    // Together, for speed; but what one sets for its transaction is none of the others'.
    let alone = |sql: &String| {
        let begins = sql.starts_with("-- no-transaction") || dialect == Database::Sqlite;
        let defaults = if begins { "" } else { "SET LOCAL timezone TO DEFAULT;\nSET LOCAL datestyle TO DEFAULT;\n" };
        format!("{defaults}{sql}")
    };
    let ups: Vec<String> = steps.iter().map(|step| alone(&step.up)).collect();
    let downs: Vec<String> = steps.iter().rev().map(|step| alone(&step.down)).collect();
    run(server, ups.iter());
    assert_eq!(held(server, dialect, true), expected(1), "up");
    same(&server.facts(), &wanted, "up");
    run(server, downs.iter());
    assert_eq!(held(server, dialect, false), expected(2), "down");
    same(&server.facts(), &begun, "down");
    run(server, ups.iter());
    same(&server.facts(), &wanted, "up again");
}

/// The pairs above are all that there are.
fn others_are_refused(dialect: Database) {
    let proved: BTreeSet<(&str, &str)> = PAIRS.iter().map(|(from, to, _)| (word(from), word(to))).collect();
    let forms: Vec<String> = TABLE.iter().map(|facts| facts.form.replace("ref(user)", "ref(person)")).collect();
    let (mut allowed, mut refused) = (0, 0);
    for from in &forms {
        for to in &forms {
            let field = |kind: &str| format!("order x:{kind}?");
            let [one, other] = [from, to].map(|kind| layout(&["person name:string", &field(kind)], dialect));
            let pair = (word(from), word(to));
            match changes(&kept(&one), &other) {
                Ok(_) => {
                    assert!(proved.contains(&pair), "{from} to {to} is not proved");
                    allowed += 1;
                }
                Err(faults) => {
                    let column = column(to);
                    let said = faults.to_string();
                    assert!(said.contains(&format!("orders.{column}: {from} cannot become {to}\n")), "{said}");
                    assert!(said.contains("add a field of the new type"), "{said}");
                    // A decimal without a fraction is a whole number, and SQLite comes to no uuid.
                    let id = [pair.0, pair.1].iter().any(|kind| ["uuid", "ref"].contains(kind));
                    let whole = [pair.0, pair.1].contains(&"decimal") && [pair.0, pair.1].contains(&"bool");
                    assert!(!proved.contains(&pair) || whole || (id && dialect == Database::Sqlite), "{from} to {to}");
                    refused += 1;
                }
            }
        }
    }
    let expected = if dialect == Database::Postgres { (84, 112) } else { (76, 120) };
    assert_eq!((allowed, refused), expected);
}

/// A row that holds no such value stops the migration, and stays.
fn what_cannot_be_read_is_refused(server: &Server, dialect: Database) {
    for (from, value, to, told) in [
        ("string", "abc", "int", "no int"),
        ("string", "1.5", "bigint", "no bigint"),
        ("string", "007x", "decimal(9,0)", "no decimal"),
        ("string", "9.5.0", "decimal(12,2)", "no decimal"),
        ("string", "maybe", "bool", "no bool"),
        ("string", "01/02/2026", "date", "no date"),
        ("string", "2026-02-30", "date", "no date"),
        ("string", "01/02/2026 12:00", "datetime", "no datetime"),
        ("string", "{", "json", "no json"),
        ("string", "7.255", "decimal(12,2)", "no decimal"),
        ("string", "today", "date", "no date"),
        ("string", "now", "datetime", "no datetime"),
        ("string", "yes", "bool", "no bool"),
        ("string(..20)", "0123456789x", "string(..10)", "orders_x_check"),
        ("text", "sent", "enum(draft,paid)", "orders_x_check"),
        ("enum(draft,sent)", "sent", "enum(draft,paid)", "orders_x_check"),
        ("bigint", "3000000000", "int", "orders_x_check"),
        ("int", "11", "int(0..10)", "orders_x_check"),
        ("decimal(12,2)", "1000.00", "decimal(5,2)", "orders_x_check"),
        ("int", "1000", "decimal(5,2)", "orders_x_check"),
        ("uuid", "01890000-0000-7000-8000-000000000002", "ref(person)", ""),
    ] {
        let field = |kind: &str| format!("order x:{kind}?");
        let [one, other] = [from, to].map(|kind| layout(&["person name:string", &field(kind)], dialect));
        server.empty();
        run(server, migrations(&one).iter().map(|migration| &migration.up));
        let id = literal("uuid", "01890000-0000-7000-8000-000000000001", dialect);
        server.run(&format!("INSERT INTO orders (id, x) VALUES ({id}, {});", literal(from, value, dialect)));
        let steps = changes(&kept(&one), &other).unwrap();
        let destructive: Vec<&String> = steps.iter().flat_map(|step| &step.destructive).collect();
        assert!(!destructive.is_empty(), "{from} to {to} has to be wished");
        // SQLite looks at references when it is told to, which the service does.
        let look = if dialect == Database::Sqlite {
            "CREATE TEMP TABLE bad (n CHECK (n = 0)); INSERT INTO bad SELECT count(*) FROM pragma_foreign_key_check;"
        } else {
            ""
        };
        let all: String = steps.iter().map(|step| step.up.as_str()).chain([look]).collect();
        let said = server.fails(&all);
        let id = "01890000-0000-7000-8000-000000000001";
        let told = match dialect {
            Database::Sqlite if told.starts_with("no ") => {
                format!("orders.x: no {to} in the rows with id {}", id.replace('-', ""))
            }
            Database::Postgres if !told.is_empty() => format!("orders.x: no {to} in the rows with id {id}"),
            _ => told.to_owned(),
        };
        assert!(said.contains(&told), "{from} to {to}: {said}");
    }
}

#[test]
fn postgres_casts_every_pair_that_it_may() {
    let server = Server::postgres("casts");
    // No migration may depend on what the session thinks of time.
    server.session("timezone = 'Pacific/Kiritimati'");
    server.session("datestyle = 'SQL, DMY'");
    every_pair(&server, Database::Postgres);
    others_are_refused(Database::Postgres);
}

#[test]
fn sqlite_casts_every_pair_that_it_may() {
    every_pair(&Server::sqlite("casts"), Database::Sqlite);
    others_are_refused(Database::Sqlite);
}

#[test]
fn postgres_refuses_rows_that_it_cannot_cast() {
    what_cannot_be_read_is_refused(&Server::postgres("refused"), Database::Postgres);
}

#[test]
fn sqlite_refuses_rows_that_it_cannot_cast() {
    what_cannot_be_read_is_refused(&Server::sqlite("refused"), Database::Sqlite);
}
