//! The law of migrations: whatever becomes of a model, whatever people write beside it and whatever rows there are,
//! nothing is lost that was not announced; and the schema is the model's, and what was written by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use new_service::schema::{Database, HandWritten, Layout, Migration, MigrationFile, Model, changes_beside, migrations};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::changes::{as_migrated, from_scratch, kept};
use super::servers::Server;
use crate::models::{models, resources};

/// What a person writes between two changes of the model.
#[derive(Debug, Clone)]
enum ByHand {
    Column(Index),
    /// Over the moment that a row was made, which stays.
    Index(Index),
    /// Over a column of the model, which may go.
    IndexOverField(Index, Index),
    View(Index),
}

/// A database, the files that led to it, and what of it was written by hand.
struct History<'a> {
    server: &'a Server,
    dialect: Database,
    files: Vec<MigrationFile>,
    at: Layout,
    /// Names of columns and indexes, and the table of each when it was written.
    by_hand: Vec<String>,
    /// What became of the changes: made, stopped by rows as announced, refused with a reason.
    counts: [usize; 3],
}

/// Rows as texts, by table and id: the value of each column.
type Rows = BTreeMap<(String, String), BTreeMap<String, String>>;

impl<'a> History<'a> {
    fn new(server: &'a Server, dialect: Database, model: &Layout) -> Self {
        server.empty();
        let mut history =
            Self { server, dialect, files: Vec::new(), at: kept(model), by_hand: Vec::new(), counts: [0; 3] };
        for step in migrations(model) {
            server.run(&step.up);
            history.add(&step.name, &step.up, true);
        }
        history.fill();
        history
    }

    fn add(&mut self, name: &str, text: &str, is_as_drawn: bool) {
        let path = format!("migrations/{}_{name}.up.sql", 1000 + self.files.len());
        self.files.push(MigrationFile { path, text: text.to_owned(), is_as_drawn });
    }

    /// Two rows for each table whose references lead to rows.
    fn fill(&self) {
        let mut filled = BTreeSet::new();
        let mut sql = String::new();
        for table in &self.at.tables {
            let needs = |table: &str| filled.contains(table);
            let lacking = table.columns.iter().any(|column| {
                let to = column.spec.starts_with("ref(") && !column.nullable;
                to && !table.refers_to().all(|to| to == table.name || needs(to))
            });
            let itself = table.refers_to().any(|to| to == table.name);
            if lacking
                || (itself && table.columns.iter().any(|column| column.spec.starts_with("ref(") && !column.nullable))
            {
                continue;
            }
            let given = table.columns.iter().filter(|column| {
                let own = ["created_at", "updated_at", "version"].contains(&column.name.as_str());
                let may_wait = column.nullable && column.spec.starts_with("ref(");
                !own && !may_wait
            });
            let given: Vec<_> = given.collect();
            let names: Vec<String> = given.iter().map(|column| format!("\"{}\"", column.name)).collect();
            for number in 1..=2 {
                let values: Vec<String> =
                    given.iter().map(|column| value(&column.spec, number, self.dialect)).collect();
                let _ = writeln!(
                    sql,
                    "INSERT INTO \"{}\" ({}) VALUES ({}) ON CONFLICT DO NOTHING;",
                    table.name,
                    names.join(", "),
                    values.join(", ")
                );
            }
            filled.insert(table.name.clone());
        }
        self.server.run(&sql);
    }

    fn write(&mut self, by_hand: &ByHand) {
        if self.at.tables.is_empty() {
            return;
        }
        let number = self.by_hand.len();
        let table = |index: &Index| &self.at.tables[index.index(self.at.tables.len())];
        let (name, sql) = match by_hand {
            ByHand::Column(which) => {
                let name = format!("legacy_{number}");
                let sql = format!("ALTER TABLE \"{}\" ADD COLUMN {name} TEXT DEFAULT 'kept';\n", table(which).name);
                (name, sql)
            }
            ByHand::Index(which) => {
                let name = format!("legacy_{number}_idx");
                let sql = format!("CREATE INDEX {name} ON \"{}\" (created_at, id);\n", table(which).name);
                (name, sql)
            }
            ByHand::IndexOverField(which, column) => {
                let (name, table) = (format!("legacy_{number}_idx"), table(which));
                let column = &table.columns[column.index(table.columns.len())];
                if column.spec == "json" {
                    return;
                }
                (name.clone(), format!("CREATE INDEX {name} ON \"{}\" (\"{}\");\n", table.name, column.name))
            }
            ByHand::View(which) => {
                let name = format!("legacy_{number}_view");
                (name.clone(), format!("CREATE VIEW {name} AS SELECT id FROM \"{}\";\n", table(which).name))
            }
        };
        self.server.run(&sql);
        self.add(&format!("by_hand_{number}"), &sql, false);
        self.by_hand.push(name);
    }

    /// Which of what was written by hand is there.
    fn there(&self) -> BTreeSet<String> {
        let sql = match self.dialect {
            Database::Postgres => {
                "SELECT attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relkind = 'r' AND attname LIKE 'legacy%' \
                 AND NOT attisdropped UNION SELECT relname FROM pg_class WHERE relname LIKE 'legacy%'"
            }
            Database::Sqlite => {
                "SELECT p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table' AND p.name LIKE 'legacy%' \
                 UNION SELECT name FROM sqlite_master WHERE name LIKE 'legacy%'"
            }
        };
        self.server.rows(sql).into_iter().filter(|name| !name.is_empty()).collect()
    }

    fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        let mut queries = Vec::new();
        for table in &self.at.tables {
            let text = |column: &str| match self.dialect {
                Database::Postgres => format!("coalesce(\"{column}\"::TEXT, 'NULL')"),
                Database::Sqlite => format!("quote(\"{column}\")"),
            };
            for column in &table.columns {
                queries.push(format!(
                    "SELECT '{}' || '\u{1f}' || {} || '\u{1f}{}\u{1f}' || {} AS line FROM \"{}\"",
                    table.name,
                    text("id"),
                    column.name,
                    text(&column.name),
                    table.name
                ));
            }
        }
        for queries in queries.chunks(100) {
            for line in self.server.rows(&queries.join(" UNION ALL ")) {
                let parts: Vec<&str> = line.split('\u{1f}').collect();
                let [table, id, column, value] = parts[..] else { continue };
                let row = rows.entry((table.to_owned(), id.to_owned())).or_default();
                row.insert(column.to_owned(), value.to_owned());
            }
        }
        rows
    }

    fn sql<'s>(&self, steps: impl Iterator<Item = &'s String>) -> String {
        let all: String =
            steps.map(|sql| sql.replace("-- no-transaction\n", "").replace(" CONCURRENTLY", "")).collect();
        if self.dialect == Database::Sqlite { as_migrated(&all) } else { all }
    }

    /// One change of the model, as a command and the migrator make it.
    fn change(&mut self, model: &Layout) -> Result<(), TestCaseError> {
        let by_hand = HandWritten::of(&self.files, self.dialect);
        let Ok(steps) = changes_beside(&self.at, model, &by_hand) else {
            self.counts[2] += 1;
            return Ok(());
        };
        if steps.is_empty() {
            return Ok(());
        }
        let told: Vec<&String> =
            steps.iter().flat_map(|step: &Migration| step.destructive.iter().chain(&step.notes)).collect();
        let announced = steps.iter().any(|step| !step.destructive.is_empty());
        let (before, there) = (self.rows(), self.there());
        let up = self.sql(steps.iter().map(|step| &step.up));
        if let Err(said) = self.server.attempt(&up) {
            prop_assert!(!told.is_empty(), "fails without a word before: {}\n{}", said, up);
            prop_assert_eq!(self.rows(), before, "a migration that fails changes nothing");
            self.counts[1] += 1;
            return Ok(());
        }
        self.counts[0] += 1;
        let old = std::mem::replace(&mut self.at, kept(model));
        for name in there.difference(&self.there()) {
            prop_assert!(
                told.iter().any(|line| line.contains(name.as_str()) || line.contains("goes, with every row")),
                "{} is gone, and nobody said so: {:?}\n{}",
                name,
                told,
                up
            );
        }
        if !announced {
            let after = self.rows();
            prop_assert_eq!(before.len(), after.len(), "rows are gone: {}", up);
            let down = self.sql(steps.iter().rev().map(|step| &step.down));
            // A row without a value got the default, which the type before may not have.
            if self.server.attempt(&down).is_err() {
                prop_assert_eq!(self.rows(), after, "a way back that fails changes nothing: {}", down);
            } else {
                self.there_and_back(old, &before, &there, &up, &down)?;
                self.server.run(&up);
                prop_assert_eq!(self.rows(), after, "and again: {}", up);
            }
        }
        for step in &steps {
            self.add(&step.name, &step.up, true);
        }
        self.fill();
        Ok(())
    }
}

/// Values that are not there any more, or others; nothing may have become something.
fn lost(before: &Rows, now: &Rows) -> Vec<String> {
    let mut lost = Vec::new();
    for (row, values) in before {
        for (column, value) in values.iter().filter(|(_, value)| *value != "NULL") {
            let now = now.get(row).and_then(|values| values.get(column));
            if now != Some(value) {
                lost.push(format!("{row:?} {column}: {value}, {now:?}"));
            }
        }
    }
    lost
}

impl History<'_> {
    /// After the way back to `old`: what was there before is there again.
    fn there_and_back(
        &mut self,
        old: Layout,
        before: &Rows,
        there: &BTreeSet<String>,
        up: &str,
        down: &str,
    ) -> Result<(), TestCaseError> {
        let at = std::mem::replace(&mut self.at, old);
        let lost = lost(before, &self.rows());
        prop_assert!(lost.is_empty(), "what was before comes back, but for {:?}: {}\n{}", lost, up, down);
        let lost: Vec<String> = there.difference(&self.there()).cloned().collect();
        prop_assert!(lost.is_empty(), "the way back loses {:?}: {}", lost, down);
        self.at = at;
        Ok(())
    }
}

/// The `number`th value of a type, as SQL.
fn value(spec: &str, number: usize, dialect: Database) -> String {
    let (word, rest) = spec.split_once('(').unwrap_or((spec, ""));
    let id = format!("018900000000700080000000000000{number:02}");
    match (word, dialect) {
        ("uuid" | "ref", Database::Postgres) => format!("'{id}'"),
        ("uuid" | "ref", Database::Sqlite) => format!("x'{id}'"),
        ("string" | "text", _) => format!("'v{number}'"),
        ("decimal", Database::Sqlite) => {
            let scale: u32 =
                rest.trim_end_matches(')').split(',').nth(1).and_then(|scale| scale.parse().ok()).unwrap_or(0);
            (number as u64 * 10_u64.pow(scale)).to_string()
        }
        ("int" | "bigint" | "decimal", _) => number.to_string(),
        ("bool", Database::Postgres) => (number == 1).to_string(),
        ("bool", _) => (number % 2).to_string(),
        ("date", _) => format!("'2026-01-0{number}'"),
        ("datetime", _) => format!("'2026-01-0{number}T00:00:00+00:00'"),
        ("json", _) => "'{}'".into(),
        ("email", _) => format!("'a{number}@example.org'"),
        ("url", _) => format!("'https://example.org/{number}'"),
        ("enum", _) => {
            let choices: Vec<&str> = rest.trim_end_matches(')').split(',').collect();
            format!("'{}'", choices[(number - 1) % choices.len()])
        }
        _ => panic!("{spec}"),
    }
}

fn by_hand() -> impl Strategy<Value = ByHand> {
    let at = any::<Index>;
    prop_oneof![
        3 => at().prop_map(ByHand::Column),
        1 => at().prop_map(ByHand::Index),
        2 => (at(), at()).prop_map(|(which, column)| ByHand::IndexOverField(which, column)),
        1 => at().prop_map(ByHand::View),
    ]
}

fn law(server: &Server, dialect: Database) {
    // The same ones in each run, so that a change is judged by what it changes, unless more are asked for.
    let is_asked = ["PROPTEST_CASES", "LAWS"].iter().any(|name| std::env::var_os(name).is_some());
    let cases = crate::support::cases(144);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let counts = std::cell::Cell::new([0; 3]);
    let histories = (models(7), vec(vec(by_hand(), 0..2), 7));
    let mut runner = if is_asked {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let outcome = runner.run(&histories, |(models, written)| {
        let layouts: Vec<Layout> = models
            .iter()
            .map(|specs| Layout::of(&Model::new(&[], &resources(specs).expect("as the grammar has it")), dialect))
            .collect();
        let mut history = History::new(server, dialect, &layouts[0]);
        for (model, by_hand) in layouts[1..].iter().zip(&written) {
            for by_hand in by_hand {
                history.write(by_hand);
            }
            history.change(model)?;
        }
        let ours: Vec<String> = server.facts().into_iter().filter(|fact| !fact.contains("legacy")).collect();
        counts.set(std::array::from_fn(|at| counts.get()[at] + history.counts[at]));
        let at = history.at;
        prop_assert_eq!(ours, from_scratch(server, &at), "the schema is the model's, and what was written by hand");
        Ok(())
    });
    let [made, stopped, refused] = counts.get();
    println!("{made} changes made, {stopped} stopped by rows as announced, {refused} refused");
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(made >= cases as usize, "{made} made, {stopped} stopped, {refused} refused: too few to prove anything");
}

#[test]
fn postgres_loses_nothing_that_is_not_announced() {
    law(&Server::postgres("histories"), Database::Postgres);
}

#[test]
fn sqlite_loses_nothing_that_is_not_announced() {
    law(&Server::sqlite("histories"), Database::Sqlite);
}
