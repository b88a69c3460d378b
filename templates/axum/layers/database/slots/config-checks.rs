crate::db::check(self, env);
