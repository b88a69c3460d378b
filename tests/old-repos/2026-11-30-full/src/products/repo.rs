//! Products in the database: all of their SQL.

use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::domain::{NewProduct, Product, ProductFilter};
use crate::{
    constraint, db,
    error::AppError,
    paging::{self, narrow},
};

/// What a listing may be sorted by.
pub const SORTING: paging::Sorting<Product> = paging::Sorting {
    default: "-created_at",
    id: |product| product.id,
    columns: &[
        paging::Column {
            name: "created_at",
            sql: "created_at",
            value: paging::By::DateTime(|product| product.created_at),
        },
        paging::Column {
            name: "updated_at",
            sql: "updated_at",
            value: paging::By::DateTime(|product| product.updated_at),
        },
        paging::Column {
            name: "sku",
            sql: "sku",
            value: paging::By::Text(|product| product.sku.clone()),
        },
        paging::Column {
            name: "name",
            sql: "name",
            value: paging::By::Text(|product| product.name.clone()),
        },
        paging::Column {
            name: "price",
            sql: "price",
            value: paging::By::Decimal(|product| product.price),
        },
        paging::Column {
            name: "stock",
            sql: "stock",
            value: paging::By::Int(|product| product.stock),
        },
    ],
};

/// What only the database can judge.
const CONSTRAINTS: &[constraint::Constraint<NewProduct>] = &[
    constraint::Constraint {
        name: "products_category_id_fkey",
        field: "category_id",
        value: |product| Some(product.category_id.to_string()),
    },
    constraint::Constraint {
        name: "products_sku_key",
        field: "sku",
        value: |product| Some(product.sku.clone()),
    },
];

/// A page of those that `filter` lets through.
pub async fn list(
    db: &db::Pool,
    filter: ProductFilter,
    paging: paging::Paging<Product>,
) -> Result<paging::Page<Product>, AppError> {
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
    narrow(&mut query, "created_at >=", filter.created_at_from);
    narrow(&mut query, "created_at <", filter.created_at_to);
    paging.finish(&mut query);
    let products = query.build_query_as().fetch_all(db).await?;
    Ok(paging.page(products))
}

/// Those of `ids` that are there.
pub async fn find_all(db: &db::Pool, ids: &[Uuid]) -> Result<Vec<Product>, AppError> {
    let products = sqlx::query_as!(
        Product,
        "SELECT id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version
        FROM products WHERE id = ANY($1)",
        ids,
    );
    Ok(products.fetch_all(db).await?)
}

/// One, if it is there.
pub async fn find(db: &db::Pool, id: Uuid) -> Result<Option<Product>, AppError> {
    let product = sqlx::query_as!(
        Product,
        "SELECT id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version
        FROM products WHERE id = $1",
        id,
    );
    Ok(product.fetch_optional(db).await?)
}

/// One, if it is there, which nobody else changes until the transaction ends.
pub async fn lock(db: &mut db::Connection, id: Uuid) -> Result<Option<Product>, AppError> {
    let product = sqlx::query_as!(
        Product,
        "SELECT id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version
        FROM products WHERE id = $1 FOR NO KEY UPDATE",
        id,
    );
    Ok(product.fetch_optional(db).await?)
}

/// A new one.
pub async fn insert(
    db: &mut db::Connection,
    id: Uuid,
    new: &NewProduct,
) -> Result<Product, AppError> {
    let product = sqlx::query_as!(
        Product,
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
    product.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// New ones, in one statement; in the order of their ids.
pub async fn insert_all(
    db: &mut db::Connection,
    ids: &[Uuid],
    new: &[NewProduct],
) -> Result<Vec<Product>, AppError> {
    let products = sqlx::query_as!(
        Product,
        "INSERT INTO products (id, category_id, sku, name, price, weight, stock, released,
            homepage, details, supplier_code)
        SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::numeric[],
            $6::numeric[], $7::bigint[], $8::date[], $9::text[], $10::jsonb[], $11::text[])
        RETURNING id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version",
        ids,
        &new.iter().map(|product| product.category_id).collect::<Vec<_>>() as _,
        &new.iter().map(|product| product.sku.as_str()).collect::<Vec<_>>() as _,
        &new.iter().map(|product| product.name.as_str()).collect::<Vec<_>>() as _,
        &new.iter().map(|product| product.price).collect::<Vec<_>>() as _,
        &new.iter().map(|product| product.weight).collect::<Vec<_>>() as _,
        &new.iter().map(|product| product.stock).collect::<Vec<_>>() as _,
        &new.iter().map(|product| product.released).collect::<Vec<_>>() as _,
        &new.iter().map(|product| product.homepage.as_deref()).collect::<Vec<_>>() as _,
        &new.iter().map(|product| &product.details).collect::<Vec<_>>() as _,
        &new.iter().map(|product| product.supplier_code.as_deref()).collect::<Vec<_>>() as _,
    );
    let products = products.fetch_all(db).await;
    let mut products = products.map_err(|error| constraint::of_many(error, CONSTRAINTS, new))?;
    // What RETURNING returns has no order.
    products.sort_unstable_by_key(|product| product.id);
    Ok(products)
}

/// Keeps what clients decide as it is in `product`; returns it with its new version.
pub async fn update(db: &mut db::Connection, product: Product) -> Result<Product, AppError> {
    let product = sqlx::query_as!(
        Product,
        "UPDATE products
        SET category_id = $2, sku = $3, name = $4, price = $5, weight = $6, stock = $7,
            released = $8, homepage = $9, details = $10, supplier_code = $11, updated_at = now(),
            version = version + 1
        WHERE id = $1
        RETURNING id, category_id, sku, name, price, weight, stock, released, homepage, details,
            supplier_code, created_at, updated_at, version",
        product.id,
        product.category_id,
        product.sku,
        product.name,
        product.price,
        product.weight,
        product.stock,
        product.released,
        product.homepage.as_deref(),
        product.details,
        product.supplier_code.as_deref(),
    );
    product.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Deletes one.
pub async fn delete(db: &mut db::Connection, id: Uuid) -> Result<(), AppError> {
    let deleted = sqlx::query!("DELETE FROM products WHERE id = $1", id).execute(db).await;
    deleted.map(drop).map_err(constraint::of_delete)
}

impl sqlx::FromRow<'_, PgRow> for Product {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            category_id: row.try_get("category_id")?,
            sku: row.try_get("sku")?,
            name: row.try_get("name")?,
            price: row.try_get("price")?,
            weight: row.try_get("weight")?,
            stock: row.try_get("stock")?,
            released: row.try_get("released")?,
            homepage: row.try_get("homepage")?,
            details: row.try_get("details")?,
            supplier_code: row.try_get("supplier_code")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            version: row.try_get("version")?,
        })
    }
}
