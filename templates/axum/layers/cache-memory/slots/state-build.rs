
let store = crate::cache::Store::new(config.cache_max_bytes);
let cache = crate::cache::Cache::new(store, &config);
