.merge(super::database::routes())
