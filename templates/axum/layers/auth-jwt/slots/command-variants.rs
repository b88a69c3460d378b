/// Create an administrator's account; its password is read from standard input.
CreateAdmin {
    /// Name of the account.
    #[arg(long)]
    username: String,
    /// Email address of the account.
    #[arg(long)]
    email: String,
},
