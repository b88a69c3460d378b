//! One migration of PostgreSQL, applied or reverted: with limits on the wait for locks and on the time
//! that it holds them, and without remains of an index that could not be created.

use std::{borrow::Cow, convert::Infallible, fmt::Write as _, future::pending, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, SqlSafeStr as _,
    error::DatabaseError,
    migrate::{MigrateError, Migration},
    raw_sql,
};
use tokio::time::sleep;

use super::{ConnectOptions, Connection, migrate};

/// Limit of a wait for a lock, unless the role, the database or the URL sets `lock_timeout`. All
/// statements on a table queue behind one that waits for an exclusive lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// Limit of a statement in a transaction, which holds its locks meanwhile. The rehearsal of a deployment
/// finds a longer one on the copy. `SET LOCAL statement_timeout` in the file sets another limit.
const LOCK_BUDGET: Duration = Duration::from_secs(30);

/// Attempts to get a lock. The pause after one is as long as the limit, and doubles.
const ATTEMPTS: u32 = 6;

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Applies a migration, or reverts it if it is a `down` file.
///
/// # Errors
/// The migration fails, or another session holds a lock through all attempts; its error names the
/// session. A failed migration has changed nothing.
pub async fn run(
    connection: &mut Connection,
    options: &ConnectOptions,
    migration: &Migration,
) -> Result<(), MigrateError> {
    // It blocks neither reads nor writes while it waits, and runs in no transaction.
    let is_concurrent = migration.no_tx
        && without_comments(migration.sql.as_str()).to_ascii_uppercase().contains("CONCURRENTLY");
    let limit = limit_locks(connection, migration, is_concurrent).await?;
    let index = ConcurrentIndex::read(migration.sql.as_str());
    let mut pause = limit;
    // From the latest attempt that found any.
    let mut blockers = "The blocking session is not known.".to_owned();
    for attempt in 1.. {
        if let Some(index) = &index {
            // Of an attempt that was killed.
            index.drop_invalid(connection).await?;
            if index.is_built(connection).await? {
                // Killed after that, before the record.
                let sql = "SELECT 1".into_sql_str();
                return migrate::execute(connection, &Migration { sql, ..migration.clone() }).await;
            }
        }
        let outcome = watched(connection, options, migration, limit, &mut blockers).await;
        let Err(error) = outcome else { return Ok(()) };
        if let Some(index) = &index
            && let Err(error) = index.drop_invalid(connection).await
        {
            tracing::warn!(index = index.name, %error, "an invalid index is left");
        }
        match code(&error).as_deref() {
            Some("55P03") => {}
            Some("57014") if !migration.no_tx => return Err(over_budget(migration, &error)),
            _ => return Err(error),
        }
        if attempt >= ATTEMPTS {
            let why = format!(
                "{ATTEMPTS} attempts to get a lock within {limit:?} each failed. {blockers} Nothing \
                 was changed. End the transaction there, for example by `SELECT \
                 pg_terminate_backend(PID)`, and run this again"
            );
            return Err(migrate::stopped(migration, why));
        }
        let name = migrate::name(migration);
        tracing::warn!(
            migration = name,
            attempt,
            blockers,
            ?pause,
            "no lock in time; trying again"
        );
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    unreachable!("the last attempt returns")
}

fn code(error: &MigrateError) -> Option<String> {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return None;
    };
    error.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned)
}

fn over_budget(migration: &Migration, error: &MigrateError) -> MigrateError {
    let why = format!(
        "{error}. Others wait for the locks of a migration until it ends, so that each of its \
         statements has {LOCK_BUDGET:?}. Nothing was changed. Split the statement, run it outside of \
         a transaction, or put `SET LOCAL statement_timeout = '10min';` at the top of the file"
    );
    migrate::stopped(migration, why)
}

/// Sets the limits of the migration and returns that of other waits for a lock.
async fn limit_locks(
    connection: &mut Connection,
    migration: &Migration,
    is_concurrent: bool,
) -> sqlx::Result<Duration> {
    let configured = "SELECT reset_val::bigint FROM pg_settings WHERE name = 'lock_timeout'";
    let configured: i64 = sqlx::query_scalar(configured).fetch_one(&mut *connection).await?;
    let configured = u64::try_from(configured).ok().filter(|configured| *configured > 0);
    let limit = configured.map_or(LOCK_TIMEOUT, Duration::from_millis);
    let now = if is_concurrent { 0 } else { limit.as_millis() };
    let budget = if migration.no_tx { 0 } else { LOCK_BUDGET.as_millis() };
    let set = format!("SET lock_timeout = {now}; SET statement_timeout = {budget}");
    raw_sql(AssertSqlSafe(set)).execute(connection).await?;
    Ok(limit)
}

/// Runs a migration, and notes which sessions it last waited for.
async fn watched(
    connection: &mut Connection,
    options: &ConnectOptions,
    migration: &Migration,
    limit: Duration,
    blockers: &mut String,
) -> Result<(), MigrateError> {
    let pid = "SELECT pg_backend_pid()";
    let pid: i32 = sqlx::query_scalar(pid).fetch_one(&mut *connection).await?;
    tokio::select! {
        outcome = migrate::execute(connection, migration) => outcome,
        never = watch(options, pid, limit / 4, blockers) => match never {},
    }
}

/// Notes the sessions that block the session `pid`: PostgreSQL knows them only during the wait. Their
/// statements are not shown, because they may hold values.
async fn watch(
    options: &ConnectOptions,
    pid: i32,
    interval: Duration,
    blockers: &mut String,
) -> Infallible {
    let look = async {
        sleep(interval).await;
        let mut connection = options.connect().await?;
        let mut is_logged = false;
        loop {
            let found = blocking(&mut connection, pid).await?;
            if !found.is_empty() {
                *blockers = found;
                if !is_logged {
                    tracing::info!(blockers, "the migration waits");
                    is_logged = true;
                }
            }
            sleep(interval).await;
        }
    };
    let outcome: sqlx::Result<Infallible> = look.await;
    let Err(error) = outcome;
    tracing::warn!(%error, "blocking sessions cannot be listed");
    pending().await
}

/// The sessions that block the session `pid`; empty if none does.
async fn blocking(connection: &mut Connection, pid: i32) -> sqlx::Result<String> {
    type Session = (i32, Option<String>, Option<String>, Option<f64>, Option<f64>);
    let sessions: Vec<Session> = sqlx::query_as(
        "SELECT DISTINCT blocking.pid, application_name, state,
            extract(epoch FROM clock_timestamp() - xact_start)::float8,
            extract(epoch FROM clock_timestamp() - query_start)::float8
        FROM unnest(pg_blocking_pids($1)) AS blocking (pid) LEFT JOIN pg_stat_activity USING (pid)
        ORDER BY 1",
    )
    .bind(pid)
    .fetch_all(connection)
    .await?;
    let mut text = String::new();
    for (pid, application, state, transaction, statement) in sessions {
        if pid == 0 {
            text.push_str("Blocked by a prepared transaction (`pg_prepared_xacts`). ");
            continue;
        }
        let application = application.filter(|name| !name.is_empty());
        let _ = write!(text, "Blocked by PID {pid}");
        let _ = write!(text, " ({})", application.as_deref().unwrap_or("no application name"));
        // Sessions of other roles are visible to members of pg_monitor.
        let _ = write!(text, ", {}", state.as_deref().unwrap_or("of another role"));
        if let Some(seconds) = transaction {
            let _ = write!(text, ", transaction open for {seconds:.0} s");
        }
        if let Some(seconds) = statement {
            let _ = write!(text, ", last statement began {seconds:.0} s ago");
        }
        text.push_str(". ");
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// The index of `CREATE INDEX CONCURRENTLY`. A failure or a kill leaves it behind as invalid, and the
/// next attempt would fail because of it.
struct ConcurrentIndex {
    name: String,
    /// As the statement has it.
    table: String,
    is_unique: bool,
    /// Its columns and what follows.
    columns: String,
}

impl ConcurrentIndex {
    fn read(sql: &str) -> Option<Self> {
        let statement = without_comments(sql);
        let rest = after(&statement, "CREATE")?;
        let unique = after(rest, "UNIQUE");
        let rest = unique.unwrap_or(rest);
        let rest = after(after(rest, "INDEX")?, "CONCURRENTLY")?;
        let rest = match after(rest, "IF") {
            Some(rest) => after(after(rest, "NOT")?, "EXISTS")?,
            None => rest,
        };
        let (name, rest) = identifier(rest)?;
        let rest = after(rest, "ON")?;
        let (table, columns) = identifier(after(rest, "ONLY").unwrap_or(rest))?;
        let name = match name.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"')?.replace("\"\"", "\""),
            None => name.to_lowercase(),
        };
        let (table, columns) = (table.to_owned(), columns_of(columns));
        Some(Self { name, table, is_unique: unique.is_some(), columns })
    }

    async fn drop_invalid(&self, connection: &mut Connection) -> sqlx::Result<()> {
        if self.invalid(connection).await?.is_none() {
            return Ok(());
        }
        // An index is invalid while another session creates it, too. That session holds this lock.
        let mut transaction = connection.begin().await?;
        let lock = format!("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE", self.table);
        raw_sql(AssertSqlSafe(lock)).execute(&mut *transaction).await?;
        let invalid = self.invalid(&mut transaction).await?;
        transaction.commit().await?;
        if let Some(index) = invalid {
            tracing::warn!(index, "dropping the invalid index of an earlier attempt");
            let drop = format!("DROP INDEX CONCURRENTLY {index}");
            raw_sql(AssertSqlSafe(drop)).execute(connection).await?;
        }
        Ok(())
    }

    /// The index, as SQL names it, if it is there and invalid.
    async fn invalid(&self, connection: &mut Connection) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(
            "SELECT indexrelid::regclass::text
            FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
            WHERE indrelid = to_regclass($1) AND relname = $2 AND relkind = 'i' AND NOT indisvalid",
        )
        .bind(&self.table)
        .bind(&self.name)
        .fetch_optional(connection)
        .await
    }

    /// Whether the table has this very index, and it is valid.
    async fn is_built(&self, connection: &mut Connection) -> sqlx::Result<bool> {
        let built = sqlx::query_as(
            "SELECT indisunique, pg_get_indexdef(indexrelid)
            FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
            WHERE indrelid = to_regclass($1) AND relname = $2 AND indisvalid",
        )
        .bind(&self.table)
        .bind(&self.name);
        let built: Option<(bool, String)> = built.fetch_optional(connection).await?;
        Ok(built.is_some_and(|(is_unique, sql)| {
            let columns = sql.split_once(" USING ").map_or("", |(_, method)| method);
            is_unique == self.is_unique && columns_of(&format!("USING {columns}")) == self.columns
        }))
    }
}

/// The statements without lines that are comments.
fn without_comments(sql: &str) -> String {
    let statements = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    statements.collect::<Vec<_>>().join("\n")
}

/// The end of a statement from the columns on, without what does not matter.
fn columns_of(text: &str) -> String {
    let text = text.trim().trim_end_matches(';').to_lowercase();
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    text.strip_prefix("usingbtree").unwrap_or(&text).to_owned()
}

/// The rest after a keyword.
fn after<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let head = text.get(..keyword.len())?;
    let rest = &text[keyword.len()..];
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (head.eq_ignore_ascii_case(keyword) && ends).then_some(rest)
}

/// A name as it is written, and the rest.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut is_quoted = false;
    let ends = |c: char| {
        is_quoted ^= c == '"';
        !is_quoted && (c.is_whitespace() || c == '(')
    };
    let end = text.find(ends).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_is_created_concurrently_is_read() {
        let read = |sql| ConcurrentIndex::read(sql).map(|index| (index.name, index.table));
        let index = |name: &str, table: &str| Some((name.to_owned(), table.to_owned()));
        let sql =
            "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY Orders_key ON orders (code);";
        assert_eq!(read(sql), index("orders_key", "orders"));
        let sql =
            "create index concurrently if not exists \"my \"\"index\" on only \"x\".\"t t\"(a)";
        assert_eq!(read(sql), index("my \"index", "\"x\".\"t t\""));
        for sql in [
            "CREATE INDEX CONCURRENTLY ON orders (code)",
            "CREATE INDEX orders_idx ON orders (code)",
            "DROP INDEX CONCURRENTLY orders_idx",
        ] {
            assert_eq!(read(sql), None, "{sql}");
        }
    }
}
