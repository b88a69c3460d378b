//! Writes that happen once, however often they are sent: `Idempotency-Key`.
//!
//! The answer is kept in the transaction of the write. Either both are there or neither is,
//! whenever a process dies.

use std::{fmt::Write, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use chrono::{SubsecRound, Utc};
use garde::Validate;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use utoipa::IntoParams;

use crate::{
    auth::CurrentUser,
    background::Background,
    db::{self, Connection, Pool},
    error::{AppError, FaultCode, FieldFault},
    extract,
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
    key: String,
    /// Of all that the request asks for.
    fingerprint: String,
}

/// What was answered, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
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
        let (mut parts, body) = request.into_parts();
        let client = CurrentUser::from_request_parts(&mut parts, state).await?.id;
        let key = parts.headers.get(&IDEMPOTENCY_KEY).map(readable).transpose()?;
        let (method, uri) = (parts.method.clone(), parts.uri.clone());

        let body = extract::read(Request::from_parts(parts, body), state).await?;
        let key = key.map(|key| Hashes {
            key: hash(&[client.to_string().as_bytes(), key.as_bytes()]),
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

    /// The same for work that is one statement: without a key there is no transaction around it,
    /// which would cost two more trips to the database.
    ///
    /// # Errors
    /// Those of [`Key::run`].
    pub async fn run_statement(
        self,
        db: &Pool,
        work: impl AsyncFnOnce(&mut Connection) -> Result<Response, AppError>,
    ) -> Result<Response, AppError> {
        if self.0.is_none() {
            return work(&mut *db.acquire().await?).await;
        }
        self.run(db, work).await
    }
}

impl Hashes {
    /// Holds the key until the transaction ends; the answer of an earlier request, if there is one.
    async fn earlier(&self, db: &mut Connection) -> Result<Option<Response>, AppError> {
        let held = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1::text, 0)) AS "held!""#,
            self.key,
        );
        if !held.fetch_one(&mut *db).await? {
            let detail = "Another request with this Idempotency-Key is still being served.";
            return Err(AppError::Conflict(detail.to_owned()));
        }
        let kept = sqlx::query!(
            r#"SELECT fingerprint, answer AS "answer: Json<Answer>"
            FROM idempotency_keys WHERE hash = $1"#,
            self.key,
        );
        let Some(kept) = kept.fetch_optional(db).await? else {
            return Ok(None);
        };
        if kept.fingerprint != self.fingerprint {
            return Err(invalid("stands for another request already"));
        }
        kept.answer.0.again().map(Some)
    }

    async fn keep(&self, db: &mut Connection, answer: Response) -> Result<Response, AppError> {
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(AppError::internal)?.to_bytes();
        let kept = KEPT.iter().filter_map(|name| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        });
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: kept.collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        sqlx::query!(
            "INSERT INTO idempotency_keys (hash, fingerprint, answer, kept_at)
            VALUES ($1, $2, $3, $4)",
            self.key,
            self.fingerprint,
            Json(answer) as _,
            Utc::now().trunc_subsecs(6),
        )
        .execute(db)
        .await?;
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

impl Answer {
    fn again(self) -> Result<Response, AppError> {
        let mut answer = Response::new(Body::from(self.body));
        *answer.status_mut() = StatusCode::from_u16(self.status).map_err(AppError::internal)?;
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name).map_err(AppError::internal)?;
            let value = HeaderValue::try_from(value).map_err(AppError::internal)?;
            answer.headers_mut().insert(name, value);
        }
        answer.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        Ok(answer)
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
    let oldest = Utc::now() - ttl;
    sqlx::query!("DELETE FROM idempotency_keys WHERE kept_at < $1", oldest).execute(db).await?;
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

/// Of the parts and of where each ends, in hexadecimal.
fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
