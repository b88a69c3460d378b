mod leases;
