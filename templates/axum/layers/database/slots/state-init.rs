db,
