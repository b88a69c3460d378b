.map_response(crate::harbour::stamp(&state.config))
