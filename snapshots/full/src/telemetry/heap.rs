//! The heap profile, in builds with the feature `heap-profile`.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
};

use crate::error::Error;

/// `GET /debug/heap` beside the metrics: a profile for `pprof`, of samples since the start.
///
/// # Errors
/// `MALLOC_CONF` does not have `prof:true`.
pub async fn profile() -> Result<impl IntoResponse, Error> {
    let off = || Error::unavailable("start the service with MALLOC_CONF=prof:true");
    let mut profiler = jemalloc_pprof::PROF_CTL.as_ref().ok_or_else(off)?.lock().await;
    if !profiler.activated() {
        return Err(off());
    }
    let profile = profiler.dump_pprof().map_err(Error::internal)?;
    let kind: (HeaderName, HeaderValue) =
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(([kind], profile))
}
