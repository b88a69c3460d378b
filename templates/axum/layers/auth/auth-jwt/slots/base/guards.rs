.layer(Behind(crate::auth::Guard(state.auth.clone())))
