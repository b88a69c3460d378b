shared: Option<leases::Leases>,
