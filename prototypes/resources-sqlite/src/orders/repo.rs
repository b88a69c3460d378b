//! Orders in the database.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, QueryBuilder, Row};
use uuid::Uuid;

use super::domain::{NewOrder, Order, OrderFilter, OrderStatus};
use crate::{
    constraint,
    db::{self, Connection, Pool, Scaled},
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
        Column {
            name: "total",
            sql: "total",
            value: By::Int(|order| Scaled::<2>::from(order.total).units()),
        },
        Column { name: "priority", sql: "priority", value: By::Int(|order| order.priority.into()) },
    ],
};

/// The only one that refers to something: the database does not say which it was.
const REFERENCE: Option<&str> = Some("customer_id");

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
    narrow(&mut query, "total =", filter.total.map(Scaled::<2>::from));
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
        r#"SELECT id AS "id: Uuid", customer_id AS "customer_id: Uuid", status AS "status: OrderStatus",
            total AS "total: Scaled<2>", placed_at AS "placed_at: DateTime<Utc>", note,
            tags AS "tags: Value", priority AS "priority: i32", secret_code,
            created_at AS "created_at: DateTime<Utc>", updated_at AS "updated_at: DateTime<Utc>",
            version
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
        r#"SELECT id AS "id: Uuid", customer_id AS "customer_id: Uuid", status AS "status: OrderStatus",
            total AS "total: Scaled<2>", placed_at AS "placed_at: DateTime<Utc>", note,
            tags AS "tags: Value", priority AS "priority: i32", secret_code,
            created_at AS "created_at: DateTime<Utc>", updated_at AS "updated_at: DateTime<Utc>",
            version
        FROM orders
        WHERE id = $1"#,
        id,
    );
    Ok(order.fetch_optional(db).await?)
}

/// A new one.
pub async fn insert(db: &mut Connection, id: Uuid, new: &NewOrder) -> Result<Order, AppError> {
    insert_row(db, id, new).await.map_err(|error| constraint::of_one(error, REFERENCE))
}

async fn insert_row(db: &mut Connection, id: Uuid, new: &NewOrder) -> sqlx::Result<Order> {
    let order = sqlx::query_as!(
        Order,
        r#"INSERT INTO orders (id, customer_id, status, total, placed_at, note, tags, priority,
            secret_code, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
        RETURNING id AS "id: Uuid", customer_id AS "customer_id: Uuid", status AS "status: OrderStatus",
            total AS "total: Scaled<2>", placed_at AS "placed_at: DateTime<Utc>", note,
            tags AS "tags: Value", priority AS "priority: i32", secret_code,
            created_at AS "created_at: DateTime<Utc>", updated_at AS "updated_at: DateTime<Utc>",
            version"#,
        id,
        new.customer_id,
        new.status as _,
        Scaled::<2>::from(new.total) as _,
        new.placed_at,
        new.note,
        new.tags,
        new.priority,
        new.secret_code,
        Utc::now(),
    );
    order.fetch_one(db).await
}

/// New ones, in one statement; in the order of their ids.
pub async fn insert_all(
    db: &mut Connection,
    ids: &[Uuid],
    new: &[NewOrder],
) -> Result<Vec<Order>, AppError> {
    let now = Utc::now();
    let mut query = QueryBuilder::<db::Backend>::new(
        "INSERT INTO orders (id, customer_id, status, total, placed_at, note, tags, priority, \
         secret_code, created_at, updated_at) ",
    );
    query.push_values(ids.iter().zip(new), |mut row, (id, order)| {
        row.push_bind(*id)
            .push_bind(order.customer_id)
            .push_bind(order.status)
            .push_bind(Scaled::<2>::from(order.total))
            .push_bind(order.placed_at)
            .push_bind(order.note.as_deref())
            .push_bind(order.tags.as_ref())
            .push_bind(order.priority)
            .push_bind(order.secret_code.as_deref())
            .push_bind(now)
            .push_bind(now);
    });
    query.push(
        " RETURNING id, customer_id, status, total, placed_at, note, tags, priority, secret_code, \
         created_at, updated_at, version",
    );
    let Ok(mut orders) = query.build_query_as::<Order>().fetch_all(&mut *db).await else {
        // One by one they say which it was; the transaction is given up all the same.
        for (index, (id, new)) in ids.iter().zip(new).enumerate() {
            let row = insert_row(db, *id, new).await;
            row.map_err(|error| constraint::of_item(error, REFERENCE, index))?;
        }
        return Err(AppError::internal("all were refused together, and none alone"));
    };
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
            priority = $8, secret_code = $9, updated_at = $10, version = version + 1
        WHERE id = $1
        RETURNING id AS "id: Uuid", customer_id AS "customer_id: Uuid", status AS "status: OrderStatus",
            total AS "total: Scaled<2>", placed_at AS "placed_at: DateTime<Utc>", note,
            tags AS "tags: Value", priority AS "priority: i32", secret_code,
            created_at AS "created_at: DateTime<Utc>", updated_at AS "updated_at: DateTime<Utc>",
            version"#,
        order.id,
        order.customer_id,
        order.status as _,
        Scaled::<2>::from(order.total) as _,
        order.placed_at,
        order.note,
        order.tags,
        order.priority,
        order.secret_code,
        Utc::now(),
    );
    order.fetch_one(db).await.map_err(|error| constraint::of_one(error, REFERENCE))
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
            total: row.try_get::<Scaled<2>, _>("total")?.into(),
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
