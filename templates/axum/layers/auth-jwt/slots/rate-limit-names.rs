Self::User(id) => write!(f, "user:{id}"),
