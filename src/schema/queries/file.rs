//! A file of offline query data, as sqlx 0.9 writes it (`sqlx-macros-core/src/query/data.rs`).

use serde::Serialize;

use super::infer::{Description, Output};
use crate::pack::hash;
use crate::schema::types::Database;

pub fn name(sql: &str) -> String {
    format!("query-{}.json", hash(sql.as_bytes()))
}

#[derive(Serialize)]
struct Data<'a, C> {
    db_name: &'a str,
    query: &'a str,
    describe: Describe<'a, C>,
    hash: String,
}

#[derive(Serialize)]
struct Describe<'a, C> {
    columns: Vec<C>,
    parameters: Parameters<'a>,
    nullable: Vec<Option<bool>>,
}

/// Types where the database tells them, else how many there are.
#[derive(Serialize)]
enum Parameters<'a> {
    Left(&'a [&'static str]),
    Right(usize),
}

// The two differ in the order of their keys.
#[derive(Serialize)]
struct PostgresColumn<'a> {
    ordinal: usize,
    name: &'a str,
    type_info: &'a str,
    origin: ColumnOrigin<'a>,
}

#[derive(Serialize)]
struct SqliteColumn<'a> {
    name: &'a str,
    ordinal: usize,
    type_info: &'a str,
    origin: ColumnOrigin<'a>,
}

#[derive(Serialize)]
enum ColumnOrigin<'a> {
    Table { table: &'a str, name: &'a str },
    Expression,
}

impl<'a> ColumnOrigin<'a> {
    fn of(output: &'a Output) -> Self {
        match &output.value.origin {
            Some((table, name)) => Self::Table { table, name },
            None => Self::Expression,
        }
    }
}

pub fn content(sql: &str, description: &Description, database: Database) -> String {
    let outputs = &description.outputs;
    let type_info = |output: &Output| output.value.kind.unwrap_or_default();
    match database {
        Database::Postgres => {
            let columns = outputs.iter().enumerate().map(|(ordinal, output)| PostgresColumn {
                ordinal,
                name: &output.name,
                type_info: type_info(output),
                origin: ColumnOrigin::of(output),
            });
            let parameters = Parameters::Left(&description.parameters);
            write("PostgreSQL", sql, columns.collect(), parameters, outputs)
        }
        Database::Sqlite => {
            let columns = outputs.iter().enumerate().map(|(ordinal, output)| SqliteColumn {
                name: &output.name,
                ordinal,
                type_info: type_info(output),
                origin: ColumnOrigin::of(output),
            });
            write("SQLite", sql, columns.collect(), Parameters::Right(description.placeholders), outputs)
        }
    }
}

fn write<C: Serialize>(
    db_name: &str,
    sql: &str,
    columns: Vec<C>,
    parameters: Parameters,
    outputs: &[Output],
) -> String {
    let nullable = outputs.iter().map(|output| output.value.nullable).collect();
    let data =
        Data { db_name, query: sql, describe: Describe { columns, parameters, nullable }, hash: hash(sql.as_bytes()) };
    let mut text = serde_json::to_string_pretty(&data).expect("texts and numbers");
    text.push('\n');
    text
}
