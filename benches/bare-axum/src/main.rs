//! Axum with two routes: no log, no metrics, no limit, no middleware.

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new().route("/health/live", get(live)).route("/api/v1/info", get(info));
    let listener = TcpListener::bind(std::env::var("HTTP_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into())).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await
}

async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn info() -> Json<Value> {
    Json(json!({"name": "bare-axum", "version": env!("CARGO_PKG_VERSION"), "revision": "unknown"}))
}
