//! Orders in the database.

use sqlx::{FromRow, QueryBuilder, Row};
use uuid::Uuid;

use super::domain::{NewOrder, Order, OrderFilter, OrderStatus};
use crate::{
    constraint::{self, Constraint},
    db::{self, Connection, Pool},
    error::AppError,
    paging::{By, Column, Page, Paging, Sorting, narrow},
};

/// What a listing may be sorted by.
pub const SORTING: Sorting<Order> = Sorting {
    default: "-created_at",
    id: |order| order.id,
    columns: &[
        Column {
            name: "created_at",
            sql: "created_at",
            value: By::DateTime(|order| order.created_at),
        },
        Column {
            name: "updated_at",
            sql: "updated_at",
            value: By::DateTime(|order| order.updated_at),
        },
        Column {
            name: "status",
            sql: "status",
            value: By::Text(|order| order.status.as_text().to_owned()),
        },
        Column { name: "total", sql: "total", value: By::Decimal(|order| order.total) },
        Column { name: "priority", sql: "priority", value: By::Int(|order| order.priority.into()) },
    ],
};

/// What only the database can judge.
const CONSTRAINTS: &[Constraint<NewOrder>] = &[Constraint {
    name: "orders_customer_id_fkey",
    field: "customer_id",
    value: |order| order.customer_id.to_string(),
}];

db::stored_as_text!(OrderStatus { Draft = "draft", Paid = "paid", Shipped = "shipped" });

/// A page of those that `filter` lets through.
pub async fn list(
    db: &Pool,
    filter: OrderFilter,
    paging: Paging<Order>,
) -> Result<Page<Order>, AppError> {
    let mut query = QueryBuilder::<db::Backend>::new(
        "SELECT id, customer_id, status, total, placed_at, note, tags, priority, secret_code, \
         created_at, updated_at, version FROM orders WHERE TRUE",
    );
    narrow(&mut query, "customer_id =", filter.customer_id);
    narrow(&mut query, "status =", filter.status);
    narrow(&mut query, "total =", filter.total);
    narrow(&mut query, "placed_at =", filter.placed_at);
    narrow(&mut query, "priority =", filter.priority);
    narrow(&mut query, "created_at >=", filter.created_at_from);
    narrow(&mut query, "created_at <", filter.created_at_to);
    paging.finish(&mut query);
    let orders = query.build_query_as().fetch_all(db).await?;
    Ok(paging.page(orders))
}

/// One, if it is there.
pub async fn find(db: &Pool, id: Uuid) -> Result<Option<Order>, AppError> {
    let order = sqlx::query_as!(
        Order,
        r#"SELECT id, customer_id, status AS "status: OrderStatus", total, placed_at, note, tags,
            priority, secret_code, created_at, updated_at, version
        FROM orders
        WHERE id = $1"#,
        id,
    );
    Ok(order.fetch_optional(db).await?)
}

/// One, if it is there, which nobody else changes until the transaction ends.
pub async fn lock(db: &mut Connection, id: Uuid) -> Result<Option<Order>, AppError> {
    let order = sqlx::query_as!(
        Order,
        r#"SELECT id, customer_id, status AS "status: OrderStatus", total, placed_at, note, tags,
            priority, secret_code, created_at, updated_at, version
        FROM orders
        WHERE id = $1
        FOR NO KEY UPDATE"#,
        id,
    );
    Ok(order.fetch_optional(db).await?)
}

/// A new one.
pub async fn insert(db: &mut Connection, id: Uuid, new: &NewOrder) -> Result<Order, AppError> {
    let order = sqlx::query_as!(
        Order,
        r#"INSERT INTO orders (id, customer_id, status, total, placed_at, note, tags, priority, secret_code)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        RETURNING id, customer_id, status AS "status: OrderStatus", total, placed_at, note, tags,
            priority, secret_code, created_at, updated_at, version"#,
        id,
        new.customer_id,
        new.status as OrderStatus,
        new.total,
        new.placed_at,
        new.note.as_deref(),
        new.tags.as_ref(),
        new.priority,
        new.secret_code.as_deref(),
    );
    order.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// New ones, in one statement; in the order of their ids.
pub async fn insert_all(
    db: &mut Connection,
    ids: &[Uuid],
    new: &[NewOrder],
) -> Result<Vec<Order>, AppError> {
    let customer_id: Vec<_> = new.iter().map(|order| order.customer_id).collect();
    let status: Vec<_> = new.iter().map(|order| order.status).collect();
    let total: Vec<_> = new.iter().map(|order| order.total).collect();
    let placed_at: Vec<_> = new.iter().map(|order| order.placed_at).collect();
    let note: Vec<_> = new.iter().map(|order| order.note.as_deref()).collect();
    let tags: Vec<_> = new.iter().map(|order| order.tags.as_ref()).collect();
    let priority: Vec<_> = new.iter().map(|order| order.priority).collect();
    let secret_code: Vec<_> = new.iter().map(|order| order.secret_code.as_deref()).collect();
    let orders = sqlx::query_as!(
        Order,
        r#"INSERT INTO orders (id, customer_id, status, total, placed_at, note, tags, priority, secret_code)
        SELECT UNNEST($1::UUID[]), UNNEST($2::UUID[]), UNNEST($3::TEXT[]), UNNEST($4::NUMERIC[]),
            UNNEST($5::TIMESTAMPTZ[]), UNNEST($6::TEXT[]), UNNEST($7::JSONB[]), UNNEST($8::INTEGER[]),
            UNNEST($9::TEXT[])
        RETURNING id, customer_id, status AS "status: OrderStatus", total, placed_at, note, tags,
            priority, secret_code, created_at, updated_at, version"#,
        ids,
        &customer_id as _,
        &status as _,
        &total as _,
        &placed_at as _,
        &note as _,
        &tags as _,
        &priority as _,
        &secret_code as _,
    );
    let orders = orders.fetch_all(db).await;
    let mut orders = orders.map_err(|error| constraint::of_many(error, CONSTRAINTS, new))?;
    // What RETURNING returns has no order.
    orders.sort_unstable_by_key(|order| order.id);
    Ok(orders)
}

/// Keeps what clients decide as it is in `order`; returns it with its new version.
pub async fn update(db: &mut Connection, order: &Order) -> Result<Order, AppError> {
    let order = sqlx::query_as!(
        Order,
        r#"UPDATE orders
        SET customer_id = $2, status = $3, total = $4, placed_at = $5, note = $6, tags = $7,
            priority = $8, secret_code = $9, updated_at = now(), version = version + 1
        WHERE id = $1
        RETURNING id, customer_id, status AS "status: OrderStatus", total, placed_at, note, tags,
            priority, secret_code, created_at, updated_at, version"#,
        order.id,
        order.customer_id,
        order.status as OrderStatus,
        order.total,
        order.placed_at,
        order.note.as_deref(),
        order.tags.as_ref(),
        order.priority,
        order.secret_code.as_deref(),
    );
    order.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Deletes one.
pub async fn delete(db: &mut Connection, id: Uuid) -> Result<(), AppError> {
    let deleted = sqlx::query!("DELETE FROM orders WHERE id = $1", id).execute(db).await;
    deleted.map(drop).map_err(constraint::of_delete)
}

impl FromRow<'_, db::Row> for Order {
    fn from_row(row: &db::Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            customer_id: row.try_get("customer_id")?,
            status: row.try_get("status")?,
            total: row.try_get("total")?,
            placed_at: row.try_get("placed_at")?,
            note: row.try_get("note")?,
            tags: row.try_get("tags")?,
            priority: row.try_get("priority")?,
            secret_code: row.try_get("secret_code")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            version: row.try_get("version")?,
        })
    }
}
