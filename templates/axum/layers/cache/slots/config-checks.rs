crate::cache::check(self, env);
