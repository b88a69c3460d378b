//! Rows of any size, of which one request gets a bounded number of bytes: a thousand requests in flight
//! share the memory of the process.

use std::collections::HashMap;

use futures_util::{Stream, TryStreamExt};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, FaultCode, FieldFault};

/// Bytes of the rows of a page, of the rows that it includes by one relation, and of the rows of a batch
/// that are changed. The row that exceeds them is the last one.
pub const MOST_BYTES: usize = 1 << 20;

/// A value that takes a different number of bytes in each row.
pub trait Size {
    /// Bytes of the value in memory, roughly.
    fn size(&self) -> usize;
}

impl Size for String {
    fn size(&self) -> usize {
        self.len()
    }
}

impl Size for Value {
    fn size(&self) -> usize {
        let content = match self {
            Self::String(text) => text.len(),
            Self::Array(items) => items.iter().map(Self::size).sum(),
            Self::Object(members) => {
                members.iter().map(|(name, value)| name.len() + value.size()).sum()
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
        };
        size_of::<Self>() + content
    }
}

impl<T: Size> Size for Option<T> {
    fn size(&self) -> usize {
        self.as_ref().map_or(0, T::size)
    }
}

/// The first rows of a query.
pub struct Rows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether more rows follow.
    pub more: bool,
}

impl<T: Size> Rows<T> {
    /// Reads rows up to [`MOST_BYTES`], and up to `limit` of them.
    ///
    /// # Errors
    /// The errors of the query.
    pub async fn read(
        mut found: impl Stream<Item = sqlx::Result<T>> + Unpin,
        limit: usize,
    ) -> sqlx::Result<Self> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(row) = found.try_next().await? {
            if rows.len() == limit || bytes > MOST_BYTES {
                return Ok(Self { rows, more: true });
            }
            bytes += row.size();
            rows.push(row);
        }
        Ok(Self { rows, more: false })
    }
}

/// The rows of a query, to be changed together.
///
/// # Errors
/// The errors of the query; [`Error::Invalid`] where the rows are too large.
pub async fn read_all<T: Size>(
    found: impl Stream<Item = sqlx::Result<T>> + Unpin,
) -> Result<Vec<T>, Error> {
    let Rows { rows, more } = Rows::read(found, usize::MAX).await?;
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
    /// The rows of a query. They are in the order of the page, so that its first items have theirs.
    ///
    /// # Errors
    /// The errors of the query.
    pub async fn read(
        found: impl Stream<Item = sqlx::Result<T>> + Unpin,
        id: impl Fn(&T) -> Uuid,
    ) -> sqlx::Result<Self>
    where
        T: Size,
    {
        let Rows { rows, more } = Rows::read(found, usize::MAX).await?;
        let rows = rows.into_iter().map(|row| {
            let size = row.size();
            (id(&row), (Some(row), size))
        });
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
