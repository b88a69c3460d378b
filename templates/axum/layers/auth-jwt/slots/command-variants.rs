/// Open an administrator's account; its password is read from standard input.
CreateAdmin {
    /// The name that others see.
    #[arg(long)]
    username: String,
    /// The address that it signs in with.
    #[arg(long)]
    email: String,
},
