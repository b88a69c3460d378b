
let db = crate::db::connect(&config)?;
crate::db::watch(&db, &config, &health, &background).await?;
