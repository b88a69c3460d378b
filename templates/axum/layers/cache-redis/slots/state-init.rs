redis,
