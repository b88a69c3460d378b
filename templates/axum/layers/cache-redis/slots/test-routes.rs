.merge(super::redis::routes())
