//! Offline query data by inference: what is told of a query, and what is said where nothing can be.
//! That it is what sqlx writes is proved on real servers: `tests/schema_on_servers/`.

use new_service::pack::Dialect::{self, Postgres, Sqlite};
use new_service::schema::{Drafts, Model, RustSource, Surroundings, check, query_files};
use serde_json::{Value, json};

fn model() -> Model {
    let mut drafts = Drafts::default();
    let order = "order customer:ref(person) status:enum(draft,paid)=draft note:text? total:decimal(12,2) stock:int \
                 day:date? meta:json? parent:ref(order)?";
    for (number, spec) in (1..).zip(["person name:string email:email:unique nick:text?", order]) {
        drafts.flag(number, spec);
    }
    Model::new(&[], &check(drafts, &Surroundings::default()).unwrap())
}

/// The data of the one query in a Rust file, or what is wrong.
fn data_of(text: &str, dialect: Dialect) -> Result<Value, String> {
    let sources = [RustSource { path: "src/orders/repo.rs", text, from: "pack/repo.rs.tera" }];
    let files = query_files(&sources, &model(), dialect).map_err(|faults| faults.to_string())?;
    assert_eq!(files.len(), 1, "{text}");
    Ok(serde_json::from_str(&files[0].content).unwrap())
}

fn data(sql: &str, dialect: Dialect) -> Result<Value, String> {
    data_of(&format!("fn f() {{ query!(r##\"{sql}\"##) }}"), dialect)
}

#[test]
fn the_file_is_laid_out_as_sqlx_lays_it_out() {
    let text = "fn f() { query!(\"SELECT note FROM orders WHERE id = $1\", id) }";
    let sources = [RustSource { path: "a.rs", text, from: "b" }, RustSource { path: "c.rs", text, from: "d" }];
    let files = query_files(&sources, &model(), Postgres).unwrap();
    assert_eq!(files.len(), 1, "one text, one file");
    let hash = "9d0a0af3a2ee2c28ddab5dbb4c4ac1e66a1d0b2a3b5ffb4bd11a7e6c0f5ed4d0";
    let shown = files[0].content.replace(files[0].name.trim_start_matches("query-").trim_end_matches(".json"), hash);
    assert_eq!(
        shown,
        format!(
            r#"{{
  "db_name": "PostgreSQL",
  "query": "SELECT note FROM orders WHERE id = $1",
  "describe": {{
    "columns": [
      {{
        "ordinal": 0,
        "name": "note",
        "type_info": "Text",
        "origin": {{
          "Table": {{
            "table": "orders",
            "name": "note"
          }}
        }}
      }}
    ],
    "parameters": {{
      "Left": [
        "Uuid"
      ]
    }},
    "nullable": [
      true
    ]
  }},
  "hash": "{hash}"
}}
"#
        )
    );
    let sqlite = query_files(&sources, &model(), Sqlite).unwrap();
    assert!(sqlite[0].content.contains("\"name\": \"note\",\n        \"ordinal\": 0,\n"), "{}", sqlite[0].content);
    assert!(sqlite[0].content.contains("\"Right\": 1"));
}

#[test]
fn parameters_take_the_types_that_they_meet() {
    for (sql, kinds) in [
        ("SELECT id FROM orders WHERE (created_at, id) < ($1, $2) LIMIT $3", &["Timestamptz", "Uuid", "Int8"][..]),
        ("UPDATE orders SET note = coalesce($2, note), stock = stock - $3 WHERE id = $1", &["Uuid", "Text", "Int4"]),
        ("INSERT INTO orders (id, total, day, meta) VALUES ($1, $2, $3, $4)", &["Uuid", "Numeric", "Date", "Jsonb"]),
        ("SELECT id FROM orders WHERE customer_id = ANY($1) AND status <> ALL($2)", &["UuidArray", "TextArray"]),
        (
            "DELETE FROM orders WHERE ($1::text IS NULL OR note = $1) AND stock BETWEEN $2 AND $3",
            &["Text", "Int4", "Int4"],
        ),
        ("INSERT INTO people (id, name) SELECT * FROM UNNEST($1::uuid[], $2::text[])", &["UuidArray", "TextArray"]),
        ("SELECT id FROM orders WHERE created_at > now() - $1::interval AND $2", &["Interval", "Bool"]),
        ("SELECT id FROM orders -- $9\n WHERE note = '$2' AND id = $1 /* $3 */", &["Uuid"]),
    ] {
        assert_eq!(data(sql, Postgres).unwrap()["describe"]["parameters"], json!({ "Left": kinds }), "{sql}");
    }
    let sql = "SELECT id FROM orders WHERE note = ? OR stock = ?3 OR note = '?' -- ?";
    assert_eq!(data(sql, Sqlite).unwrap()["describe"]["parameters"], json!({ "Right": 3 }));
}

#[test]
fn columns_have_names_types_and_whether_they_may_be_empty() {
    let columns = |sql: &str, dialect| {
        let data = data(sql, dialect).unwrap();
        let column = |(column, nullable): (&Value, &Value)| json!([column["name"], column["type_info"], nullable]);
        let describe = &data["describe"];
        let nullable = describe["nullable"].as_array().unwrap();
        json!(describe["columns"].as_array().unwrap().iter().zip(nullable).map(column).collect::<Vec<_>>())
    };
    let sql = "SELECT o.id AS \"id: Id\", count(*), max(stock), p.nick FROM orders o JOIN people p ON TRUE";
    let postgres =
        json!([["id: Id", "Uuid", false], ["count", "Int8", null], ["max", "Int4", null], ["nick", "Text", true]]);
    assert_eq!(columns(sql, Postgres), postgres);
    let sqlite = json!([
        ["id: Id", "Blob", false],
        ["count(*)", "Integer", false],
        ["max(stock)", "Integer", true],
        ["nick", "Text", true]
    ]);
    assert_eq!(columns(sql, Sqlite), sqlite);
    let outer = "SELECT o.id, p.name AS \"name?\" FROM orders o LEFT JOIN people p ON p.id = o.customer_id LIMIT $1";
    assert_eq!(columns(outer, Postgres), json!([["id", "Uuid", false], ["name?", "Text", false]]));
    assert_eq!(columns(outer, Sqlite), json!([["id", "Blob", false], ["name?", "Text", true]]));
    assert_eq!(columns("DELETE FROM orders WHERE id = $1", Postgres), json!([]));
}

#[test]
fn what_cannot_be_told_is_a_fault_at_the_query_that_says_what_to_write() {
    for (dialect, sql, message, help) in [
        (Postgres, "SELECT nam FROM people", "there is no column \"nam\" here (did you mean \"name\"?)", "people"),
        (
            Postgres,
            "SELECT p.nam FROM people p",
            "\"p\" has no column \"nam\" (did you mean \"name\"?)",
            "ends in `_id`",
        ),
        (Postgres, "SELECT x.id FROM people p", "nothing here is called \"x\"", "there is p"),
        (Postgres, "SELECT id FROM persons", "there is no table \"persons\"", "there are people, orders"),
        (Postgres, "SELECT id FROM orders o JOIN people p ON TRUE", "a column of \"o\" and of \"p\"", "write `o.id`"),
        (Postgres, "SELECT id FROM orders WHERE $1 IS NULL OR note = $1", "what type $1 has", "`$1::text`"),
        (Postgres, "SELECT id FROM orders WHERE stock = $2", "what type $1 has", "`$1::text`"),
        (Postgres, "SELECT frobnicate(id) FROM orders", "the function `frobnicate`", "simpler"),
        (Postgres, "SELECT o.id FROM orders o LEFT JOIN people p ON TRUE", "depends on PostgreSQL's plan", "LIMIT 1"),
        (
            Postgres,
            "WITH x AS (SELECT o.id FROM orders o LEFT JOIN people p ON TRUE) SELECT id FROM x",
            "depends on PostgreSQL's plan",
            "LIMIT 1",
        ),
        (Postgres, "SELECT id::money FROM orders", "the type `money`", "cast to one of int2"),
        (Postgres, "INSERT INTO people (id, name) VALUES ($1)", "1 values are given for 2 columns", "id, name"),
        (Postgres, "SELECT 1; SELECT 2", "not one statement", "a query of its own"),
        (Postgres, "SELEC 1", "Expected", "one statement"),
        (Postgres, "LISTEN orders", "neither SELECT, INSERT", "sqlx::query"),
        (Postgres, "SELECT id FROM orders WHERE id = ?", "", ""),
        (Sqlite, "SELECT nam FROM people", "there is no column \"nam\" here (did you mean \"name\"?)", "people"),
        (Sqlite, "SELECT lower(name) AS low FROM people", "the column \"low\" is not known", "a cast"),
        (
            Sqlite,
            "UPDATE orders SET note = 'x' RETURNING note",
            "the column \"note\" is not known",
            "a SELECT of its own",
        ),
        (Sqlite, "UPDATE orders SET parent_id = $1 RETURNING parent_id", "\"parent_id\" is not known", "a SELECT"),
        (Sqlite, "SELECT status, max(stock) FROM orders GROUP BY status", "the column of a group", "two queries"),
    ] {
        let fault = data(sql, dialect).unwrap_err();
        assert!(fault.starts_with("src/orders/repo.rs:1:17: the data of this query cannot be told: "), "{fault}");
        let (said, helped) = fault.split_once("\n  help: ").unwrap();
        assert!(said.contains(message) && helped.contains(help), "{sql}: {fault}");
        assert!(helped.ends_with("; it comes from pack/repo.rs.tera"), "{fault}");
    }
    // All at once, each at its place.
    let text = "fn f() {\n    query!(\"SELECT a FROM people\");\n    query_as!(Row, \"SELECT b FROM people\");\n}";
    let faults = data_of(text, Postgres).unwrap_err();
    assert!(faults.contains("repo.rs:2:12: ") && faults.contains("repo.rs:3:20: "), "{faults}");
}

#[test]
fn a_query_without_end_is_refused_and_not_fallen_over() {
    let sum = |terms: usize| format!("SELECT {} AS n FROM orders", vec!["stock"; terms].join(" + "));
    let deep = |depth: usize| format!("SELECT {}1{} AS n", "(".repeat(depth), ")".repeat(depth));
    for dialect in [Postgres, Sqlite] {
        assert!(data(&sum(400), dialect).is_ok());
        assert!(data(&sum(100_000), dialect).unwrap_err().contains("more than 400 operators"));
        assert!(data(&deep(10), dialect).is_ok());
        assert!(data(&deep(100_000), dialect).unwrap_err().contains("cannot be told"));
        assert!(data(&format!("SELECT {} 1", "NOT ".repeat(100_000)), dialect).unwrap_err().contains("cannot be told"));
    }
}
