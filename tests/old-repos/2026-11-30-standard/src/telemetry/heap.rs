//! What holds the memory, for builds with the feature `heap-profile`.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
};

use crate::error::AppError;

/// `GET /debug/heap` beside the metrics: a profile for `pprof`, of samples since the start.
///
/// # Errors
/// 503 where `MALLOC_CONF` does not say `prof:true`.
pub async fn profile() -> Result<impl IntoResponse, AppError> {
    let off = || AppError::Unavailable("start the service with MALLOC_CONF=prof:true".into());
    let mut profiler = jemalloc_pprof::PROF_CTL.as_ref().ok_or_else(off)?.lock().await;
    if !profiler.activated() {
        return Err(off());
    }
    let profile = profiler.dump_pprof().map_err(AppError::internal)?;
    let kind: (HeaderName, HeaderValue) =
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(([kind], profile))
}
