DROP TABLE _things;
