(name = "auth", description = "Accounts and sessions"),
(name = "users", description = "People with an account"),
