
let db = crate::db::connect(&config)?;
let schema = crate::db::watch(&db, &config, &background).await?;
health.required("database", move || schema.clone().ready());
