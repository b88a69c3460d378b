//! Listings: pages of a stable order, each with the place where the next begins.

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, de::IntoDeserializer};
use sqlx::{Encode, QueryBuilder, Type};
use uuid::Uuid;

use crate::{
    db::Driver,
    error::{AppError, FaultCode, FieldFault},
};

const DEFAULT_LIMIT: u32 = 20;

/// Every database keeps them.
const YEARS: RangeInclusive<i32> = 1..=9999;

/// Some of all there are, in order.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// As many as were asked for, or fewer at the end.
    pub items: Vec<T>,
    /// What `cursor` takes to go on from here; `null` at the end.
    pub next_cursor: Option<String>,
}

/// What a client asks of a listing.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// At most so many.
    pub limit: Option<u32>,
    /// Where the page before has ended.
    pub cursor: Option<String>,
    /// The name of a column, after a `-` for descending.
    pub sort: Option<String>,
}

/// The orders that a listing may have: no other name reaches the text of a query.
pub struct Sorting<T: 'static> {
    /// The order where none is asked for.
    pub default: &'static str,
    /// What tells two rows apart that are equal otherwise.
    pub id: fn(&T) -> Uuid,
    /// Columns that may never be empty.
    pub columns: &'static [Column<T>],
}

/// A column that a listing may be sorted by.
pub struct Column<T> {
    /// Its name for clients.
    pub name: &'static str,
    /// Its name in SQL.
    pub sql: &'static str,
    /// Its value in a row.
    pub value: By<T>,
}

/// Where a row has a value, and of what type it is.
pub enum By<T> {
    /// A day.
    Date(fn(&T) -> NaiveDate),
    /// A moment.
    DateTime(fn(&T) -> DateTime<Utc>),
    /// An exact number.
    Decimal(fn(&T) -> Decimal),
    /// A whole number.
    Int(fn(&T) -> i64),
    /// A text.
    Text(fn(&T) -> String),
}

impl<T> By<T> {
    fn of(&self, row: &T) -> Key {
        match self {
            Self::Date(value) => Key::Date(value(row)),
            Self::DateTime(value) => Key::DateTime(value(row)),
            Self::Decimal(value) => Key::Decimal(value(row)),
            Self::Int(value) => Key::Int(value(row)),
            Self::Text(value) => Key::Text(value(row)),
        }
    }

    /// Whether `key` is one of these, and one that the database takes.
    fn takes(&self, key: &Key) -> bool {
        match (self, key) {
            (Self::Date(_), Key::Date(date)) => YEARS.contains(&date.year()),
            (Self::DateTime(_), Key::DateTime(moment)) => YEARS.contains(&moment.year()),
            (Self::Text(_), Key::Text(text)) => !text.contains('\0'),
            (Self::Decimal(_), Key::Decimal(_)) | (Self::Int(_), Key::Int(_)) => true,
            _ => false,
        }
    }
}

/// The value of the last row.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    Date(NaiveDate),
    DateTime(DateTime<Utc>),
    Decimal(Decimal),
    Int(i64),
    Text(String),
}

/// The last row of a page. Opaque to clients, so that it may change.
#[derive(Serialize, Deserialize)]
struct Cursor {
    sort: String,
    key: Key,
    id: Uuid,
}

/// A page to be read, asked for in terms that are allowed.
pub struct Paging<T: 'static> {
    sorting: &'static Sorting<T>,
    column: &'static Column<T>,
    sort: String,
    descending: bool,
    after: Option<(Key, Uuid)>,
    limit: u32,
}

impl<T> Paging<T> {
    /// What the client asks for, checked.
    ///
    /// # Errors
    /// 422: the sort is not one of `sorting`, or the cursor is not one of this sort.
    pub fn new(sorting: &'static Sorting<T>, ask: Ask) -> Result<Self, AppError> {
        let sort = ask.sort.unwrap_or_else(|| sorting.default.to_owned());
        let name = sort.strip_prefix('-').unwrap_or(&sort);
        let Some(column) = sorting.columns.iter().find(|column| column.name == name) else {
            let names: Vec<_> = sorting.columns.iter().map(|column| column.name).collect();
            let detail =
                format!("not one of {}, with or without a `-` before it", names.join(", "));
            return Err(invalid("/sort", detail));
        };
        let after = match &ask.cursor {
            None => None,
            Some(cursor) => Some(read(cursor, &sort, column).ok_or_else(|| {
                invalid("/cursor", "not a cursor that this listing gave in this order".to_owned())
            })?),
        };
        let descending = name.len() < sort.len();
        let limit = ask.limit.unwrap_or(DEFAULT_LIMIT);
        Ok(Self { sorting, column, sort, descending, after, limit })
    }

    /// Ends a query that has a `WHERE`: begins where the page before has ended, and reads one row
    /// more than the page has, to know whether there is a next.
    pub fn finish(&self, query: &mut QueryBuilder<Driver>) {
        let column = self.column.sql;
        let (than, direction) = if self.descending { ('<', "DESC") } else { ('>', "ASC") };
        if let Some((key, id)) = &self.after {
            query.push(format_args!(" AND ({column}, id) {than} ("));
            match key {
                Key::Date(date) => query.push_bind(*date),
                Key::DateTime(moment) => query.push_bind(*moment),
                Key::Decimal(number) => query.push_bind(*number),
                Key::Int(number) => query.push_bind(*number),
                Key::Text(text) => query.push_bind(text.clone()),
            };
            query.push(", ").push_bind(*id).push(")");
        }
        query.push(format_args!(" ORDER BY {column} {direction}, id {direction} LIMIT "));
        query.push_bind(i64::from(self.limit) + 1);
    }

    /// The page that was read.
    pub fn page(self, mut items: Vec<T>) -> Page<T> {
        let limit = self.limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|row| {
            let (key, id) = (self.column.value.of(row), (self.sorting.id)(row));
            let cursor = Cursor { sort: self.sort, key, id };
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).expect("plain data"))
        });
        Page { items, next_cursor }
    }
}

/// Narrows a query to rows of which `condition` holds for a value, where one is asked for.
pub fn narrow<'a, V>(query: &mut QueryBuilder<Driver>, condition: &'static str, value: Option<V>)
where
    V: Encode<'a, Driver> + Type<Driver> + 'a,
{
    if let Some(value) = value {
        query.push(" AND ").push(condition).push(" ").push_bind(value);
    }
}

fn read<T>(cursor: &str, sort: &str, column: &Column<T>) -> Option<(Key, Uuid)> {
    let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let cursor: Cursor = serde_json::from_slice(&json).ok()?;
    (cursor.sort == sort && column.value.takes(&cursor.key)).then_some((cursor.key, cursor.id))
}

/// Reads a query parameter that is a list: `include=customer,lines`.
///
/// # Errors
/// One of them is none that `T` knows.
pub fn comma_separated<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list = String::deserialize(deserializer)?;
    list.split(',').map(|item| T::deserialize(item.to_owned().into_deserializer())).collect()
}

fn invalid(pointer: &str, detail: String) -> AppError {
    let pointer = pointer.to_owned();
    AppError::Invalid(vec![FieldFault { pointer, detail, code: FaultCode::Invalid }])
}
