/// Migrate the schema of the database.
Migrate {
    #[command(subcommand)]
    action: Option<crate::db::migrate::Action>,
},
