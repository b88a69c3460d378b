crate::auth::describe(&mut openapi);
