//! Rows of any size, of which one request gets a bounded number of bytes: a thousand requests in flight
//! share the memory of the process.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use sqlx::{Database, Decode, Executor, FromRow, QueryBuilder, Row};
use uuid::Uuid;

use crate::{
    db::{Connection, Driver, Pool},
    error::{Error, FaultCode, FieldFault},
};

/// Bytes of the rows of a page, of the rows that it includes by one relation, and of the rows of a batch
/// that are changed. The row that exceeds them is the last one.
pub const MOST_BYTES: usize = 1 << 20;

/// The first rows of a query.
pub struct Rows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Bytes of each.
    sizes: Vec<usize>,
    /// Whether more rows follow.
    pub more: bool,
}

impl<T: for<'row> FromRow<'row, <Driver as Database>::Row>> Rows<T> {
    /// Reads up to `limit` rows, and up to [`MOST_BYTES`].
    ///
    /// # Errors
    /// The errors of the query.
    pub async fn read<'db>(
        mut query: QueryBuilder<Driver>,
        db: impl Executor<'db, Database = Driver>,
        limit: usize,
    ) -> sqlx::Result<Self> {
        let mut read = Self { rows: Vec::new(), sizes: Vec::new(), more: false };
        let (mut rows, mut bytes) = (query.build().fetch(db), 0);
        while let Some(row) = rows.try_next().await? {
            if read.rows.len() == limit || bytes > MOST_BYTES {
                read.more = true;
                break;
            }
            let size = size(&row);
            bytes += size;
            read.sizes.push(size);
            read.rows.push(T::from_row(&row)?);
        }
        Ok(read)
    }
}

/// The rows with these IDs that a query selects, to be changed together.
///
/// # Errors
/// The errors of the query; [`Error::Invalid`] where the rows are too large.
pub async fn fetch_all<T>(
    query: QueryBuilder<Driver>,
    ids: &[Uuid],
    db: &mut Connection,
) -> Result<Vec<T>, Error>
where
    T: for<'row> FromRow<'row, <Driver as Database>::Row>,
{
    let Rows { rows, more, .. } = Rows::read(query, db, ids.len()).await?;
    if more {
        let fault = FieldFault {
            pointer: "/ids".to_owned(),
            detail: "are too many for resources of this size".to_owned(),
            code: FaultCode::Invalid,
        };
        return Err(Error::Invalid(vec![fault]));
    }
    Ok(rows)
}

/// The rows that a page refers to, or the first of them where they are large.
pub struct Related<T> {
    /// Each with its bytes; `None` in place of a row that the caller may not read.
    rows: HashMap<Uuid, (Option<T>, usize)>,
    /// Whether some are left out.
    more: bool,
}

impl<T> Default for Related<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), more: false }
    }
}

impl<T> Related<T> {
    /// The rows with these IDs that a query selects which ends in its `WHERE` clause. The row with the
    /// first ID comes first, so that every page has an item.
    ///
    /// # Errors
    /// The errors of the query.
    pub async fn fetch(
        mut query: QueryBuilder<Driver>,
        ids: &[Uuid],
        db: &Pool,
        id: impl Fn(&T) -> Uuid,
    ) -> sqlx::Result<Self>
    where
        T: for<'row> FromRow<'row, <Driver as Database>::Row>,
    {
        query.push(" ORDER BY id <> ").push_bind(ids.first().copied().unwrap_or_default());
        let Rows { rows, sizes, more } = Rows::read(query, db, ids.len()).await?;
        let rows = rows.into_iter().zip(sizes).map(|(row, size)| (id(&row), (Some(row), size)));
        Ok(Self { rows: rows.collect(), more })
    }

    /// The same rows as a client sees them; `None` for one that the client may not read.
    pub fn map<U>(self, to: impl Fn(T) -> Option<U>) -> Related<U> {
        let rows = self.rows.into_iter();
        let rows = rows.map(|(id, (row, size))| (id, (row.and_then(&to), size)));
        Related { rows: rows.collect(), more: self.more }
    }

    /// The row for a reference, if there is one, and its bytes; `None` where it is left out.
    pub fn of(&self, id: Option<Uuid>) -> Option<(Option<&T>, usize)> {
        match id.map(|id| self.rows.get(&id)) {
            Some(Some((row, size))) => Some((row.as_ref(), *size)),
            Some(None) if self.more => None,
            Some(None) | None => Some((None, 0)),
        }
    }
}

/// Bytes of the values of a row.
fn size(row: &<Driver as Database>::Row) -> usize {
    let values = (0..row.len()).filter_map(|index| row.try_get_raw(index).ok());
    values.map(|value| <&[u8]>::decode(value).map_or(0, <[u8]>::len)).sum()
}
