auth: Arc::new(auth),
