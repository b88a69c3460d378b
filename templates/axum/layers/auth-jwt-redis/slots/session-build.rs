marks: None,
