//! Types of `PostgreSQL`: sqlx's names for them, its own, and how they are written.

use sqlparser::ast::{ArrayElemTypeDef, DataType};

use super::infer::{Unclear, unclear};

/// A type: sqlx's name for it and for its array, `PostgreSQL`'s own, and how else it is written.
pub struct KnownType {
    pub info: &'static str,
    pub array: &'static str,
    name: &'static str,
    others: &'static [&'static str],
}

const fn known(
    info: &'static str,
    array: &'static str,
    name: &'static str,
    others: &'static [&'static str],
) -> KnownType {
    KnownType { info, array, name, others }
}

/// `sqlx-postgres/src/type_info.rs`; numbers from the narrowest to the widest.
pub const TYPES: [KnownType; 16] = [
    known("Int2", "Int2Array", "int2", &["smallint"]),
    known("Int4", "Int4Array", "int4", &["integer", "int"]),
    known("Int8", "Int8Array", "int8", &["bigint"]),
    known("Numeric", "NumericArray", "numeric", &["decimal"]),
    known("Float4", "Float4Array", "float4", &["real"]),
    known("Float8", "Float8Array", "float8", &["double precision"]),
    known("Bool", "BoolArray", "bool", &["boolean"]),
    known("Text", "TextArray", "text", &[]),
    known("Uuid", "UuidArray", "uuid", &[]),
    known("Bytea", "ByteaArray", "bytea", &[]),
    known("Date", "DateArray", "date", &[]),
    known("Timestamp", "TimestampArray", "timestamp", &["timestamp without time zone"]),
    known("Timestamptz", "TimestamptzArray", "timestamptz", &["timestamp with time zone"]),
    known("Interval", "IntervalArray", "interval", &[]),
    known("Json", "JsonArray", "json", &[]),
    known("Jsonb", "JsonbArray", "jsonb", &[]),
];

/// How many of [`TYPES`] are numbers.
const NUMBERS: usize = 6;

pub fn array_of(element: &str) -> Option<&'static str> {
    TYPES.iter().find(|known| known.info == element).map(|known| known.array)
}

pub fn element_of(array: &str) -> Option<&'static str> {
    TYPES.iter().find(|known| known.array == array).map(|known| known.info)
}

pub fn rank(kind: &str) -> Option<usize> {
    TYPES[..NUMBERS].iter().position(|known| known.info == kind)
}

/// The type that is written, and the name that a column cast to it would have.
pub fn written(kind: &DataType) -> Result<(&'static str, &'static str), Unclear> {
    if let DataType::Array(
        ArrayElemTypeDef::SquareBracket(element, _)
        | ArrayElemTypeDef::AngleBracket(element)
        | ArrayElemTypeDef::Parenthesis(element),
    ) = kind
    {
        let (info, name) = written(element)?;
        return array_of(info).map_or_else(
            || unclear(format!("no arrays of {name} are known here"), "cast to another"),
            |array| Ok((array, name)),
        );
    }
    let text = kind.to_string().to_ascii_lowercase();
    // `numeric(12,2)` is a numeric.
    let bare = text.split('(').next().unwrap_or_default().trim();
    let found = TYPES.iter().find(|known| known.name == bare || known.others.contains(&bare));
    found.map_or_else(
        || {
            unclear(
                format!("the type `{kind}` is not known here"),
                format!("cast to one of {}", TYPES.map(|known| known.name).join(", ")),
            )
        },
        |known| Ok((known.info, known.name)),
    )
}

/// The type that holds values of both.
pub fn wider(one: &'static str, other: &'static str) -> Option<&'static str> {
    if one == other {
        return Some(one);
    }
    if let (Some(first), Some(second)) = (rank(one), rank(other)) {
        return Some(TYPES[first.max(second)].info);
    }
    match (one, other) {
        ("Date", moment @ ("Timestamptz" | "Timestamp")) | (moment @ ("Timestamptz" | "Timestamp"), "Date") => {
            Some(moment)
        }
        ("Timestamp", "Timestamptz") | ("Timestamptz", "Timestamp") => Some("Timestamptz"),
        _ => None,
    }
}
