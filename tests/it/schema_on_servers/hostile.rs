//! Texts that look like a value of another type, and those that are one: which a cast takes, and which stop it.

use new_service::schema::{Database, changes};

use super::changes::{kept, layout};
use super::servers::Server;

const TEXTS: &[&str] = &[
    "",
    " ",
    "0",
    "1",
    "7",
    "-3",
    "+7",
    "-0",
    "007",
    " 7",
    "7 ",
    "7\n",
    "7\t",
    "0x1f",
    "0b1",
    "1e5",
    "1_000",
    "1,000",
    "７",
    "٧",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999999999",
    "7.",
    ".5",
    "7.5",
    "7.50",
    "7.255",
    "-0.05",
    "-0.00",
    "9.5.0",
    "7,50",
    "NaN",
    "nan",
    "Infinity",
    "-inf",
    "12345678901.00",
    "true",
    "false",
    "TRUE",
    "t",
    "yes",
    "on",
    "off",
    "True ",
    "today",
    "now",
    "epoch",
    "yesterday",
    "infinity",
    "allballs",
    "2026-01-31",
    "2024-02-29",
    "2026-02-29",
    "2026-02-30",
    "2026-13-01",
    "2026-00-10",
    "2026-01-00",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "-2026-01-31",
    "2026-1-31",
    "20260131",
    "01/02/2026",
    "Jan 31 2026",
    "2026-01-31 BC",
    "2026-01-31 ",
    "2026-031",
    "2026-W05-6",
    "J2451187",
    "2026-01-31T12:30:00Z",
    "2026-01-31T12:30:00+00:00",
    "2026-01-31T12:30:00.250Z",
    "2026-01-31T12:30:00.123456+00:00",
    "2026-01-31T12:30:00.1234567Z",
    "2026-01-31T12:30:00",
    "2026-01-31 12:30:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T23:59:60Z",
    "2026-01-31T12:60:00Z",
    "2026-02-30T12:30:00Z",
    "2026-01-31T12:30Z",
    "2026-01-31T12:30:00z",
    "2026-01-31T12:30:00 Europe/Berlin",
    "2026-01-31T12:30:00-24:00",
    "now()",
    "2026-01-31T99:99:99+00:00",
    "01890000-0000-7000-8000-000000000001",
    "01890000-0000-7000-8000-00000000000A",
    "{01890000-0000-7000-8000-000000000001}",
    "01890000000070008000000000000001",
    "0189-0000-0000-7000-8000-0000-0000-0001",
    "{",
    "{}",
    "[1, 2]",
    "null",
    "\"x\"",
    "{\"a\":1}",
    "{'a':1}",
    "[1,]",
    "01",
    "\u{200f}7",
    "'; DROP TABLE orders; --",
];

/// What is taken of them. JSON is judged by the databases themselves, which differ in what a number is.
const TAKEN: &[(&str, &[&str])] = &[
    ("int", &["0", "1", "7", "-3", "20260131"]),
    ("int(0..5)", &["0", "1"]),
    ("bigint", &["0", "1", "7", "-3", "20260131", "2147483648", "-2147483649", "9223372036854775807"]),
    ("decimal(9,0)", &["0", "1", "7", "-3", "20260131"]),
    ("decimal(12,2)", &["0", "1", "7", "-3", "7.5", "7.50", "-0.05", "20260131", "2147483648", "-2147483649"]),
    ("decimal(3,3)", &["0", "-0.05"]),
    ("bool", &["true", "false"]),
    ("date", &["2026-01-31", "2024-02-29", "0001-01-01", "9999-12-31"]),
    (
        "datetime",
        &[
            "2026-01-31T12:30:00Z",
            "2026-01-31T12:30:00+00:00",
            "2026-01-31T12:30:00.250Z",
            "2026-01-31T12:30:00.123456+00:00",
        ],
    ),
    ("uuid", &["01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-00000000000A"]),
];

/// The texts that the drawn migration takes, by the predicate that stands in it.
fn taken(server: &Server, to: &str, dialect: Database) -> Option<Vec<String>> {
    let [before, after] =
        ["text", to].map(|kind| layout(&["person name:string", &format!("order x:{kind}?")], dialect));
    let steps = changes(&kept(&before), &after).ok()?;
    let up: String = steps.iter().map(|step| step.up.as_str()).collect();
    let (begin, end) = match dialect {
        Database::Postgres => (" AND NOT (", ") ORDER BY"),
        Database::Sqlite => (" AND NOT (", ") LIMIT 10"),
    };
    let (before, rest) = up.split_once(begin).unwrap_or_else(|| panic!("{to}: {up}"));
    let (predicate, _) = rest.split_once(end).unwrap();
    let functions =
        before.find("CREATE OR REPLACE FUNCTION").map_or("", |at| &before[at..before.find("LOCK TABLE").unwrap()]);
    server.run(&format!(
        "{functions}DROP TABLE IF EXISTS texts;\nCREATE TABLE texts (x TEXT);\nINSERT INTO texts VALUES {};\n\
         DROP TABLE IF EXISTS taken;\nCREATE TABLE taken AS SELECT x FROM texts WHERE {predicate};\n",
        TEXTS.iter().map(|text| format!("('{}')", text.replace('\'', "''"))).collect::<Vec<_>>().join(", ")
    ));
    Some(server.rows("SELECT x FROM taken"))
}

fn only_exact_values_are_taken(server: &Server, dialect: Database) {
    for (to, expected) in TAKEN {
        let Some(mut taken) = taken(server, to, dialect) else {
            assert_eq!((*to, dialect), ("uuid", Database::Sqlite));
            continue;
        };
        let mut expected: Vec<&str> = expected.to_vec();
        taken.sort();
        expected.sort_unstable();
        assert_eq!(taken, expected, "{to}");
    }
    let json = taken(server, "json", dialect).unwrap();
    for (text, is_json) in [("{", false), ("[1,]", false), ("{'a':1}", false), ("null", true), ("[1, 2]", true)] {
        assert_eq!(json.iter().any(|taken| taken == text), is_json, "{text}");
    }
}

#[test]
fn postgres_takes_exact_values_alone() {
    let server = Server::postgres("hostile");
    server.session("timezone = 'Pacific/Kiritimati'");
    server.session("datestyle = 'SQL, DMY'");
    only_exact_values_are_taken(&server, Database::Postgres);
}

#[test]
fn sqlite_takes_exact_values_alone() {
    only_exact_values_are_taken(&Server::sqlite("hostile"), Database::Sqlite);
}
