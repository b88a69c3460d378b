describe_gauge!("database_connections", "Connections of the pool, idle or used");
describe_gauge!("database_connections_max", "Connections that the pool may hold");
