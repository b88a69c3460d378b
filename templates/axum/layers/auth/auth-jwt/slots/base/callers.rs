// Before the limit, which counts by account.
.layer(from_fn_with_state(state.auth.clone(), crate::auth::recognise))
