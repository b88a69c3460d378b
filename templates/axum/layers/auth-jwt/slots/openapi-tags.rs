(name = "auth", description = "Accounts and sessions"),
(name = "users", description = "Accounts as resources"),
