/// Accounts and their sessions.
pub auth: crate::auth::Auth,
