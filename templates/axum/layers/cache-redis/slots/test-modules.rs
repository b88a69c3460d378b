mod cache_replicas;
mod redis_killed;
mod shared_rate_limit;
mod without_redis;
