cache,
