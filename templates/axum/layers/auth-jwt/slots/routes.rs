.merge(crate::users::routes())
