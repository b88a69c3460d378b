settings.push(("REDIS_URL", redis::url()));
settings.push(("CACHE_PREFIX", redis::prefix()));
// A busy machine may be slow: that is no outage.
settings.push(("CACHE_TIMEOUT", "10s"));
