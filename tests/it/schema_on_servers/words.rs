//! Every word of `tests/words.txt` that may be the name of a resource, a field or a reference is one on real servers.

use std::fmt::Write as _;

use new_service::schema::{Database, migrations};

use super::changes::layout;
use super::servers::Server;

/// A script that makes the table of each word and drops it again.
fn script(dialect: Database) -> String {
    let mut sql = String::new();
    let mut tables = 0;
    for line in include_str!("../../words.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split(' ').collect();
        let [word, resource, field, reference] = columns[..] else { panic!("{line}") };
        let name = if word == "thing" { "other" } else { "thing" };
        let specs = [
            // A table of the service's own would be in the way of its name, and here is none.
            (resource == "ok" || resource == "table", format!("{word} index=spare,-created_at spare:int")),
            (field == "ok", format!("{name} {word}:string(..20):index index={word},-created_at")),
            (field == "ok", format!("{name} {word}:enum(a,b)=a:unique")),
            (reference == "ok", format!("{name} {word}:ref({name})? spare:int index={word},spare")),
        ];
        for (_, spec) in specs.iter().filter(|(wanted, _)| *wanted) {
            let layout = layout(&[spec], dialect);
            let _ = writeln!(sql, "-- {spec}");
            for migration in migrations(&layout) {
                sql.push_str(&migration.up);
                sql.push_str(&migration.down);
            }
            tables += 1;
        }
    }
    assert!(tables > 1000, "{tables}");
    sql
}

#[test]
fn postgres_takes_every_word() {
    Server::postgres("words").run(&script(Database::Postgres));
}

#[test]
fn sqlite_takes_every_word() {
    Server::sqlite("words").run(&script(Database::Sqlite));
}
