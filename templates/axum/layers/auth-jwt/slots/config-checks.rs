crate::auth::check(self, env);
