describe_gauge!("database_connections", "Connections of the pool, idle or used");
describe_gauge!("database_connections_max", "Connections that the pool may hold");
describe_counter!("database_acquire_timeouts_total", "Timeouts of waiting for a connection");
counter!("database_acquire_timeouts_total").absolute(0);
