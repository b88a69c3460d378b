CREATE TABLE _things (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    part_of INTEGER REFERENCES _things
);
