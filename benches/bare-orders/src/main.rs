//! Orders over HTTP from PostgreSQL and Redis: no account, log, limit, check or middleware.

use std::env::var;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, Utc};
use mimalloc::MiMalloc;
use redis::{AsyncCommands, aio::ConnectionManager};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Clone)]
struct Stores {
    db: PgPool,
    /// `None`: rows come from the database each time.
    redis: Option<ConnectionManager>,
}

#[derive(Serialize, sqlx::FromRow)]
struct Order {
    id: Uuid,
    customer_id: Uuid,
    status: String,
    total: Decimal,
    note: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

#[derive(Deserialize)]
struct NewOrder {
    customer_id: Uuid,
    status: String,
    total: Decimal,
    note: Option<String>,
}

#[derive(Deserialize)]
struct Listing {
    limit: i64,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Order>,
}

/// Whatever it is, the load has failed.
struct Failed;

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        eprintln!("{error}");
        Self
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connections = var("DATABASE_MAX_CONNECTIONS")?.parse()?;
    let pool = PgPoolOptions::new().max_connections(connections).test_before_acquire(false);
    let redis = redis::Client::open(var("REDIS_URL")?)?;
    let stores = Stores {
        db: pool.connect_lazy(&var("DATABASE_URL")?)?,
        redis: match var("CACHE")?.as_str() {
            "false" => None,
            _ => Some(ConnectionManager::new(redis).await?),
        },
    };
    let app = Router::new()
        .route("/health/ready", get(ready))
        .route("/api/v1/orders", get(list).post(create))
        .route("/api/v1/orders/{id}", get(read))
        .with_state(stores);
    let listener = TcpListener::bind(var("HTTP_ADDR")?).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), app)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await?;
    Ok(())
}

async fn ready(State(stores): State<Stores>) -> Result<&'static str, Failed> {
    sqlx::query("SELECT 1").execute(&stores.db).await?;
    Ok("ok")
}

async fn read(State(mut stores): State<Stores>, Path(id): Path<Uuid>) -> Result<Response, Failed> {
    let Some(redis) = &mut stores.redis else {
        return Ok(Json(find(&stores.db, id).await?).into_response());
    };
    let key = format!("bare:{id}");
    let kept: Option<Vec<u8>> = redis.get(&key).await?;
    let json = match kept {
        Some(json) => json,
        None => {
            let json = serde_json::to_vec(&find(&stores.db, id).await?)?;
            let () = redis.set_ex(&key, &json, 300).await?;
            json
        }
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], Bytes::from(json)).into_response())
}

async fn find(db: &PgPool, id: Uuid) -> sqlx::Result<Order> {
    let order = sqlx::query_as(
        "SELECT id, customer_id, status, total, note, created_at, updated_at, version
        FROM orders WHERE id = $1",
    );
    order.bind(id).fetch_one(db).await
}

async fn list(State(stores): State<Stores>, Query(listing): Query<Listing>) -> Result<Json<Page>, Failed> {
    let orders = sqlx::query_as(
        "SELECT id, customer_id, status, total, note, created_at, updated_at, version
        FROM orders ORDER BY created_at DESC, id DESC LIMIT $1",
    );
    Ok(Json(Page { items: orders.bind(listing.limit).fetch_all(&stores.db).await? }))
}

async fn create(State(stores): State<Stores>, Json(new): Json<NewOrder>) -> Result<(StatusCode, Json<Order>), Failed> {
    let order = sqlx::query_as(
        "INSERT INTO orders (id, customer_id, status, total, note) VALUES ($1, $2, $3, $4, $5)
        RETURNING id, customer_id, status, total, note, created_at, updated_at, version",
    );
    let order = order.bind(Uuid::now_v7()).bind(new.customer_id).bind(new.status).bind(new.total).bind(new.note);
    Ok((StatusCode::CREATED, Json(order.fetch_one(&stores.db).await?)))
}
