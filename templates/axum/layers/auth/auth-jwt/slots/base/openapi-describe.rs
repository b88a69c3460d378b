crate::auth::describe(&mut api);
