
mod cache_replicas;
mod shared_rate_limit;
mod without_redis;
