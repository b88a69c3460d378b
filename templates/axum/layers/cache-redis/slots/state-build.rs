
let redis = crate::redis::Redis::new(&config)?;
let asked = redis.clone();
health.optional("cache", move || {
    let asked = asked.clone();
    async move { asked.ping().await }
});
let rate_limit = rate_limit.shared_by(&redis, &config);
let store = crate::cache::Store::new(&redis, &background, &config);
let cache = crate::cache::Cache::new(store, &config);
