
let store = crate::cache::Store::new(&config);
let cache = crate::cache::Cache::new(store, &config);
