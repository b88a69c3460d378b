shared: None,
