//! Writes that happen once, however often they are sent: `Idempotency-Key`.
//!
//! The answer is kept in the transaction of the write. Either both are there or neither is,
//! whenever a process dies.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, FromRequest, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use garde::Validate;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use utoipa::IntoParams;

use crate::{
    background::Background,
    db::{self, Connection, Pool},
    error::{AppError, FaultCode, FieldFault},
    extract,
    rate_limit::Client,
    state::AppState,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that an answer is the one of an earlier request.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Headers that are kept with an answer; the rest is of the request that is being served.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

const CLEAN_UP_PERIOD: Duration = Duration::from_mins(10);

/// A valid JSON body whose effect happens once for each key that its client sends along.
pub struct Once<T> {
    /// The body.
    pub body: T,
    /// How it is to be done.
    pub key: Key,
}

/// What tells the request from others; `None` where its client sent no key.
pub struct Key(Option<Hashes>);

struct Hashes {
    /// Of the client and its key.
    id: [u8; 32],
    /// Of all that the request asks for.
    fingerprint: [u8; 32],
}

/// For the API's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes a header that is read by hand")]
pub struct IdempotencyKey {
    /// Names this write. The same key with the same request is answered as the first time, with
    /// nothing written again.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, pattern = "^[!-~]{1,255}$", example = "order-7f3a")]
    idempotency_key: Option<String>,
}

impl<T> FromRequest<AppState> for Once<T>
where
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = AppError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, AppError> {
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let peer = peer.ok_or_else(|| AppError::internal("the router knows no peers"))?;
        let client = Client::of(peer, &parts.headers, state.config.trusted_proxies);
        let key = parts.headers.get(&IDEMPOTENCY_KEY).map(readable).transpose()?;
        let (method, uri) = (parts.method.clone(), parts.uri.clone());

        let body = extract::read(Request::from_parts(parts, body), state).await?;
        let key = key.map(|key| Hashes {
            id: hash(&[client.to_string().as_bytes(), key.as_bytes()]),
            fingerprint: hash(&[method.as_str().as_bytes(), uri.to_string().as_bytes(), &body]),
        });
        Ok(Self { body: extract::parse(&body)?, key: Key(key) })
    }
}

impl Key {
    /// Does `work` in a transaction, or answers as the first time.
    ///
    /// # Errors
    /// Those of `work`: nothing is kept then, and the client may try again. Also 409 while another
    /// request works under this key, and 422 where the key stands for another request.
    pub async fn run(
        self,
        db: &Pool,
        work: impl AsyncFnOnce(&mut Connection) -> Result<Response, AppError>,
    ) -> Result<Response, AppError> {
        let mut transaction = db::begin(db).await?;
        if let Some(hashes) = &self.0
            && let Some(answer) = hashes.earlier(&mut transaction).await?
        {
            return Ok(answer);
        }
        let mut answer = work(&mut transaction).await?;
        if let Some(hashes) = &self.0 {
            answer = hashes.keep(&mut transaction, answer).await?;
        }
        transaction.commit().await?;
        Ok(answer)
    }
}

impl Hashes {
    /// Holds the key until the transaction ends; the answer of an earlier request, if there is one.
    async fn earlier(&self, db: &mut Connection) -> Result<Option<Response>, AppError> {
        let number = i64::from_be_bytes(*self.id.first_chunk().expect("there are 32"));
        let held =
            sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "held!""#, number)
                .fetch_one(&mut *db)
                .await?;
        if !held {
            let detail = "Another request with this Idempotency-Key is still being served.";
            return Err(AppError::Conflict(detail.to_owned()));
        }
        let kept = sqlx::query!(
            r#"SELECT fingerprint, status, headers AS "headers: Json<Vec<(String, String)>>", body
            FROM idempotency_keys WHERE id = $1"#,
            &self.id,
        )
        .fetch_optional(db)
        .await?;
        let Some(kept) = kept else {
            return Ok(None);
        };
        if kept.fingerprint != self.fingerprint {
            return Err(invalid("stands for another request already"));
        }
        let mut answer = Response::new(Body::from(kept.body));
        let status = u16::try_from(kept.status).map_err(AppError::internal)?;
        *answer.status_mut() = StatusCode::from_u16(status).map_err(AppError::internal)?;
        for (name, value) in kept.headers.0 {
            let name = HeaderName::try_from(name).map_err(AppError::internal)?;
            let value = HeaderValue::try_from(value).map_err(AppError::internal)?;
            answer.headers_mut().insert(name, value);
        }
        answer.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        Ok(Some(answer))
    }

    async fn keep(&self, db: &mut Connection, answer: Response) -> Result<Response, AppError> {
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(AppError::internal)?.to_bytes();
        let headers: Vec<_> = KEPT
            .iter()
            .filter_map(|name| Some((name.as_str(), parts.headers.get(name)?.to_str().ok()?)))
            .collect();
        sqlx::query!(
            "INSERT INTO idempotency_keys (id, fingerprint, status, headers, body)
            VALUES ($1, $2, $3, $4, $5)",
            &self.id,
            &self.fingerprint,
            i16::try_from(parts.status.as_u16()).expect("three digits"),
            Json(headers) as _,
            &body[..],
        )
        .execute(db)
        .await?;
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

/// Deletes what is older than `ttl`, now and then.
pub fn clean_up(background: &Background, db: &Pool, ttl: Duration) {
    let db = db.clone();
    background.every("idempotency_clean_up", CLEAN_UP_PERIOD, move || {
        let db = db.clone();
        async move {
            if let Err(error) = delete_older(&db, ttl).await {
                tracing::warn!(cause = %error, "old idempotency keys are still there");
            }
        }
    });
}

async fn delete_older(db: &Pool, ttl: Duration) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(secs => $1)",
        ttl.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

fn readable(key: &HeaderValue) -> Result<String, AppError> {
    let fit =
        |key: &&str| (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    let key = key.to_str().ok().filter(fit);
    key.map(str::to_owned)
        .ok_or_else(|| invalid("not 1 to 255 printable characters without spaces"))
}

fn invalid(detail: &str) -> AppError {
    let pointer = format!("/{IDEMPOTENCY_KEY}");
    AppError::Invalid(vec![FieldFault {
        pointer,
        detail: detail.to_owned(),
        code: FaultCode::Invalid,
    }])
}

/// Of the parts and of where each ends.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
