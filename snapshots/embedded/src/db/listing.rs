//! Keyset pagination: sort orders, cursors, and the SQL of a page.

use std::{collections::HashSet, ops::RangeInclusive};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Database, Encode, FromRow, QueryBuilder, Type};
use uuid::Uuid;

use crate::{
    db::{
        Driver, Pool,
        rows::{MOST_BYTES, Related, Rows, Size},
    },
    error::{Error, FaultCode, FieldFault},
};

/// Items per page when a client does not say.
const DEFAULT_LIMIT: u32 = 20;

/// The order when a client does not say: newest first.
const DEFAULT_SORT: &str = "-created_at";

/// Years that every supported database stores.
const YEARS: RangeInclusive<i32> = 1..=9999;

/// A page of a listing.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// At most `limit` items; fewer where they are large.
    pub items: Vec<T>,
    /// Cursor of the next page; `None` on the last one.
    pub next_cursor: Option<String>,
    #[serde(skip)]
    places: Places,
}

impl<T> Page<T> {
    /// The same page with other items.
    pub fn map<U>(self, to: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, next_cursor, places } = self;
        Page { items: items.into_iter().map(to).collect(), next_cursor, places }
    }

    /// Attaches to each item the row that it refers to, with one query for all items. The page ends
    /// early where these rows are large.
    ///
    /// # Errors
    /// The errors of `find`.
    pub async fn attach<R: Clone>(
        &mut self,
        reference: impl Fn(&T) -> Option<Uuid>,
        find: impl AsyncFnOnce(Vec<Uuid>) -> Result<Related<R>, Error>,
        place: impl Fn(&mut T) -> &mut Option<Box<R>>,
    ) -> Result<(), Error> {
        let (mut ids, mut known) = (Vec::new(), HashSet::new());
        ids.extend(self.items.iter().filter_map(&reference).filter(|id| known.insert(*id)));
        let related = find(ids).await?;
        let (mut bytes, mut fit) = (0, 0);
        for item in &mut self.items {
            // One row may be attached to every item.
            let Some((row, size)) = related.of(reference(item)).filter(|_| bytes <= MOST_BYTES)
            else {
                break;
            };
            *place(item) = row.cloned().map(Box::new);
            (bytes, fit) = (bytes + size, fit + 1);
        }
        if fit < self.items.len() {
            self.items.truncate(fit);
            self.next_cursor = self.places.cursor(fit);
        }
        Ok(())
    }
}

/// Where the items of a page stand in its order.
#[derive(Clone, Debug)]
struct Places {
    sort: String,
    keys: Vec<(Key, Uuid)>,
}

impl Places {
    /// The cursor after the first `items`.
    fn cursor(&self, items: usize) -> Option<String> {
        let (key, id) = self.keys.get(items.checked_sub(1)?)?.clone();
        let cursor = Cursor { sort: self.sort.clone(), key, id };
        let json = serde_json::to_vec(&cursor).expect("a cursor is plain data");
        Some(URL_SAFE_NO_PAD.encode(json))
    }
}

/// What a client asks of a listing, not yet validated.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// Maximum number of items.
    pub limit: Option<u32>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
    /// Name of a sortable column, after a `-` for descending order.
    pub sort: Option<String>,
    /// Earliest creation time, inclusive.
    pub created_at_from: Option<DateTime<Utc>>,
    /// Latest creation time, exclusive.
    pub created_at_to: Option<DateTime<Utc>>,
}

/// A set of filters whose rows can be listed.
pub trait Listed {
    /// The rows that a listing returns.
    type Row: 'static;

    /// The orders that it may have.
    const SORTING: &'static Sorting<Self::Row>;
}

/// The orders that a listing may have. No other name reaches the text of a query.
pub struct Sorting<T: 'static> {
    /// Tells rows apart that are equal in the sorted column.
    pub id: fn(&T) -> Uuid,
    /// Sortable columns; none of them is nullable.
    pub columns: &'static [Column<T>],
}

impl<T> Sorting<T> {
    /// Names of the sortable columns.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.name)
    }
}

/// A sortable column.
pub struct Column<T> {
    name: &'static str,
    value: Value<T>,
}

/// How the value of a column is read from a row.
enum Value<T> {
    Date(fn(&T) -> NaiveDate),
    DateTime(fn(&T) -> DateTime<Utc>),
    Int(fn(&T) -> i64),
    Text(fn(&T) -> &str),
}

impl<T> Column<T> {
    /// A column of dates.
    pub const fn date(name: &'static str, value: fn(&T) -> NaiveDate) -> Self {
        Self { name, value: Value::Date(value) }
    }

    /// A column of times.
    pub const fn datetime(name: &'static str, value: fn(&T) -> DateTime<Utc>) -> Self {
        Self { name, value: Value::DateTime(value) }
    }

    /// A column of integers.
    pub const fn int(name: &'static str, value: fn(&T) -> i64) -> Self {
        Self { name, value: Value::Int(value) }
    }

    /// A column of texts.
    pub const fn text(name: &'static str, value: fn(&T) -> &str) -> Self {
        Self { name, value: Value::Text(value) }
    }

    fn key(&self, row: &T) -> Key {
        match self.value {
            Value::Date(value) => Key::Date(value(row)),
            Value::DateTime(value) => Key::DateTime(value(row)),
            Value::Int(value) => Key::Int(value(row)),
            Value::Text(value) => Key::Text(value(row).to_owned()),
        }
    }

    /// Whether a key from a client has this column's type, and a value that the database takes.
    fn accepts(&self, key: &Key) -> bool {
        match (&self.value, key) {
            (Value::Date(_), Key::Date(date)) => YEARS.contains(&date.year()),
            (Value::DateTime(_), Key::DateTime(time)) => YEARS.contains(&time.year()),
            (Value::Text(_), Key::Text(text)) => !text.contains('\0'),
            (Value::Int(_), Key::Int(_)) => true,
            _ => false,
        }
    }
}

/// The value of the sorted column in the last row of a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    Date(NaiveDate),
    DateTime(DateTime<Utc>),
    Int(i64),
    Text(String),
}

/// The last row of a page. Opaque to clients, so that its content may change.
#[derive(Serialize, Deserialize)]
struct Cursor {
    sort: String,
    key: Key,
    id: Uuid,
}

/// A validated page request: an order, a position and a size.
pub struct PageQuery<T: 'static> {
    sorting: &'static Sorting<T>,
    column: &'static Column<T>,
    sort: String,
    descending: bool,
    after: Option<(Key, Uuid)>,
    limit: u32,
    created_at_from: Option<DateTime<Utc>>,
    created_at_to: Option<DateTime<Utc>>,
}

impl<T> PageQuery<T> {
    /// Validates a request.
    ///
    /// # Errors
    /// `sort` is not a column of `sorting`, `cursor` does not belong to this order, or a time is not
    /// one that a database stores.
    pub fn new(sorting: &'static Sorting<T>, request: PageRequest) -> Result<Self, FieldFault> {
        let sort = request.sort.unwrap_or_else(|| DEFAULT_SORT.to_owned());
        let name = sort.strip_prefix('-').unwrap_or(&sort);
        let Some(column) = sorting.columns.iter().find(|column| column.name == name) else {
            let names = sorting.names().collect::<Vec<_>>().join(", ");
            return Err(fault("/sort", format!("must be one of {names}, optionally after a `-`")));
        };
        let after = match &request.cursor {
            None => None,
            Some(cursor) => Some(decode(cursor, &sort, column).ok_or_else(|| {
                fault("/cursor", "is not a cursor of this listing in this order".to_owned())
            })?),
        };
        for (pointer, time) in [
            ("/created_at_from", request.created_at_from),
            ("/created_at_to", request.created_at_to),
        ] {
            if time.is_some_and(|time| !YEARS.contains(&time.year())) {
                return Err(fault(pointer, "must be in the years 0001 to 9999".to_owned()));
            }
        }
        Ok(Self {
            descending: name.len() < sort.len(),
            limit: request.limit.unwrap_or(DEFAULT_LIMIT),
            created_at_from: request.created_at_from,
            created_at_to: request.created_at_to,
            sorting,
            column,
            sort,
            after,
        })
    }

    /// The page that a query selects which ends in its `WHERE` clause. It ends early where its rows
    /// are large.
    ///
    /// # Errors
    /// The errors of the query.
    pub async fn fetch(self, mut query: QueryBuilder<Driver>, db: &Pool) -> sqlx::Result<Page<T>>
    where
        T: for<'row> FromRow<'row, <Driver as Database>::Row> + Size + Send + Unpin,
    {
        self.complete(&mut query);
        let found = query.build_query_as().fetch(db);
        let Rows { rows: items, more } = Rows::read(found, self.limit as usize).await?;
        let keys = items.iter().map(|row| (self.column.key(row), (self.sorting.id)(row)));
        let places = Places { keys: keys.collect(), sort: self.sort };
        let next_cursor = if more { places.cursor(items.len()) } else { None };
        Ok(Page { items, next_cursor, places })
    }

    /// Completes the query. It reads one row more than the page holds, to know whether there is a
    /// next page.
    fn complete(&self, query: &mut QueryBuilder<Driver>) {
        narrow(query, "created_at >=", self.created_at_from);
        narrow(query, "created_at <", self.created_at_to);
        let column = self.column.name;
        let (than, direction) = if self.descending { ('<', "DESC") } else { ('>', "ASC") };
        if let Some((key, id)) = &self.after {
            query.push(format_args!(" AND (\"{column}\", id) {than} ("));
            match key {
                Key::Date(date) => query.push_bind(*date),
                Key::DateTime(time) => query.push_bind(*time),
                Key::Int(number) => query.push_bind(*number),
                Key::Text(text) => query.push_bind(text.clone()),
            };
            query.push(", ").push_bind(*id).push(")");
        }
        query.push(format_args!(" ORDER BY \"{column}\" {direction}, id {direction} LIMIT "));
        query.push_bind(i64::from(self.limit) + 1);
    }
}

/// Adds a condition to a `WHERE` clause, if there is a value for it.
pub fn narrow<'a, V>(query: &mut QueryBuilder<Driver>, condition: &'static str, value: Option<V>)
where
    V: Encode<'a, Driver> + Type<Driver> + 'a,
{
    if let Some(value) = value {
        query.push(" AND ").push(condition).push(" ").push_bind(value);
    }
}

fn decode<T>(cursor: &str, sort: &str, column: &Column<T>) -> Option<(Key, Uuid)> {
    let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let cursor: Cursor = serde_json::from_slice(&json).ok()?;
    (cursor.sort == sort && column.accepts(&cursor.key)).then_some((cursor.key, cursor.id))
}

fn fault(pointer: &str, detail: String) -> FieldFault {
    FieldFault { pointer: pointer.to_owned(), detail, code: FaultCode::Invalid }
}
