.route_layer(from_fn_with_state(state.clone(), crate::auth::enforce))
