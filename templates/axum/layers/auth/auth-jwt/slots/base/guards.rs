.route_layer(from_fn_with_state(state.auth.clone(), crate::auth::enforce))
