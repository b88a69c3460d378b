//! Orders in the database: all of their SQL.

use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::domain::{NewOrder, Order, OrderFilter, OrderStatus, OrderType};
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
            name: "quantity",
            sql: "quantity",
            value: paging::By::Int(|order| order.quantity.into()),
        },
        paging::Column {
            name: "placed_at",
            sql: "placed_at",
            value: paging::By::DateTime(|order| order.placed_at),
        },
        paging::Column {
            name: "contact",
            sql: "contact",
            value: paging::By::Text(|order| order.contact.clone()),
        },
    ],
};

/// What only the database can judge.
const CONSTRAINTS: &[constraint::Constraint<NewOrder>] = &[
    constraint::Constraint {
        name: "orders_product_id_fkey",
        field: "product_id",
        value: |order| Some(order.product_id.to_string()),
    },
    constraint::Constraint {
        name: "orders_tracking_key",
        field: "tracking",
        value: |order| order.tracking.map(|value| value.to_string()),
    },
];

columns::stored_as_text!(OrderStatus { Draft = "draft", Paid = "paid", Shipped = "shipped", });

columns::stored_as_text!(OrderType { Retail = "retail", Wholesale = "wholesale", });

/// A page of those that `filter` lets through, and that are `owner`'s where one is named.
pub async fn list(
    db: &db::Pool,
    owner: Option<Uuid>,
    filter: OrderFilter,
    paging: paging::Paging<Order>,
) -> Result<paging::Page<Order>, AppError> {
    let mut query = sqlx::QueryBuilder::<db::Driver>::new(
        "SELECT id, owner_id, product_id, status, quantity, placed_at, ship_by, contact, tracking,
            gift, type, tags, note, created_at, updated_at, version
        FROM orders WHERE TRUE",
    );
    narrow(&mut query, "owner_id =", owner);
    narrow(&mut query, "owner_id =", filter.owner_id);
    narrow(&mut query, "product_id =", filter.product_id);
    narrow(&mut query, "status =", filter.status);
    narrow(&mut query, "quantity =", filter.quantity);
    narrow(&mut query, "placed_at =", filter.placed_at);
    narrow(&mut query, "ship_by =", filter.ship_by);
    narrow(&mut query, "contact =", filter.contact);
    narrow(&mut query, "tracking =", filter.tracking);
    narrow(&mut query, "gift =", filter.gift);
    narrow(&mut query, "type =", filter.r#type);
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
        r#"SELECT id, owner_id, product_id, status AS "status: OrderStatus", quantity, placed_at,
            ship_by, contact, tracking, gift, type AS "type: OrderType", tags, note, created_at,
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
        r#"SELECT id, owner_id, product_id, status AS "status: OrderStatus", quantity, placed_at,
            ship_by, contact, tracking, gift, type AS "type: OrderType", tags, note, created_at,
            updated_at, version
        FROM orders WHERE id = $1 FOR NO KEY UPDATE"#,
        id,
    );
    Ok(order.fetch_optional(db).await?)
}

/// A new one.
pub async fn insert(
    db: &mut db::Connection,
    id: Uuid,
    owner: Uuid,
    new: &NewOrder,
) -> Result<Order, AppError> {
    let order = sqlx::query_as!(
        Order,
        r#"INSERT INTO orders (id, owner_id, product_id, status, quantity, placed_at, ship_by,
            contact, tracking, gift, type, tags, note)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        RETURNING id, owner_id, product_id, status AS "status: OrderStatus", quantity, placed_at,
            ship_by, contact, tracking, gift, type AS "type: OrderType", tags, note, created_at,
            updated_at, version"#,
        id,
        owner,
        new.product_id,
        new.status as OrderStatus,
        new.quantity,
        new.placed_at,
        new.ship_by,
        new.contact,
        new.tracking,
        new.gift,
        new.r#type as Option<OrderType>,
        new.tags.as_ref(),
        new.note.as_deref(),
    );
    order.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// New ones, in one statement; in the order of their ids.
pub async fn insert_all(
    db: &mut db::Connection,
    ids: &[Uuid],
    owner: Uuid,
    new: &[NewOrder],
) -> Result<Vec<Order>, AppError> {
    let orders = sqlx::query_as!(
        Order,
        r#"INSERT INTO orders (id, owner_id, product_id, status, quantity, placed_at, ship_by,
            contact, tracking, gift, type, tags, note)
        SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::integer[],
            $6::timestamptz[], $7::date[], $8::text[], $9::uuid[], $10::boolean[], $11::text[],
            $12::jsonb[], $13::text[])
        RETURNING id, owner_id, product_id, status AS "status: OrderStatus", quantity, placed_at,
            ship_by, contact, tracking, gift, type AS "type: OrderType", tags, note, created_at,
            updated_at, version"#,
        ids,
        &vec![owner; new.len()],
        &new.iter().map(|order| order.product_id).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.status).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.quantity).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.placed_at).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.ship_by).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.contact.as_str()).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.tracking).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.gift).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.r#type).collect::<Vec<_>>() as _,
        &new.iter().map(|order| order.tags.as_ref()).collect::<Vec<_>>() as _,
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
        SET product_id = $2, status = $3, quantity = $4, placed_at = $5, ship_by = $6, contact = $7,
            tracking = $8, gift = $9, type = $10, tags = $11, note = $12, updated_at = now(),
            version = version + 1
        WHERE id = $1
        RETURNING id, owner_id, product_id, status AS "status: OrderStatus", quantity, placed_at,
            ship_by, contact, tracking, gift, type AS "type: OrderType", tags, note, created_at,
            updated_at, version"#,
        order.id,
        order.product_id,
        order.status as OrderStatus,
        order.quantity,
        order.placed_at,
        order.ship_by,
        order.contact,
        order.tracking,
        order.gift,
        order.r#type as Option<OrderType>,
        order.tags.as_ref(),
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
            owner_id: row.try_get("owner_id")?,
            product_id: row.try_get("product_id")?,
            status: row.try_get("status")?,
            quantity: row.try_get("quantity")?,
            placed_at: row.try_get("placed_at")?,
            ship_by: row.try_get("ship_by")?,
            contact: row.try_get("contact")?,
            tracking: row.try_get("tracking")?,
            gift: row.try_get("gift")?,
            r#type: row.try_get("type")?,
            tags: row.try_get("tags")?,
            note: row.try_get("note")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            version: row.try_get("version")?,
        })
    }
}
