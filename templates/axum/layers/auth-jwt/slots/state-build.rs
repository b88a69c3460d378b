
let auth = Arc::new(crate::auth::Auth::new(&config, db.clone())?);
auth.clone().forget_what_is_over(&background);
