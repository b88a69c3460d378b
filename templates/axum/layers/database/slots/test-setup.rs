let database = database::Database::new().await;
settings.push(("DATABASE_URL", database.url()));
