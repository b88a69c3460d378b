Command::CreateAdmin { username, email } => config().and_then(|config| {
    crate::auth::create_admin(&config, username, email, std::io::stdin())
}),
