//! Customers in the database.

use sqlx::{FromRow, QueryBuilder, Row};
use uuid::Uuid;

use super::domain::{Customer, CustomerFilter, NewCustomer};
use crate::{
    constraint::{self, Constraint},
    db::{self, Connection, Pool},
    error::AppError,
    paging::{By, Column, Page, Paging, Sorting, narrow},
};

/// What a listing may be sorted by.
pub const SORTING: Sorting<Customer> = Sorting {
    default: "-created_at",
    id: |customer| customer.id,
    columns: &[
        Column {
            name: "created_at",
            sql: "created_at",
            value: By::DateTime(|customer| customer.created_at),
        },
        Column {
            name: "updated_at",
            sql: "updated_at",
            value: By::DateTime(|customer| customer.updated_at),
        },
        Column { name: "name", sql: "name", value: By::Text(|customer| customer.name.clone()) },
        Column { name: "email", sql: "email", value: By::Text(|customer| customer.email.clone()) },
    ],
};

/// What only the database can judge.
const CONSTRAINTS: &[Constraint<NewCustomer>] = &[Constraint {
    name: "customers_email_key",
    field: "email",
    value: |customer| customer.email.clone(),
}];

/// A page of those that `filter` lets through.
pub async fn list(
    db: &Pool,
    filter: CustomerFilter,
    paging: Paging<Customer>,
) -> Result<Page<Customer>, AppError> {
    let mut query = QueryBuilder::<db::Backend>::new(
        "SELECT id, name, email, born, created_at, updated_at, version FROM customers WHERE TRUE",
    );
    narrow(&mut query, "name =", filter.name);
    narrow(&mut query, "email =", filter.email);
    narrow(&mut query, "born =", filter.born);
    narrow(&mut query, "created_at >=", filter.created_at_from);
    narrow(&mut query, "created_at <", filter.created_at_to);
    paging.finish(&mut query);
    let customers = query.build_query_as().fetch_all(db).await?;
    Ok(paging.page(customers))
}

/// Those of `ids` that are there.
pub async fn find_all(db: &Pool, ids: &[Uuid]) -> Result<Vec<Customer>, AppError> {
    let customers = sqlx::query_as!(
        Customer,
        r#"SELECT id, name, email, born, created_at, updated_at, version
        FROM customers
        WHERE id = ANY($1)"#,
        ids,
    );
    Ok(customers.fetch_all(db).await?)
}

/// One, if it is there.
pub async fn find(db: &Pool, id: Uuid) -> Result<Option<Customer>, AppError> {
    let customer = sqlx::query_as!(
        Customer,
        r#"SELECT id, name, email, born, created_at, updated_at, version
        FROM customers
        WHERE id = $1"#,
        id,
    );
    Ok(customer.fetch_optional(db).await?)
}

/// One, if it is there, which nobody else changes until the transaction ends.
pub async fn lock(db: &mut Connection, id: Uuid) -> Result<Option<Customer>, AppError> {
    let customer = sqlx::query_as!(
        Customer,
        r#"SELECT id, name, email, born, created_at, updated_at, version
        FROM customers
        WHERE id = $1
        FOR NO KEY UPDATE"#,
        id,
    );
    Ok(customer.fetch_optional(db).await?)
}

/// A new one.
pub async fn insert(
    db: &mut Connection,
    id: Uuid,
    new: &NewCustomer,
) -> Result<Customer, AppError> {
    let customer = sqlx::query_as!(
        Customer,
        r#"INSERT INTO customers (id, name, email, born)
        VALUES ($1, $2, $3, $4)
        RETURNING id, name, email, born, created_at, updated_at, version"#,
        id,
        new.name,
        new.email,
        new.born,
    );
    customer.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// New ones, in one statement; in the order of their ids.
pub async fn insert_all(
    db: &mut Connection,
    ids: &[Uuid],
    new: &[NewCustomer],
) -> Result<Vec<Customer>, AppError> {
    let name: Vec<_> = new.iter().map(|customer| customer.name.as_str()).collect();
    let email: Vec<_> = new.iter().map(|customer| customer.email.as_str()).collect();
    let born: Vec<_> = new.iter().map(|customer| customer.born).collect();
    let customers = sqlx::query_as!(
        Customer,
        r#"INSERT INTO customers (id, name, email, born)
        SELECT UNNEST($1::UUID[]), UNNEST($2::TEXT[]), UNNEST($3::TEXT[]), UNNEST($4::DATE[])
        RETURNING id, name, email, born, created_at, updated_at, version"#,
        ids,
        &name as _,
        &email as _,
        &born as _,
    );
    let customers = customers.fetch_all(db).await;
    let mut customers = customers.map_err(|error| constraint::of_many(error, CONSTRAINTS, new))?;
    // What RETURNING returns has no order.
    customers.sort_unstable_by_key(|customer| customer.id);
    Ok(customers)
}

/// Keeps what clients decide as it is in `customer`; returns it with its new version.
pub async fn update(db: &mut Connection, customer: &Customer) -> Result<Customer, AppError> {
    let customer = sqlx::query_as!(
        Customer,
        r#"UPDATE customers
        SET name = $2, email = $3, born = $4, updated_at = now(), version = version + 1
        WHERE id = $1
        RETURNING id, name, email, born, created_at, updated_at, version"#,
        customer.id,
        customer.name,
        customer.email,
        customer.born,
    );
    customer.fetch_one(db).await.map_err(|error| constraint::of_one(error, CONSTRAINTS))
}

/// Deletes one.
pub async fn delete(db: &mut Connection, id: Uuid) -> Result<(), AppError> {
    let deleted = sqlx::query!("DELETE FROM customers WHERE id = $1", id).execute(db).await;
    deleted.map(drop).map_err(constraint::of_delete)
}

impl FromRow<'_, db::Row> for Customer {
    fn from_row(row: &db::Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            email: row.try_get("email")?,
            born: row.try_get("born")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            version: row.try_get("version")?,
        })
    }
}
