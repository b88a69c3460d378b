
let redis = crate::redis::Redis::new(&config)?;
let checked = redis.clone();
health.optional("cache", move || checked.clone().ping());
let rate_limit = rate_limit.shared_by(&redis, &config);
let store = crate::cache::Store::new(&redis, &background, &config);
let cache = crate::cache::Cache::new(store, &config);
