/// What all replicas share; may be down.
pub redis: crate::redis::Redis,
