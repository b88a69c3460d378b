//! All SQL of orders.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{domain::OrderRow, dto};
use crate::{
    api::retention::{Position, Retained},
    db::{
        self,
        constraint::{self, Constraint},
        listing::{Column, Listed, Page, PageQuery, Sorting, narrow},
        rows,
    },
    error::Error,
};

impl Listed for dto::OrderFilter {
    type Row = OrderRow;

    const SORTING: &'static Sorting<OrderRow> = &Sorting {
        id: |row| row.id,
        columns: &[
            Column::datetime("created_at", |row| row.created_at),
            Column::text("status", |row| row.status.as_text()),
        ],
    };
}

/// Constraints that clients can break, and their fields.
const CONSTRAINTS: &[Constraint<dto::NewOrder>] = &[
    Constraint::new("orders_product_id_fkey", "product_id", |new| Some(new.product_id.to_string())),
    Constraint::new("orders_tracking_key", "tracking", |new| {
        new.tracking.map(|value| value.to_string())
    }),
];

/// A page of the rows that match `filter`; with an `owner`, only rows of that account.
pub async fn list(
    db: &db::Pool,
    owner: Option<Uuid>,
    filter: dto::OrderFilter,
    page: PageQuery<OrderRow>,
) -> Result<Page<OrderRow>, Error> {
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
    Ok(page.fetch(query, db).await?)
}

/// The row with this id.
pub async fn find(db: &db::Pool, id: Uuid) -> Result<Option<OrderRow>, Error> {
    let row = sqlx::query_as!(
        OrderRow,
        r#"SELECT id, owner_id, product_id, status AS "status: super::OrderStatus", quantity,
            placed_at, ship_by, contact, tracking, gift, type AS "type: super::OrderType", tags,
            note, created_at, updated_at, version
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
        r#"SELECT id, owner_id, product_id, status AS "status: super::OrderStatus", quantity,
            placed_at, ship_by, contact, tracking, gift, type AS "type: super::OrderType", tags,
            note, created_at, updated_at, version
        FROM orders WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"#,
        ids,
    );
    rows::read_all(rows.fetch(db)).await
}

/// Insert a row.
pub async fn insert(
    db: &mut db::Connection,
    id: Uuid,
    owner: Uuid,
    new: &dto::NewOrder,
) -> Result<OrderRow, Error> {
    let row = sqlx::query_as!(
        OrderRow,
        r#"INSERT INTO orders (id, owner_id, product_id, status, quantity, placed_at, ship_by,
            contact, tracking, gift, type, tags, note)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        RETURNING id, owner_id, product_id, status AS "status: super::OrderStatus", quantity,
            placed_at, ship_by, contact, tracking, gift, type AS "type: super::OrderType", tags,
            note, created_at, updated_at, version"#,
        id,
        owner,
        new.product_id,
        new.status as super::OrderStatus,
        new.quantity,
        new.placed_at,
        new.ship_by,
        new.contact,
        new.tracking,
        new.gift,
        new.r#type as Option<super::OrderType>,
        new.tags.as_ref(),
        new.note.as_deref(),
    );
    row.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Insert rows in one statement. They come back in the order of their ids.
pub async fn insert_all(
    db: &mut db::Connection,
    ids: &[Uuid],
    owner: Uuid,
    items: &[dto::NewOrder],
) -> Result<Vec<OrderRow>, Error> {
    let rows = sqlx::query_as!(
        OrderRow,
        r#"INSERT INTO orders (id, owner_id, product_id, status, quantity, placed_at, ship_by,
            contact, tracking, gift, type, tags, note)
        SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::integer[],
            $6::timestamptz[], $7::date[], $8::text[], $9::uuid[], $10::boolean[], $11::text[],
            $12::jsonb[], $13::text[])
        RETURNING id, owner_id, product_id, status AS "status: super::OrderStatus", quantity,
            placed_at, ship_by, contact, tracking, gift, type AS "type: super::OrderType", tags,
            note, created_at, updated_at, version"#,
        ids,
        &vec![owner; items.len()],
        &items.iter().map(|new| new.product_id).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.status).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.quantity).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.placed_at).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.ship_by).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.contact.as_str()).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.tracking).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.gift).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.r#type).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.tags.as_ref()).collect::<Vec<_>>() as _,
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
        SET product_id = _new.product_id, status = _new.status, quantity = _new.quantity,
            placed_at = _new.placed_at, ship_by = _new.ship_by, contact = _new.contact,
            tracking = _new.tracking, gift = _new.gift, type = _new.type, tags = _new.tags,
            note = _new.note, updated_at = now(), version = orders.version + 1
        FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::timestamptz[],
            $6::date[], $7::text[], $8::uuid[], $9::boolean[], $10::text[], $11::jsonb[],
            $12::text[])
            AS _new (id, product_id, status, quantity, placed_at, ship_by, contact, tracking, gift,
            type, tags, note)
        WHERE orders.id = _new.id
        RETURNING orders.id, orders.owner_id, orders.product_id,
            orders.status AS "status: super::OrderStatus", orders.quantity, orders.placed_at,
            orders.ship_by, orders.contact, orders.tracking, orders.gift,
            orders.type AS "type: super::OrderType", orders.tags, orders.note, orders.created_at,
            orders.updated_at, orders.version"#,
        &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.product_id).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.status).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.quantity).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.placed_at).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.ship_by).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.contact.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.tracking).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.gift).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.r#type).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.tags.as_ref()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.note.as_deref()).collect::<Vec<_>>() as _,
    );
    updated.fetch_all(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Delete a row.
pub async fn delete(db: &mut db::Connection, id: Uuid) -> Result<(), Error> {
    let deleted = sqlx::query!("DELETE FROM orders WHERE id = $1", id).execute(db).await;
    deleted.map(drop).map_err(constraint::of_delete)
}

impl Retained for OrderRow {
    const NAME: &'static str = "orders";
    const RETAIN: TimeDelta = TimeDelta::days(365);

    async fn lock_old(
        db: &mut db::Connection,
        before: DateTime<Utc>,
        after: Position,
    ) -> sqlx::Result<Vec<Position>> {
        let rows = sqlx::query_as!(
            Position,
            "SELECT created_at, id FROM orders
            WHERE created_at < $1 AND (created_at, id) > ($2, $3)
            ORDER BY created_at, id LIMIT $4 FOR UPDATE SKIP LOCKED",
            before,
            after.created_at,
            after.id,
            db::BATCH,
        );
        rows.fetch_all(db).await
    }

    async fn delete_all(db: &mut db::Connection, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
        let deleted = sqlx::query_scalar!(
            "DELETE FROM orders
            WHERE id = ANY($1)
            RETURNING id",
            ids,
        );
        deleted.fetch_all(db).await
    }
}
