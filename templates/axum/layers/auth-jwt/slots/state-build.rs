
let auth = crate::auth::Auth::new(&config, db.clone())?;
auth.forget_what_is_over(&background);
