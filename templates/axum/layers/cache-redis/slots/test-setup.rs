settings.push(("REDIS_URL", redis::url()));
settings.push(("CACHE_PREFIX", redis::prefix()));
// A slow response on a busy machine is not an outage.
settings.push(("CACHE_TIMEOUT", "10s"));
