//! Retention: rows are deleted when they were created longer ago than the `retain` of their resource.
//!
//! A change does not prolong the time of a row, and a row that another one refers to is kept.

use std::slice;

use chrono::{DateTime, TimeDelta, Utc};
use metrics::{Counter, counter};
use sqlx::Connection as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::orders::domain::OrderRow;
use crate::{
    background::Background,
    cache::Cache,
    config::Config,
    db::{self, Connection, Pool, constraint},
    error::Error,
};

/// The rows of a resource with `retain`.
pub trait Retained {
    /// The resource, in the plural.
    const NAME: &'static str;
    /// Rows that were created longer ago are deleted.
    const RETAIN: TimeDelta;

    /// The oldest rows after `after` that were created before `before`, locked until the transaction
    /// ends: at most [`db::BATCH`]. Rows that another transaction has locked are left to the next run.
    fn lock_old(
        db: &mut Connection,
        before: DateTime<Utc>,
        after: Position,
    ) -> impl Future<Output = sqlx::Result<Vec<Position>>> + Send;

    /// Deletes the rows with these IDs, except rows that other resources refer to. Returns the IDs of
    /// deleted rows.
    fn delete_all(
        db: &mut Connection,
        ids: &[Uuid],
    ) -> impl Future<Output = sqlx::Result<Vec<Uuid>>> + Send;
}

/// The place of a row in a run, which begins with the oldest row. The default is before every row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    /// When the row was created.
    pub created_at: DateTime<Utc>,
    /// Its ID, by which rows of one moment differ.
    pub id: Uuid,
}

/// What a run has done with the rows of a resource.
#[derive(Debug)]
pub struct Run {
    /// The resource, in the plural.
    pub resource: &'static str,
    /// Rows that were deleted.
    pub deleted: usize,
    /// Rows that were kept because others refer to them.
    pub referenced: usize,
}

/// Runs now and `RETENTION_INTERVAL` after each end, unless that is zero.
pub fn start(background: &Background, config: &Config, db: &Pool, cache: &Cache) {
    if config.retention_interval.is_zero() {
        return;
    }
    let (db, cache, stopping) = (db.clone(), cache.clone(), background.stopping());
    background.every("retention", config.retention_interval, move || {
        let (db, cache, stopping) = (db.clone(), cache.clone(), stopping.clone());
        async move { drop(run(&db, &cache, &stopping).await) }
    });
}

/// Deletes the old rows of each resource, beginning with resources that refer to others. It ends between
/// two batches when the service is `stopping`.
pub async fn run(db: &Pool, cache: &Cache, stopping: &CancellationToken) -> Vec<Run> {
    vec![clean_up::<OrderRow>(db, cache, stopping).await]
}

/// Deletes batches of old rows until there are no more. A fault ends the run; the next one retries.
async fn clean_up<R: Retained>(db: &Pool, cache: &Cache, stopping: &CancellationToken) -> Run {
    let resource = R::NAME;
    let mut run = Run { resource, deleted: 0, referenced: 0 };
    let failures = counter!("retention_failures_total", "resource" => resource);
    // A series that begins above zero hides its first increase.
    for counter in [rows(resource, "deleted"), rows(resource, "referenced"), failures.clone()] {
        counter.absolute(0);
    }
    let mut after = Position::default();
    while !stopping.is_cancelled() {
        match batch::<R>(db, cache, &mut after).await {
            Ok(Some([deleted, referenced])) => {
                rows(resource, "deleted").increment(deleted as u64);
                rows(resource, "referenced").increment(referenced as u64);
                run.deleted += deleted;
                run.referenced += referenced;
            }
            Ok(None) => break,
            Err(error) => {
                failures.increment(1);
                tracing::warn!(resource, cause = %error, "old rows were not all deleted; the next run retries");
                break;
            }
        }
        db::pause(stopping).await;
    }
    let Run { deleted, referenced, .. } = run;
    tracing::info!(resource, deleted, referenced, "a run of the retention has ended");
    run
}

fn rows(resource: &'static str, outcome: &'static str) -> Counter {
    counter!("retention_rows_total", "resource" => resource, "outcome" => outcome)
}

/// Deletes the next old rows after `after`, and moves it to the last of them. Returns how many were
/// deleted, and how many are referenced; `None` after the last row, or while another replica is at work.
async fn batch<R: Retained>(
    db: &Pool,
    cache: &Cache,
    after: &mut Position,
) -> Result<Option<[usize; 2]>, Error> {
    let task = format!("retention_{}", R::NAME);
    let Some(mut transaction) = db::begin_alone(db, &task).await? else { return Ok(None) };
    let before = db::now(&mut transaction).await? - R::RETAIN;
    let old = R::lock_old(&mut transaction, before, *after).await?;
    let Some(last) = old.last() else {
        // Before this returns: a transaction that is only dropped keeps its lock for a moment.
        transaction.rollback().await?;
        return Ok(None);
    };
    *after = *last;
    let ids: Vec<_> = old.iter().map(|row| row.id).collect();
    let deleted = delete::<R>(&mut transaction, &ids).await?;
    cache.invalidate_after(transaction.commit(), R::NAME, &deleted).await?;
    Ok(Some([deleted.len(), ids.len() - deleted.len()]))
}

/// Deletes what can be deleted. A table of your own that refers to a row refuses the whole statement:
/// then each row is deleted by itself.
async fn delete<R: Retained>(db: &mut Connection, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    if let Some(deleted) = attempt::<R>(db, ids).await? {
        return Ok(deleted);
    }
    let mut all = Vec::new();
    for id in ids {
        all.extend(attempt::<R>(db, slice::from_ref(id)).await?.into_iter().flatten());
    }
    Ok(all)
}

/// `None` where the statement is refused because of a reference: then nothing is deleted.
async fn attempt<R: Retained>(
    db: &mut Connection,
    ids: &[Uuid],
) -> sqlx::Result<Option<Vec<Uuid>>> {
    let mut savepoint = db.begin().await?;
    match R::delete_all(&mut savepoint, ids).await {
        Ok(deleted) => savepoint.commit().await.map(|()| Some(deleted)),
        Err(error) if constraint::is_referenced(&error) => {
            savepoint.rollback().await.map(|()| None)
        }
        Err(error) => Err(error),
    }
}
