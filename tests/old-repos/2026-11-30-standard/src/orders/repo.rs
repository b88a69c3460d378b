//! Orders in the database: all of their SQL.

use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::domain::{NewOrder, Order, OrderFilter, OrderStatus};
use crate::{
    columns, constraint, db,
    error::AppError,
    paging::{self, narrow},
};

/// What a listing may be sorted by.
pub const SORTING: paging::Sorting<Order> = paging::Sorting {
    default: "-created_at",
    id: |order| order.id,
    columns: &[
        paging::Column {
            name: "created_at",
            sql: "created_at",
            value: paging::By::DateTime(|order| order.created_at),
        },
        paging::Column {
            name: "updated_at",
            sql: "updated_at",
            value: paging::By::DateTime(|order| order.updated_at),
        },
        paging::Column {
            name: "status",
            sql: "status",
            value: paging::By::Text(|order| order.status.as_text().to_owned()),
        },
        paging::Column {
            name: "total",
            sql: "total",
            value: paging::By::Decimal(|order| order.total),
        },
    ],
};

/// What only the database can judge.
const CONSTRAINTS: &[constraint::Constraint<NewOrder>] = &[constraint::Constraint {
    name: "orders_customer_id_fkey",
    field: "customer_id",
    value: |order| Some(order.customer_id.to_string()),
}];

columns::stored_as_text!(OrderStatus { Draft = "draft", Paid = "paid", Shipped = "shipped", });

/// A page of those that `filter` lets through.
pub async fn list(
    db: &db::Pool,
    filter: OrderFilter,
    paging: paging::Paging<Order>,
) -> Result<paging::Page<Order>, AppError> {
    let mut query = sqlx::QueryBuilder::<db::Driver>::new(
        "SELECT id, customer_id, status, total, note, created_at, updated_at, version
        FROM orders WHERE TRUE",
    );
    narrow(&mut query, "customer_id =", filter.customer_id);
    narrow(&mut query, "status =", filter.status);
    narrow(&mut query, "total =", filter.total);
    narrow(&mut query, "created_at >=", filter.created_at_from);
    narrow(&mut query, "created_at <", filter.created_at_to);
    paging.finish(&mut query);
    let orders = query.build_query_as().fetch_all(db).await?;
    Ok(paging.page(orders))
}

/// One, if it is there.
pub async fn find(db: &db::Pool, id: Uuid) -> Result<Option<Order>, AppError> {
    let order = sqlx::query_as!(
        Order,
        r#"SELECT id, customer_id, status AS "status: OrderStatus", total, note, created_at,
            updated_at, version
        FROM orders WHERE id = $1"#,
        id,
    );
    Ok(order.fetch_optional(db).await?)
}

/// One, if it is there, which nobody else changes until the transaction ends.
pub async fn lock(db: &mut db::Connection, id: Uuid) -> Result<Option<Order>, AppError> {
    let order = sqlx::query_as!(
        Order,
        r#"SELECT id, customer_id, status AS "status: OrderStatus", total, note, created_at,
            updated_at, version
        FROM orders WHERE id = $1 FOR NO KEY UPDATE"#,
        id,
    );
    Ok(order.fetch_optional(db).await?)
}

/// A new one.
pub async fn insert(db: &mut db::Connection, id: Uuid, new: &NewOrder) -> Result<Order, AppError> {
    let order = sqlx::query_as!(
        Order,
        r#"INSERT INTO orders (id, customer_id, status, total, note)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id, customer_id, status AS "status: OrderStatus", total, note, created_at,
            updated_at, version"#,
        id,
        new.customer_id,
        new.status as OrderStatus,
        new.total,
        new.note.as_deref(),
    );
    order.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// New ones, in one statement; in the order of their ids.
pub async fn insert_all(
    db: &mut db::Connection,
    ids: &[Uuid],
    new: &[NewOrder],
) -> Result<Vec<Order>, AppError> {
    let orders = sqlx::query_as!(
        Order,
        r#"INSERT INTO orders (id, customer_id, status, total, note)
        SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::numeric[], $5::text[])
        RETURNING id, customer_id, status AS "status: OrderStatus", total, note, created_at,
            updated_at, version"#,
        ids,
        &new.iter().map(|order| order.customer_id).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.status).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.total).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.note.as_deref()).collect::<Vec<_>>() as _,
    );
    let orders = orders.fetch_all(db).await;
    let mut orders = orders.map_err(|error| constraint::of_many(error, CONSTRAINTS, new))?;
    // What RETURNING returns has no order.
    orders.sort_unstable_by_key(|order| order.id);
    Ok(orders)
}

/// Keeps what clients decide as it is in `order`; returns it with its new version.
pub async fn update(db: &mut db::Connection, order: Order) -> Result<Order, AppError> {
    let order = sqlx::query_as!(
        Order,
        r#"UPDATE orders
        SET customer_id = $2, status = $3, total = $4, note = $5, updated_at = now(),
            version = version + 1
        WHERE id = $1
        RETURNING id, customer_id, status AS "status: OrderStatus", total, note, created_at,
            updated_at, version"#,
        order.id,
        order.customer_id,
        order.status as OrderStatus,
        order.total,
        order.note.as_deref(),
    );
    order.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Deletes one.
pub async fn delete(db: &mut db::Connection, id: Uuid) -> Result<(), AppError> {
    let deleted = sqlx::query!("DELETE FROM orders WHERE id = $1", id).execute(db).await;
    deleted.map(drop).map_err(constraint::of_delete)
}

impl sqlx::FromRow<'_, PgRow> for Order {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            customer_id: row.try_get("customer_id")?,
            status: row.try_get("status")?,
            total: row.try_get("total")?,
            note: row.try_get("note")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            version: row.try_get("version")?,
        })
    }
}
