//! All SQL of orders.

use uuid::Uuid;

use super::{domain::OrderRow, dto};
use crate::{
    db::{
        self,
        constraint::{self, Constraint},
        listing::{Column, Listed, Page, PageQuery, Sorting, narrow},
    },
    error::Error,
};

impl Listed for dto::OrderFilter {
    type Row = OrderRow;

    const SORTING: &'static Sorting<OrderRow> = &Sorting {
        id: |row| row.id,
        columns: &[
            Column::datetime("created_at", |row| row.created_at),
            Column::datetime("updated_at", |row| row.updated_at),
            Column::text("status", |row| row.status.as_text()),
            Column::decimal("total", |row| row.total),
        ],
    };
}

/// Constraints that clients can break, and their fields.
const CONSTRAINTS: &[Constraint<dto::NewOrder>] =
    &[Constraint::new("orders_customer_id_fkey", "customer_id", |new| {
        Some(new.customer_id.to_string())
    })];

/// A page of the rows that match `filter`.
pub async fn list(
    db: &db::Pool,
    filter: dto::OrderFilter,
    page: PageQuery<OrderRow>,
) -> Result<Page<OrderRow>, Error> {
    let mut query = sqlx::QueryBuilder::<db::Driver>::new(
        "SELECT id, customer_id, status, total, note, created_at, updated_at, version
        FROM orders WHERE TRUE",
    );
    narrow(&mut query, "customer_id =", filter.customer_id);
    narrow(&mut query, "status =", filter.status);
    narrow(&mut query, "total =", filter.total);
    page.complete(&mut query);
    Ok(page.page(query.build_query_as().fetch_all(db).await?))
}

/// The row with this id.
pub async fn find(db: &db::Pool, id: Uuid) -> Result<Option<OrderRow>, Error> {
    let row = sqlx::query_as!(
        OrderRow,
        r#"SELECT id, customer_id, status AS "status: super::OrderStatus", total, note, created_at,
            updated_at, version
        FROM orders WHERE id = $1"#,
        id,
    );
    Ok(row.fetch_optional(db).await?)
}

/// The rows with these IDs, locked until the transaction ends. They are locked in the order of
/// their IDs, so that two transactions cannot deadlock.
pub async fn lock(db: &mut db::Connection, ids: &[Uuid]) -> Result<Vec<OrderRow>, Error> {
    let rows = sqlx::query_as!(
        OrderRow,
        r#"SELECT id, customer_id, status AS "status: super::OrderStatus", total, note, created_at,
            updated_at, version
        FROM orders WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"#,
        ids,
    );
    Ok(rows.fetch_all(db).await?)
}

/// Insert a row.
pub async fn insert(
    db: &mut db::Connection,
    id: Uuid,
    new: &dto::NewOrder,
) -> Result<OrderRow, Error> {
    let row = sqlx::query_as!(
        OrderRow,
        r#"INSERT INTO orders (id, customer_id, status, total, note)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id, customer_id, status AS "status: super::OrderStatus", total, note, created_at,
            updated_at, version"#,
        id,
        new.customer_id,
        new.status as super::OrderStatus,
        new.total,
        new.note.as_deref(),
    );
    row.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Insert rows in one statement. They come back in the order of their ids.
pub async fn insert_all(
    db: &mut db::Connection,
    ids: &[Uuid],
    items: &[dto::NewOrder],
) -> Result<Vec<OrderRow>, Error> {
    let rows = sqlx::query_as!(
        OrderRow,
        r#"INSERT INTO orders (id, customer_id, status, total, note)
        SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::numeric[], $5::text[])
        RETURNING id, customer_id, status AS "status: super::OrderStatus", total, note, created_at,
            updated_at, version"#,
        ids,
        &items.iter().map(|new| new.customer_id).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.status).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.total).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.note.as_deref()).collect::<Vec<_>>() as _,
    );
    let rows = rows.fetch_all(db).await;
    let mut rows = rows.map_err(|error| constraint::of_many(error, CONSTRAINTS, items))?;
    // RETURNING has no order.
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

/// Update the writable columns of each row, in one statement. Returns the rows with their new
/// versions, in no order.
pub async fn update(db: &mut db::Connection, rows: &[OrderRow]) -> Result<Vec<OrderRow>, Error> {
    let updated = sqlx::query_as!(
        OrderRow,
        r#"UPDATE orders
        SET customer_id = _new.customer_id, status = _new.status, total = _new.total,
            note = _new.note, updated_at = now(), version = orders.version + 1
        FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::numeric[], $5::text[])
            AS _new (id, customer_id, status, total, note)
        WHERE orders.id = _new.id
        RETURNING orders.id, orders.customer_id, orders.status AS "status: super::OrderStatus",
            orders.total, orders.note, orders.created_at, orders.updated_at, orders.version"#,
        &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.status).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.total).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.note.as_deref()).collect::<Vec<_>>() as _,
    );
    updated.fetch_all(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Delete a row.
pub async fn delete(db: &mut db::Connection, id: Uuid) -> Result<(), Error> {
    let deleted = sqlx::query!("DELETE FROM orders WHERE id = $1", id).execute(db).await;
    deleted.map(drop).map_err(constraint::of_delete)
}
