//! One migration of SQLite, applied or reverted, and its record, in a single transaction.
//!
//! A change that `ALTER TABLE` does not know creates the table again, copies the rows and drops the
//! old table (<https://sqlite.org/lang_altertable.html>, "Making Other Kinds Of Table Schema
//! Changes"). Such a file begins with comments that name what the table has; `migrations/README.md`
//! describes them.

use std::borrow::Cow;

use sqlx::{
    AssertSqlSafe, Connection as _, SqlSafeStr as _,
    error::DatabaseError,
    migrate::{MigrateError, Migration},
    raw_sql,
};

use super::{ConnectOptions, Connection, migrate};

/// Neither has an effect within a transaction that has begun. Without the second, SQLite would refuse
/// to rename a table while a view names the one that was dropped.
const BEFORE: &str = "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON";
const AFTER: &str = "PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON";

/// What the file of a rebuild begins with.
const HEAD: &str = "-- rebuild: ";

/// Rows that an error names.
const ROWS: usize = 10;

/// Applies a migration, or reverts it if it is a `down` file.
///
/// # Errors
/// The migration fails, or would drop something that it does not name; then nothing has changed.
pub async fn run(
    connection: &mut Connection,
    _: &ConnectOptions,
    migration: &Migration,
) -> Result<(), MigrateError> {
    let migration = in_one_transaction(migration);
    let Some(rebuild) = Rebuild::read(migration.sql.as_str()) else {
        return if migration.no_tx {
            migrate::execute(connection, &migration).await
        } else {
            transact(connection, &migration, None).await
        };
    };
    raw_sql(BEFORE).execute(&mut *connection).await?;
    let outcome = transact(connection, &migration, Some(&rebuild)).await;
    raw_sql(AFTER).execute(connection).await?;
    outcome
}

/// The only writer from its start: a transaction that begins as a reader cannot write after another
/// connection has, and does not wait.
async fn transact(
    connection: &mut Connection,
    migration: &Migration,
    rebuild: Option<&Rebuild<'_>>,
) -> Result<(), MigrateError> {
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(|error| {
        if !error.as_database_error().is_some_and(is_busy) {
            return MigrateError::from(error);
        }
        let why = "the database is locked: another connection has been writing for longer than \
            DATABASE_STATEMENT_TIMEOUT. SQLite does not know which one; look for an open transaction \
            in another process that has the file open, such as `sqlite3`, and run this again";
        migrate::stopped(migration, why)
    })?;
    let outcome = match rebuild {
        Some(rebuild) => rebuild.run(&mut transaction, migration).await,
        None => migrate::execute(&mut transaction, migration).await,
    };
    match outcome {
        Ok(()) => Ok(transaction.commit().await?),
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

fn is_busy(error: &dyn DatabaseError) -> bool {
    // The lowest byte of an extended code is its primary code.
    let code = error.code().and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// The rebuilds of earlier templates began and ended a transaction themselves, before the record: a
/// process that was killed in between copied the rows again. They run like a rebuild of today.
fn in_one_transaction(migration: &Migration) -> Cow<'_, Migration> {
    earlier(migration.sql.as_str()).map_or(Cow::Borrowed(migration), |(table, body)| {
        let sql = AssertSqlSafe(format!("{HEAD}{table}\n{body}")).into_sql_str();
        Cow::Owned(Migration { sql, no_tx: false, ..migration.clone() })
    })
}

/// The table that a file of an earlier template rebuilds, and the statements of its transaction.
fn earlier(sql: &str) -> Option<(&str, &str)> {
    let body = sql.strip_prefix("-- no-transaction\nPRAGMA foreign_keys = OFF;\nBEGIN;\n")?;
    let body = body.strip_suffix("COMMIT;\nPRAGMA foreign_keys = ON;\n")?;
    let (_, rest) = body.rsplit_once("\nDROP TABLE ")?;
    let (table, rest) = rest.split_once(";\nALTER TABLE ")?;
    rest.trim_start_matches('"').strip_prefix(table.trim_matches('"'))?.strip_prefix("_new")?;
    Some((table.trim_matches('"'), body))
}

/// A migration that creates a table again, and what the table must have before.
struct Rebuild<'a> {
    table: &'a str,
    /// Kinds of objects with their names.
    expected: Vec<(&'static str, Vec<&'a str>)>,
}

impl<'a> Rebuild<'a> {
    fn read(sql: &'a str) -> Option<Self> {
        let (table, rest) = sql.strip_prefix(HEAD)?.split_once('\n')?;
        let names = |kind: &'static str| {
            let head = rest.lines().map_while(|line| line.strip_prefix("-- "));
            let mut lists = head.filter_map(|line| line.strip_prefix(kind)?.strip_prefix(": "));
            let names = lists.next().into_iter().flat_map(|list| list.split(',')).map(str::trim);
            (kind, names.filter(|name| !name.is_empty()).collect::<Vec<_>>())
        };
        let mut expected: Vec<_> = ["columns", "indexes", "triggers"].map(names).into();
        if expected.iter().all(|(_, names)| names.is_empty()) {
            // A file of an earlier template names nothing. Its tables had no triggers.
            expected.retain(|(kind, _)| *kind == "triggers");
        }
        Some(Self { table: table.trim(), expected })
    }

    async fn run(
        &self,
        connection: &mut Connection,
        migration: &Migration,
    ) -> Result<(), MigrateError> {
        let differences = self.differences(connection).await?;
        if !differences.is_empty() {
            let why = format!(
                "the table {} is not as this migration expects: {}. Nothing was dropped. See \
                 \"Rebuilds\" in migrations/README.md",
                self.table,
                differences.join(", ")
            );
            return Err(migrate::stopped(migration, why));
        }
        let broken_before = broken(connection).await?;
        if let Err(error) = migrate::execute(connection, migration).await {
            // Statements before the one that failed stay until the transaction is rolled back.
            let again = raw_sql(migration.sql.clone()).execute(&mut *connection).await;
            let is_of_references =
                again.is_err_and(|error| error.to_string().contains("foreign_key_check"));
            let rows = if is_of_references { self.dangling(connection).await? } else { None };
            return Err(rows.map_or(error, |rows| migrate::stopped(migration, rows)));
        }
        if let Some(rows) = self.dangling(connection).await? {
            return Err(migrate::stopped(migration, rows));
        }
        match broken(connection).await? {
            Some(error) if broken_before.is_none() => {
                let why = format!(
                    "{error}. Drop that view or trigger in a migration before this one, and create \
                     it again in a migration after it"
                );
                Err(migrate::stopped(migration, why))
            }
            _ => Ok(()),
        }
    }

    /// What the table has and the migration does not name, and the reverse.
    async fn differences(&self, connection: &mut Connection) -> sqlx::Result<Vec<String>> {
        let mut differences = Vec::new();
        for (kind, expected) in &self.expected {
            let found: Vec<String> = sqlx::query_scalar(match *kind {
                "columns" => "SELECT name FROM pragma_table_xinfo(?)",
                // The index of a constraint has no statement.
                "indexes" => {
                    "SELECT name FROM sqlite_master
                    WHERE type = 'index' AND lower(tbl_name) = lower(?) AND sql IS NOT NULL"
                }
                _ => {
                    "SELECT name FROM sqlite_master
                    WHERE type = 'trigger' AND lower(tbl_name) = lower(?)"
                }
            })
            .bind(self.table)
            .fetch_all(&mut *connection)
            .await?;
            let one = kind.strip_suffix("es").filter(|_| *kind == "indexes");
            let one = one.or(kind.strip_suffix('s')).unwrap_or(kind);
            for name in &found {
                if !expected.iter().any(|expected| expected.eq_ignore_ascii_case(name)) {
                    differences.push(format!("the {one} {name} would be lost"));
                }
            }
            for name in expected {
                if !found.iter().any(|found| found.eq_ignore_ascii_case(name)) {
                    differences.push(format!("the {one} {name} is missing"));
                }
            }
        }
        Ok(differences)
    }

    /// Rows of the table, or that refer to it, whose reference leads to no row.
    async fn dangling(&self, connection: &mut Connection) -> sqlx::Result<Option<String>> {
        let rows: Vec<(String, String, String, Option<i64>)> = sqlx::query_as(
            r#"SELECT f."table", k."from", f.parent, f.rowid
            FROM (
                SELECT lower(?1) AS child UNION
                SELECT lower(m.name) FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS k
                WHERE m.type = 'table' AND lower(k."table") = lower(?1)
            ), pragma_foreign_key_check(child) AS f, pragma_foreign_key_list(child) AS k
            WHERE k.id = f.fkid AND k.seq = 0 AND (child = lower(?1) OR lower(f.parent) = lower(?1))"#,
        )
        .bind(self.table)
        .fetch_all(connection)
        .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let more = rows.len().saturating_sub(ROWS);
        let named = rows.iter().take(ROWS).map(|(table, column, parent, row)| {
            let row = row.map_or_else(String::new, |row| format!(" of row {row}"));
            format!("{table}.{column}{row} refers to no row of {parent}")
        });
        let mut named = named.collect::<Vec<_>>().join(", ");
        if more > 0 {
            named = format!("{named}, and {more} more");
        }
        Ok(Some(format!("{named} (rows by rowid). Nothing was changed; correct the rows first")))
    }
}

/// The first view or trigger that names something missing, in the words of SQLite, which reads all of
/// them when a table is renamed.
async fn broken(connection: &mut Connection) -> sqlx::Result<Option<String>> {
    const TRIAL: &str = "PRAGMA legacy_alter_table = OFF; CREATE TABLE _trial (x);
        ALTER TABLE _trial RENAME TO _trial_renamed";
    let mut trial = connection.begin().await?;
    let outcome = raw_sql(TRIAL).execute(&mut *trial).await;
    trial.rollback().await?;
    raw_sql("PRAGMA legacy_alter_table = ON").execute(connection).await?;
    match outcome {
        Ok(_) => Ok(None),
        Err(sqlx::Error::Database(error)) => Ok(Some(error.message().to_owned())),
        Err(error) => Err(error),
    }
}
