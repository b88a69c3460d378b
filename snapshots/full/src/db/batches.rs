//! Deletes of many rows, in batches: a backlog would exceed the time limit of one statement.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Connection, Pool, Transaction, begin, now, try_lock_key};

/// Rows that a clean-up deletes in one statement: few enough for its time limit.
pub const BATCH: i64 = 500;

/// Runs `delete` in a separate transaction, again and again, until it deletes no row. One replica at a
/// time does `task`. The clean-up ends between two batches when the service is `stopping`, so that a
/// backlog takes nothing from the time of shutdown; the next run continues.
///
/// `delete` gets the time of the database: a replica whose clock is ahead would delete what is in use.
///
/// # Errors
/// The database does not answer. Earlier batches stay deleted.
pub async fn in_batches(
    pool: Pool,
    task: &'static str,
    stopping: CancellationToken,
    mut delete: impl AsyncFnMut(&mut Connection, DateTime<Utc>) -> sqlx::Result<u64>,
) -> sqlx::Result<()> {
    while !stopping.is_cancelled() {
        let Some(mut transaction) = begin_alone(&pool, task).await? else { break };
        let now = now(&mut transaction).await?;
        let deleted = delete(&mut transaction, now).await?;
        transaction.commit().await?;
        if deleted == 0 {
            break;
        }
        pause(&stopping).await;
    }
    Ok(())
}

/// Waits between two batches, so that other writes get their turn; not when the service stops.
pub async fn pause(stopping: &CancellationToken) {
    stopping.run_until_cancelled(sleep(Duration::from_millis(50))).await;
}

/// Begins a transaction for a task that one replica at a time does; `None` while another one does it.
///
/// # Errors
/// The database does not answer.
pub async fn begin_alone(pool: &Pool, task: &str) -> sqlx::Result<Option<Transaction>> {
    let mut transaction = begin(pool).await?;
    Ok(try_lock_key(&mut transaction, task).await?.then_some(transaction))
}
