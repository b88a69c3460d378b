//! The first administrator, from the command line.

use std::io::Read;

use garde::Validate;
use secrecy::SecretString;

use super::{
    dto::Registration,
    password::Passwords,
    service::{self, NewAccount},
    users::Role,
};
use crate::{
    config::Config,
    db,
    error::{Cause, Error},
    http::problem::chain,
};

/// Creates an administrator's account. Its password is the first line of `input`, so that it appears
/// in no list of processes and in no shell's history.
///
/// # Errors
/// Every fault of the account, a line each.
#[tokio::main(flavor = "current_thread")]
pub async fn create_admin(
    config: &Config,
    username: String,
    email: String,
    mut input: impl Read,
) -> Result<(), Cause> {
    let mut text = String::new();
    input.read_to_string(&mut text)?;
    let password = SecretString::from(text.lines().next().unwrap_or_default());
    let account = Registration { username, email, password };
    account.validate().map_err(|report| report.to_string().trim_end().to_owned())?;

    let Registration { username, email, password } = account;
    let (pool, passwords) = (db::connect(config)?, Passwords::new(config.auth_hash_concurrency));
    let account = NewAccount { username, email, password, role: Role::Admin };
    match service::create(&pool, &passwords, account).await {
        Ok((transaction, _)) => Ok(transaction.commit().await?),
        Err(Error::Invalid(faults)) => {
            let lines = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail));
            Err(lines.collect::<Vec<_>>().join("\n").into())
        }
        Err(Error::Taken(fault)) => Err(format!("{}: {}", fault.pointer, fault.detail).into()),
        // With the cause, which a response hides.
        Err(Error::Unavailable(cause) | Error::Internal(cause)) => Err(chain(&cause).into()),
        Err(other) => Err(other.into()),
    }
}
