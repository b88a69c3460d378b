//! A new user or password of the database takes effect without a restart, where `DATABASE_URL_FILE` names its file.

use std::time::Duration;

use secrecy::SecretString;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::{fs, time::timeout};

use super::{ConnectOptions, Connection, Pool, options};
use crate::{background::Background, config::Config, error::Cause};

/// Kubernetes takes up to a minute until a file has the new value of its Secret.
const PERIOD: Duration = Duration::from_secs(10);

/// Reads the file again and again.
pub fn watch(pool: &Pool, config: &Config, background: &Background) {
    if config.file("DATABASE_URL").is_none() {
        return;
    }
    let (pool, config) = (pool.clone(), config.clone());
    background.every("database_rotation", PERIOD, move || {
        let (pool, config) = (pool.clone(), config.clone());
        async move {
            if let Err(error) = renew(&pool, &config).await {
                tracing::warn!(cause = %error, "the changed DATABASE_URL is not used");
            }
        }
    });
}

/// Opens connections with the user and the password in the file from now on, if they have changed and the
/// server accepts them: a wrong value would stop all replicas at once. Connections that are open stay so.
///
/// # Errors
/// The file cannot be read; the server is another one; it refuses the user.
pub async fn renew(pool: &Pool, config: &Config) -> Result<(), Cause> {
    let Some(file) = config.file("DATABASE_URL") else { return Ok(()) };
    let mut changed = config.clone();
    changed.database_url = SecretString::from(fs::read_to_string(file).await?.trim_end());
    let (new, old) = (options(&changed)?, pool.connect_options());
    if new.to_url_lossy() == old.to_url_lossy() {
        return Ok(());
    }
    if place(&new) != place(&old) {
        return Err("another server or database needs a restart".into());
    }
    let connection = timeout(config.database_acquire_timeout, Connection::connect_with(&new));
    connection.await??.close().await?;
    pool.set_connect_options(new);
    tracing::info!("new connections have the changed DATABASE_URL");
    Ok(())
}

fn place(options: &ConnectOptions) -> (&str, u16, Option<&str>) {
    (options.get_host(), options.get_port(), options.get_database())
}
