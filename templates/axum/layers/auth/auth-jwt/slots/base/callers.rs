// Before the limit, which counts by account.
.layer(Around(crate::auth::Recognise(state.auth.clone())))
