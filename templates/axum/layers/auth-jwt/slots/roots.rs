.nest("/auth", crate::auth::routes())
