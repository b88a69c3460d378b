//! All SQL of products.

use uuid::Uuid;

use super::{domain::ProductRow, dto};
use crate::{
    db::{
        self,
        constraint::{self, Constraint},
        listing::{Column, Listed, Page, PageQuery, Sorting, narrow},
        rows::{self, Related},
    },
    error::Error,
};

impl Listed for dto::ProductFilter {
    type Row = ProductRow;

    const SORTING: &'static Sorting<ProductRow> = &Sorting {
        id: |row| row.id,
        columns: &[
            Column::datetime("created_at", |row| row.created_at),
            Column::text("sku", |row| row.sku.as_str()),
            Column::text("name", |row| row.name.as_str()),
        ],
    };
}

/// Constraints that clients can break, and their fields.
const CONSTRAINTS: &[Constraint<dto::NewProduct>] = &[
    Constraint::new("products_category_id_fkey", "category_id", |new| {
        Some(new.category_id.to_string())
    }),
    Constraint::new("products_sku_key", "sku", |new| Some(new.sku.clone())),
];

/// A page of the rows that match `filter`.
pub async fn list(
    db: &db::Pool,
    filter: dto::ProductFilter,
    page: PageQuery<ProductRow>,
) -> Result<Page<ProductRow>, Error> {
    let mut query = sqlx::QueryBuilder::<db::Driver>::new(
        "SELECT id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version
        FROM products WHERE TRUE",
    );
    narrow(&mut query, "category_id =", filter.category_id);
    narrow(&mut query, "sku =", filter.sku);
    narrow(&mut query, "name =", filter.name);
    narrow(&mut query, "price =", filter.price);
    narrow(&mut query, "weight =", filter.weight);
    narrow(&mut query, "stock =", filter.stock);
    narrow(&mut query, "released =", filter.released);
    narrow(&mut query, "homepage =", filter.homepage);
    Ok(page.fetch(query, db).await?)
}

/// The rows with these IDs, in their order.
pub async fn find_all(db: &db::Pool, ids: &[Uuid]) -> Result<Related<ProductRow>, Error> {
    let rows = sqlx::query_as!(
        ProductRow,
        "SELECT id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version
        FROM products WHERE id = ANY($1) ORDER BY array_position($1, id)",
        ids,
    );
    Ok(Related::read(rows.fetch(db), |row| row.id).await?)
}

/// The row with this id.
pub async fn find(db: &db::Pool, id: Uuid) -> Result<Option<ProductRow>, Error> {
    let row = sqlx::query_as!(
        ProductRow,
        "SELECT id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version
        FROM products WHERE id = $1",
        id,
    );
    Ok(row.fetch_optional(db).await?)
}

/// The rows with these IDs, locked until the transaction ends. They are locked in the order of
/// their IDs, so that two transactions cannot deadlock.
pub async fn lock(db: &mut db::Connection, ids: &[Uuid]) -> Result<Vec<ProductRow>, Error> {
    let rows = sqlx::query_as!(
        ProductRow,
        "SELECT id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version
        FROM products WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        ids,
    );
    rows::read_all(rows.fetch(db)).await
}

/// Insert a row.
pub async fn insert(
    db: &mut db::Connection,
    id: Uuid,
    new: &dto::NewProduct,
) -> Result<ProductRow, Error> {
    let row = sqlx::query_as!(
        ProductRow,
        "INSERT INTO products (id, category_id, sku, name, price, weight, stock, released,
            homepage, details, supplier_code)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        RETURNING id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version",
        id,
        new.category_id,
        new.sku,
        new.name,
        new.price,
        new.weight,
        new.stock,
        new.released,
        new.homepage.as_deref(),
        new.details,
        new.supplier_code.as_deref(),
    );
    row.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Insert rows in one statement. They come back in the order of their ids.
pub async fn insert_all(
    db: &mut db::Connection,
    ids: &[Uuid],
    items: &[dto::NewProduct],
) -> Result<Vec<ProductRow>, Error> {
    let rows = sqlx::query_as!(
        ProductRow,
        "INSERT INTO products (id, category_id, sku, name, price, weight, stock, released,
            homepage, details, supplier_code)
        SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::numeric[],
            $6::numeric[], $7::bigint[], $8::date[], $9::text[], $10::jsonb[], $11::text[])
        RETURNING id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version",
        ids,
        &items.iter().map(|new| new.category_id).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.sku.as_str()).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.name.as_str()).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.price).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.weight).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.stock).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.released).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.homepage.as_deref()).collect::<Vec<_>>() as _,
        &items.iter().map(|new| &new.details).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.supplier_code.as_deref()).collect::<Vec<_>>() as _,
    );
    let rows = rows.fetch_all(db).await;
    let mut rows = rows.map_err(|error| constraint::of_many(error, CONSTRAINTS, items))?;
    // RETURNING has no order.
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

/// Update the writable columns of each row, in one statement. Returns the rows with their new
/// versions, in no order.
pub async fn update(
    db: &mut db::Connection,
    rows: &[ProductRow],
) -> Result<Vec<ProductRow>, Error> {
    let updated = sqlx::query_as!(
        ProductRow,
        "UPDATE products
        SET category_id = _new.category_id, sku = _new.sku, name = _new.name, price = _new.price,
            weight = _new.weight, stock = _new.stock, released = _new.released,
            homepage = _new.homepage, details = _new.details, supplier_code = _new.supplier_code,
            updated_at = now(), version = products.version + 1
        FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::numeric[], $6::numeric[],
            $7::bigint[], $8::date[], $9::text[], $10::jsonb[], $11::text[])
            AS _new (id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code)
        WHERE products.id = _new.id
        RETURNING products.id, products.category_id, products.sku, products.name, products.price,
            products.weight, products.stock, products.released, products.homepage, products.details,
            products.supplier_code, products.created_at, products.updated_at, products.version",
        &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.category_id).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.sku.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.price).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.weight).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.stock).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.released).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.homepage.as_deref()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| &row.details).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.supplier_code.as_deref()).collect::<Vec<_>>() as _,
    );
    updated.fetch_all(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Delete a row.
pub async fn delete(db: &mut db::Connection, id: Uuid) -> Result<(), Error> {
    let deleted = sqlx::query!("DELETE FROM products WHERE id = $1", id).execute(db).await;
    deleted.map(drop).map_err(constraint::of_delete)
}
