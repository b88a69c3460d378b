let mut request = request;
let owner = crate::auth::token_owner(&state.auth, &mut request);
let client = owner.map_or(client, |owner| Client::User(owner.id));
