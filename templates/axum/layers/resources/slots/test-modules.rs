mod resources;
