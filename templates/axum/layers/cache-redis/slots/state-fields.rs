/// Redis, which all replicas share; it may be down.
pub redis: crate::redis::Redis,
