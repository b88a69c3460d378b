let auth = auth.shared_by(&redis, &background, &config);
