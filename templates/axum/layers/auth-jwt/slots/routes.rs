.merge(crate::api::users::routes())
