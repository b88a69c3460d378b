//! Writes that take effect once, however often they are sent: `Idempotency-Key`.
//!
//! The response is stored in the transaction of the write: either both are there or neither is,
//! whenever a process dies.

use std::{fmt::Write, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use garde::Validate;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use super::{caller::Caller, extract, problem::Problem};
use crate::{
    background::Background,
    db::{self, Connection, Pool},
    error::{Error, FaultCode, FieldFault},
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Marks the response of an earlier request.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Headers that are stored with a response; the others belong to the current request.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

const CLEAN_UP_PERIOD: Duration = Duration::from_mins(10);

/// A valid JSON body that takes effect once for each key of its client.
pub struct Once<T> {
    /// The body.
    pub body: T,
    /// The key.
    pub key: Key,
}

/// The key of a request; `None` where its client sent none.
pub struct Key(Option<Hashes>);

struct Hashes {
    /// Hash of the client and its key.
    key: String,
    /// Hash of the method, the URI and the body.
    fingerprint: String,
}

/// A stored response.
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
    /// Key of the write. A retry with the same key and the same request gets the first response
    /// again, without another write.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, pattern = "^[!-~]{1,255}$", example = "order-7f3a")]
    idempotency_key: Option<String>,
}

impl<S, T> FromRequest<S> for Once<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let client = Caller::from_request_parts(&mut parts, state).await?.client();
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
    /// Does `work` in a transaction, or returns the first response again.
    ///
    /// # Errors
    /// The errors of `work`: nothing is stored, and the client may retry. [`Error::InProgress`]
    /// while another request with the key is in progress; [`Error::Invalid`] if the key belongs to
    /// a different request.
    pub async fn run(
        self,
        db: &Pool,
        work: impl AsyncFnOnce(&mut Connection) -> Result<Response, Error>,
    ) -> Result<Response, Error> {
        let mut transaction = db::begin(db).await?;
        match self.answer(&mut transaction, work).await {
            Ok(answer) => {
                transaction.commit().await?;
                Ok(answer)
            }
            Err(error) => {
                // Before the response, so that an immediate retry finds the key unlocked.
                transaction.rollback().await.ok();
                Err(error)
            }
        }
    }

    async fn answer(
        &self,
        db: &mut Connection,
        work: impl AsyncFnOnce(&mut Connection) -> Result<Response, Error>,
    ) -> Result<Response, Error> {
        let Some(hashes) = &self.0 else {
            return work(db).await;
        };
        if let Some(answer) = hashes.earlier(db).await? {
            return Ok(answer);
        }
        let answer = work(db).await?;
        hashes.keep(db, answer).await
    }

    /// The same for work of one statement: without a key there is no transaction, which would cost
    /// two more round trips.
    ///
    /// # Errors
    /// The errors of [`Key::run`].
    pub async fn run_statement(
        self,
        db: &Pool,
        work: impl AsyncFnOnce(&mut Connection) -> Result<Response, Error>,
    ) -> Result<Response, Error> {
        if self.0.is_none() {
            return work(&mut *db.acquire().await?).await;
        }
        self.run(db, work).await
    }
}

impl Hashes {
    /// Locks the key until the transaction ends. Returns the response of an earlier request.
    async fn earlier(&self, db: &mut Connection) -> Result<Option<Response>, Error> {
        if !db::try_lock_key(db, &self.key).await? {
            return Err(Error::InProgress);
        }
        let kept = sqlx::query!(
            r#"SELECT fingerprint, answer AS "answer: Json<Answer>"
            FROM http_idempotency_keys WHERE hash = $1"#,
            self.key,
        );
        let Some(kept) = kept.fetch_optional(db).await? else {
            return Ok(None);
        };
        if kept.fingerprint != self.fingerprint {
            return Err(invalid("belongs to a different request"));
        }
        kept.answer.0.again().map(Some)
    }

    async fn keep(&self, db: &mut Connection, answer: Response) -> Result<Response, Error> {
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(Error::internal)?.to_bytes();
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
            "INSERT INTO http_idempotency_keys (hash, fingerprint, answer, kept_at)
            VALUES ($1, $2, $3, now())",
            self.key,
            self.fingerprint,
            Json(answer) as _,
        )
        .execute(db)
        .await?;
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

impl Answer {
    fn again(self) -> Result<Response, Error> {
        let mut answer = Response::new(Body::from(self.body));
        *answer.status_mut() = StatusCode::from_u16(self.status).map_err(Error::internal)?;
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name).map_err(Error::internal)?;
            let value = HeaderValue::try_from(value).map_err(Error::internal)?;
            answer.headers_mut().insert(name, value);
        }
        answer.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        Ok(answer)
    }
}

/// Deletes keys older than `ttl`, every ten minutes.
pub fn clean_up(background: &Background, db: &Pool, ttl: Duration) {
    let (db, stopping) = (db.clone(), background.stopping());
    background.every("idempotency_clean_up", CLEAN_UP_PERIOD, move || {
        let (db, stopping) = (db.clone(), stopping.clone());
        async move {
            if let Err(error) = delete_older(db, ttl, stopping).await {
                tracing::warn!(cause = %error, "old idempotency keys were not deleted; the next run retries");
            }
        }
    });
}

async fn delete_older(db: Pool, ttl: Duration, stopping: CancellationToken) -> sqlx::Result<()> {
    db::in_batches(db, "idempotency_clean_up", stopping, async move |db, now| {
        let batch = sqlx::query!(
            "DELETE FROM http_idempotency_keys WHERE hash IN
                (SELECT hash FROM http_idempotency_keys WHERE kept_at < $1 LIMIT $2)",
            now - ttl,
            db::BATCH,
        );
        Ok(batch.execute(db).await?.rows_affected())
    })
    .await
}

fn readable(key: &HeaderValue) -> Result<String, Error> {
    let fit =
        |key: &&str| (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    let key = key.to_str().ok().filter(fit);
    key.map(str::to_owned)
        .ok_or_else(|| invalid("not 1 to 255 printable characters without spaces"))
}

fn invalid(detail: &str) -> Error {
    let pointer = format!("/{IDEMPOTENCY_KEY}");
    Error::Invalid(vec![FieldFault {
        pointer,
        detail: detail.to_owned(),
        code: FaultCode::Invalid,
    }])
}

/// Hash of the parts and their lengths, in hexadecimal.
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
