//! All SQL of categories.

use uuid::Uuid;

use super::{domain::CategoryRow, dto};
use crate::{
    db::{
        self,
        constraint::{self, Constraint},
        listing::{Column, Listed, Page, PageQuery, Sorting, narrow},
        rows::{self, Related},
    },
    error::Error,
};

impl Listed for dto::CategoryFilter {
    type Row = CategoryRow;

    const SORTING: &'static Sorting<CategoryRow> = &Sorting {
        id: |row| row.id,
        columns: &[
            Column::datetime("created_at", |row| row.created_at),
            Column::text("name", |row| row.name.as_str()),
            Column::int("rank", |row| row.rank.into()),
        ],
    };
}

/// Constraints that clients can break, and their fields.
const CONSTRAINTS: &[Constraint<dto::NewCategory>] = &[
    Constraint::new("categories_name_key", "name", |new| Some(new.name.clone())),
    Constraint::new("categories_parent_id_fkey", "parent_id", |new| {
        new.parent_id.map(|value| value.to_string())
    }),
];

/// A page of the rows that match `filter`.
pub async fn list(
    db: &db::Pool,
    filter: dto::CategoryFilter,
    page: PageQuery<CategoryRow>,
) -> Result<Page<CategoryRow>, Error> {
    let mut query = sqlx::QueryBuilder::<db::Driver>::new(
        "SELECT id, name, parent_id, rank, visible, created_at, updated_at, version
        FROM categories WHERE TRUE",
    );
    narrow(&mut query, "name =", filter.name);
    narrow(&mut query, "parent_id =", filter.parent_id);
    narrow(&mut query, "rank =", filter.rank);
    narrow(&mut query, "visible =", filter.visible);
    Ok(page.fetch(query, db).await?)
}

/// The rows with these IDs, in their order.
pub async fn find_all(db: &db::Pool, ids: &[Uuid]) -> Result<Related<CategoryRow>, Error> {
    let rows = sqlx::query_as!(
        CategoryRow,
        "SELECT id, name, parent_id, rank, visible, created_at, updated_at, version
        FROM categories WHERE id = ANY($1) ORDER BY array_position($1, id)",
        ids,
    );
    Ok(Related::read(rows.fetch(db), |row| row.id).await?)
}

/// The row with this id.
pub async fn find(db: &db::Pool, id: Uuid) -> Result<Option<CategoryRow>, Error> {
    let row = sqlx::query_as!(
        CategoryRow,
        "SELECT id, name, parent_id, rank, visible, created_at, updated_at, version
        FROM categories WHERE id = $1",
        id,
    );
    Ok(row.fetch_optional(db).await?)
}

/// The rows with these IDs, locked until the transaction ends. They are locked in the order of
/// their IDs, so that two transactions cannot deadlock.
pub async fn lock(db: &mut db::Connection, ids: &[Uuid]) -> Result<Vec<CategoryRow>, Error> {
    let rows = sqlx::query_as!(
        CategoryRow,
        "SELECT id, name, parent_id, rank, visible, created_at, updated_at, version
        FROM categories WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        ids,
    );
    rows::read_all(rows.fetch(db)).await
}

/// Insert a row.
pub async fn insert(
    db: &mut db::Connection,
    id: Uuid,
    new: &dto::NewCategory,
) -> Result<CategoryRow, Error> {
    let row = sqlx::query_as!(
        CategoryRow,
        "INSERT INTO categories (id, name, parent_id, rank, visible)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id, name, parent_id, rank, visible, created_at, updated_at, version",
        id,
        new.name,
        new.parent_id,
        new.rank,
        new.visible,
    );
    row.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Insert rows in one statement. They come back in the order of their ids.
pub async fn insert_all(
    db: &mut db::Connection,
    ids: &[Uuid],
    items: &[dto::NewCategory],
) -> Result<Vec<CategoryRow>, Error> {
    let rows = sqlx::query_as!(
        CategoryRow,
        "INSERT INTO categories (id, name, parent_id, rank, visible)
        SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::boolean[])
        RETURNING id, name, parent_id, rank, visible, created_at, updated_at, version",
        ids,
        &items.iter().map(|new| new.name.as_str()).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.parent_id).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.rank).collect::<Vec<_>>() as _,
        &items.iter().map(|new| new.visible).collect::<Vec<_>>() as _,
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
    rows: &[CategoryRow],
) -> Result<Vec<CategoryRow>, Error> {
    let updated = sqlx::query_as!(
        CategoryRow,
        "UPDATE categories
        SET name = _new.name, parent_id = _new.parent_id, rank = _new.rank, visible = _new.visible,
            updated_at = now(), version = categories.version + 1
        FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::boolean[])
            AS _new (id, name, parent_id, rank, visible)
        WHERE categories.id = _new.id
        RETURNING categories.id, categories.name, categories.parent_id, categories.rank,
            categories.visible, categories.created_at, categories.updated_at, categories.version",
        &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.parent_id).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.rank).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.visible).collect::<Vec<_>>() as _,
    );
    updated.fetch_all(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Delete a row.
pub async fn delete(db: &mut db::Connection, id: Uuid) -> Result<(), Error> {
    let deleted = sqlx::query!("DELETE FROM categories WHERE id = $1", id).execute(db).await;
    deleted.map(drop).map_err(constraint::of_delete)
}
