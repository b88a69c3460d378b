mod auth_replicas;
