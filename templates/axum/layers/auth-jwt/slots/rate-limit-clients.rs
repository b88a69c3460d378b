/// Whoever has signed in, from wherever they ask.
User(uuid::Uuid),
