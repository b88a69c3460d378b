("RUST_LOG", "info,sqlx::query=debug"),
