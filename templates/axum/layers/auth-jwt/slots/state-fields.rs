/// Accounts and their sessions.
pub auth: Arc<crate::auth::Auth>,
