mod database;
mod migrations;
