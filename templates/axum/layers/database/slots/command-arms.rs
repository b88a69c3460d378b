Command::Migrate { action } => config()
    .and_then(|config| crate::db::migrate::run(&config, action))
    .and_then(|text| text.map_or(Ok(()), |text| print(&text))),
