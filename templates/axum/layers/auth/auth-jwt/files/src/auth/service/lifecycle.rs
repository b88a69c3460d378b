//! What becomes of accounts and sessions: passwords, ends of sessions, roles, deletion.
//!
//! Once an end of a session or a change of a role is answered, it is in effect on every replica.

use std::net::IpAddr;

use secrecy::SecretString;
use uuid::Uuid;

use super::{Auth, MAX_SESSIONS, strong};
use crate::{
    auth::{
        CurrentUser, now,
        repo::{self, Account, Session},
        users::{self, Role, User, UserPatch},
    },
    db::{self, Connection},
    error::Error,
};

impl Auth {
    /// Ends the session.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn logout(&self, user: CurrentUser) -> Result<(), Error> {
        self.end(user.id, user.session).await
    }

    /// Replaces the password, and ends all other sessions of the account.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] and [`Error::RateLimited`] as at a sign-in, [`Error::Invalid`] for a
    /// weak password.
    pub async fn change_password(
        &self,
        user: CurrentUser,
        current: SecretString,
        new: SecretString,
        address: IpAddr,
    ) -> Result<(), Error> {
        let account = users::repo::find(&self.pool, user.id).await?.ok_or(Error::InvalidToken)?;
        strong(&new, &account.username, &account.email, "/new")?;
        let Account { id, password_hash } = self.check(&account.email, current, address).await?;
        let hash = self.passwords.hash(new).await?;
        let now = now();
        let mut transaction = db::begin(&self.pool).await?;
        if !users::repo::set_password(&mut transaction, id, &password_hash, &hash, now).await? {
            // Another request has replaced it in between.
            return Err(Error::WrongCredentials);
        }
        let others = repo::end_sessions(&mut transaction, id, Some(user.session), now).await?;
        let change = self.sessions.changing(others);
        self.commit(transaction, move || {
            tracing::info!(target: "audit", account = %id, "a password was changed: other sessions have ended");
        })
        .await?;
        change.ended().await;
        Ok(())
    }

    /// The active sessions of the account, newest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sessions(&self, user: CurrentUser) -> Result<Vec<Session>, Error> {
        Ok(repo::living_sessions(&self.pool, user.id, now(), MAX_SESSIONS).await?)
    }

    /// Ends a session of the account.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the account has no such active session.
    pub async fn end_session(&self, user: CurrentUser, session: Uuid) -> Result<(), Error> {
        if !repo::is_living(&self.pool, session, user.id, now()).await? {
            return Err(Error::NotFound);
        }
        self.end(user.id, session).await
    }

    /// Ends all sessions of the account.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_sessions(&self, user: CurrentUser) -> Result<(), Error> {
        let mut transaction = db::begin(&self.pool).await?;
        let ended = repo::end_sessions(&mut transaction, user.id, None, now()).await?;
        let change = self.sessions.changing(ended);
        self.commit(transaction, move || {
            tracing::info!(target: "audit", account = %user.id, "all sessions were ended");
        })
        .await?;
        change.ended().await;
        Ok(())
    }

    /// Deletes the account. Its name, address, password and devices go; the rows that it owns stay.
    ///
    /// # Errors
    /// [`Error::Conflict`] for the last administrator.
    pub async fn delete_account(&self, user: CurrentUser) -> Result<(), Error> {
        let now = now();
        let mut transaction = db::begin(&self.pool).await?;
        if user.role == Role::Admin {
            users::repo::lock_admins(&mut transaction).await?;
        }
        if !users::repo::bury(&mut transaction, user.id, user.role, now).await? {
            return Err(Error::Conflict("The account has changed; try again.".to_owned()));
        }
        if user.role == Role::Admin {
            keep_an_admin(&mut transaction).await?;
        }
        let ended = repo::end_sessions(&mut transaction, user.id, None, now).await?;
        repo::erase_devices(&mut transaction, user.id, now).await?;
        let change = self.sessions.changing(ended);
        self.commit(transaction, move || {
            tracing::info!(target: "audit", account = %user.id, "an account was deleted");
        })
        .await?;
        change.ended().await;
        Ok(())
    }

    /// Changes the role of an account, disables or enables it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for the last administrator.
    pub async fn change_account(
        &self,
        by: CurrentUser,
        id: Uuid,
        UserPatch { role, disabled }: UserPatch,
    ) -> Result<User, Error> {
        let now = now();
        let mut transaction = db::begin(&self.pool).await?;
        let leaves = role == Some(Role::User) || disabled == Some(true);
        let may_be_last = leaves && !users::repo::lock_if_ordinary(&mut transaction, id).await?;
        if may_be_last {
            users::repo::lock_admins(&mut transaction).await?;
        }
        let before = users::repo::find(&mut *transaction, id).await?.ok_or(Error::NotFound)?;
        if let Some(role) = role {
            users::repo::set_role(&mut transaction, id, role, now).await?;
        }
        if let Some(disabled) = disabled {
            let since = disabled.then_some(before.disabled_at.unwrap_or(now));
            users::repo::set_disabled(&mut transaction, id, since, now).await?;
        }
        if may_be_last {
            keep_an_admin(&mut transaction).await?;
        }
        let user = users::repo::find(&mut *transaction, id).await?.ok_or(Error::NotFound)?;
        let change = if user.disabled_at.is_some() {
            self.sessions.changing(repo::end_sessions(&mut transaction, id, None, now).await?)
        } else {
            self.sessions.changing(repo::sessions(&mut transaction, id).await?)
        };
        let (role, disabled) = (user.role.as_text(), user.disabled_at.is_some());
        self.commit(transaction, move || {
            tracing::info!(target: "audit", account = %id, by = %by.id, role, disabled, "an account was changed");
        })
        .await?;
        if disabled {
            change.ended().await;
        } else {
            change.took_effect().await;
        }
        Ok(user)
    }
}

/// Refuses a change that would leave no administrator.
async fn keep_an_admin(transaction: &mut Connection) -> Result<(), Error> {
    if users::repo::has_admin(transaction).await? {
        return Ok(());
    }
    let reason = "The last administrator can be neither deleted, demoted nor disabled.";
    Err(Error::Conflict(reason.to_owned()))
}
