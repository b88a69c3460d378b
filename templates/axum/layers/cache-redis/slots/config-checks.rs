crate::redis::check(self, env);
