//! Categories in the database: all of their SQL.

use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::domain::{Category, CategoryFilter, NewCategory};
use crate::{
    constraint, db,
    error::AppError,
    paging::{self, narrow},
};

/// What a listing may be sorted by.
pub const SORTING: paging::Sorting<Category> = paging::Sorting {
    default: "-created_at",
    id: |category| category.id,
    columns: &[
        paging::Column {
            name: "created_at",
            sql: "created_at",
            value: paging::By::DateTime(|category| category.created_at),
        },
        paging::Column {
            name: "updated_at",
            sql: "updated_at",
            value: paging::By::DateTime(|category| category.updated_at),
        },
        paging::Column {
            name: "name",
            sql: "name",
            value: paging::By::Text(|category| category.name.clone()),
        },
        paging::Column {
            name: "rank",
            sql: "rank",
            value: paging::By::Int(|category| category.rank.into()),
        },
    ],
};

/// What only the database can judge.
const CONSTRAINTS: &[constraint::Constraint<NewCategory>] = &[
    constraint::Constraint {
        name: "categories_name_key",
        field: "name",
        value: |category| Some(category.name.clone()),
    },
    constraint::Constraint {
        name: "categories_parent_id_fkey",
        field: "parent_id",
        value: |category| category.parent_id.map(|value| value.to_string()),
    },
];

/// A page of those that `filter` lets through.
pub async fn list(
    db: &db::Pool,
    filter: CategoryFilter,
    paging: paging::Paging<Category>,
) -> Result<paging::Page<Category>, AppError> {
    let mut query = sqlx::QueryBuilder::<db::Driver>::new(
        "SELECT id, name, parent_id, rank, visible, created_at, updated_at, version
        FROM categories WHERE TRUE",
    );
    narrow(&mut query, "name =", filter.name);
    narrow(&mut query, "parent_id =", filter.parent_id);
    narrow(&mut query, "rank =", filter.rank);
    narrow(&mut query, "visible =", filter.visible);
    narrow(&mut query, "created_at >=", filter.created_at_from);
    narrow(&mut query, "created_at <", filter.created_at_to);
    paging.finish(&mut query);
    let categories = query.build_query_as().fetch_all(db).await?;
    Ok(paging.page(categories))
}

/// Those of `ids` that are there.
pub async fn find_all(db: &db::Pool, ids: &[Uuid]) -> Result<Vec<Category>, AppError> {
    let categories = sqlx::query_as!(
        Category,
        "SELECT id, name, parent_id, rank, visible, created_at, updated_at, version
        FROM categories WHERE id = ANY($1)",
        ids,
    );
    Ok(categories.fetch_all(db).await?)
}

/// One, if it is there.
pub async fn find(db: &db::Pool, id: Uuid) -> Result<Option<Category>, AppError> {
    let category = sqlx::query_as!(
        Category,
        "SELECT id, name, parent_id, rank, visible, created_at, updated_at, version
        FROM categories WHERE id = $1",
        id,
    );
    Ok(category.fetch_optional(db).await?)
}

/// One, if it is there, which nobody else changes until the transaction ends.
pub async fn lock(db: &mut db::Connection, id: Uuid) -> Result<Option<Category>, AppError> {
    let category = sqlx::query_as!(
        Category,
        "SELECT id, name, parent_id, rank, visible, created_at, updated_at, version
        FROM categories WHERE id = $1 FOR NO KEY UPDATE",
        id,
    );
    Ok(category.fetch_optional(db).await?)
}

/// A new one.
pub async fn insert(
    db: &mut db::Connection,
    id: Uuid,
    new: &NewCategory,
) -> Result<Category, AppError> {
    let category = sqlx::query_as!(
        Category,
        "INSERT INTO categories (id, name, parent_id, rank, visible)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id, name, parent_id, rank, visible, created_at, updated_at, version",
        id,
        new.name,
        new.parent_id,
        new.rank,
        new.visible,
    );
    category.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// New ones, in one statement; in the order of their ids.
pub async fn insert_all(
    db: &mut db::Connection,
    ids: &[Uuid],
    new: &[NewCategory],
) -> Result<Vec<Category>, AppError> {
    let categories = sqlx::query_as!(
        Category,
        "INSERT INTO categories (id, name, parent_id, rank, visible)
        SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::boolean[])
        RETURNING id, name, parent_id, rank, visible, created_at, updated_at, version",
        ids,
        &new.iter().map(|category| category.name.as_str()).collect::<Vec<_>>() as _,
        &new.iter().map(|category| category.parent_id).collect::<Vec<_>>() as _,
        &new.iter().map(|category| category.rank).collect::<Vec<_>>() as _,
        &new.iter().map(|category| category.visible).collect::<Vec<_>>() as _,
    );
    let categories = categories.fetch_all(db).await;
    let mut categories =
        categories.map_err(|error| constraint::of_many(error, CONSTRAINTS, new))?;
    // What RETURNING returns has no order.
    categories.sort_unstable_by_key(|category| category.id);
    Ok(categories)
}

/// Keeps what clients decide as it is in `category`; returns it with its new version.
pub async fn update(db: &mut db::Connection, category: Category) -> Result<Category, AppError> {
    let category = sqlx::query_as!(
        Category,
        "UPDATE categories
        SET name = $2, parent_id = $3, rank = $4, visible = $5, updated_at = now(),
            version = version + 1
        WHERE id = $1
        RETURNING id, name, parent_id, rank, visible, created_at, updated_at, version",
        category.id,
        category.name,
        category.parent_id,
        category.rank,
        category.visible,
    );
    category.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Deletes one.
pub async fn delete(db: &mut db::Connection, id: Uuid) -> Result<(), AppError> {
    let deleted = sqlx::query!("DELETE FROM categories WHERE id = $1", id).execute(db).await;
    deleted.map(drop).map_err(constraint::of_delete)
}

impl sqlx::FromRow<'_, PgRow> for Category {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            parent_id: row.try_get("parent_id")?,
            rank: row.try_get("rank")?,
            visible: row.try_get("visible")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            version: row.try_get("version")?,
        })
    }
}
