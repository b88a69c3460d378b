//! The law of migrations: whatever becomes of a model, whatever people write beside it and whatever rows there are,
//! nothing is lost that was not announced; and the schema is the model's, and what was written by hand.

mod descent;
mod hand;
mod rows;
mod way;

use std::cell::Cell;

use new_service::schema::{Database, HandWritten, Layout, Migration, MigrationFile, Model, changes_beside, migrations};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::hand::{ByHand, Thing, by_hand};
use self::rows::Draw;
use self::way::{Rows, Way, without_quotes};
use super::changes::{as_migrated, from_scratch, kept};
use super::servers::Server;
use crate::models::{models, resources};

/// One that goes back to nothing and up again at its end.
struct History<'a> {
    server: &'a Server,
    dialect: Database,
    files: Vec<MigrationFile>,
    at: Layout,
    /// Of the database as it is.
    facts: Vec<String>,
    things: Vec<Thing>,
    written: usize,
    moves: Vec<Move>,
    draw: Draw,
    counts: Counts,
}

/// What became of the changes: made, stopped by rows as announced, refused with a reason; and what was done to prove it.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    made: u32,
    stopped: u32,
    refused: u32,
    by_hand: u32,
    rows: usize,
    ways_back: u32,
}

impl Counts {
    fn and(self, other: Self) -> Self {
        Self {
            made: self.made + other.made,
            stopped: self.stopped + other.stopped,
            refused: self.refused + other.refused,
            by_hand: self.by_hand + other.by_hand,
            rows: self.rows + other.rows,
            ways_back: self.ways_back + other.ways_back,
        }
    }
}

/// A step of a history, and what it began with.
struct Move {
    ups: Vec<String>,
    downs: Vec<String>,
    /// The way back; none of what was written by hand.
    back: Option<Way>,
    facts: Vec<String>,
    things: Vec<Thing>,
}

fn parsed(contents: &[String]) -> Rows {
    let row = |line: &String| {
        let (table, id, values) = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        ((table, id), values)
    };
    contents.iter().map(row).collect()
}

fn is_by_hand(fact: &str) -> bool {
    fact.contains("legacy_")
}

impl<'a> History<'a> {
    fn new(server: &'a Server, dialect: Database, model: &Layout, seed: u64) -> Self {
        server.empty();
        let mut history = Self {
            server,
            dialect,
            files: Vec::new(),
            at: kept(&Layout { dialect, tables: Vec::new() }),
            facts: server.facts(),
            things: Vec::new(),
            written: 0,
            moves: Vec::new(),
            draw: Draw(seed),
            counts: Counts::default(),
        };
        let (steps, facts) = (migrations(model), history.facts.clone());
        let back = Way::new(&history.at, model).back(&history.at, model);
        history.run(&steps.iter().map(|step| step.up.clone()).collect::<Vec<_>>()).unwrap();
        history.moved(&steps, back, facts);
        history.at = kept(model);
        history.facts = server.facts();
        history.fill();
        history
    }

    fn add(&mut self, name: &str, text: &str, is_as_drawn: bool) {
        let path = format!("migrations/{}_{name}.up.sql", 1000 + self.files.len());
        self.files.push(MigrationFile { path, text: text.to_owned(), is_as_drawn });
    }

    /// What was drawn is part of the history.
    fn moved(&mut self, steps: &[Migration], back: Way, facts: Vec<String>) {
        for step in steps {
            self.add(&step.name, &step.up, true);
        }
        self.moves.push(Move {
            ups: steps.iter().map(|step| step.up.clone()).collect(),
            downs: steps.iter().rev().map(|step| step.down.clone()).collect(),
            back: Some(back),
            facts,
            things: self.things.clone(),
        });
    }

    fn rows(&self) -> Rows {
        if self.dialect == Database::Sqlite {
            let broken = self.server.rows("SELECT \"table\" || ' ' || parent FROM pragma_foreign_key_check");
            assert_eq!(broken, [""; 0], "rows refer to nothing");
        }
        parsed(&self.server.contents())
    }

    fn fill(&mut self) {
        let columns = |table: &str| {
            let own = self.things.iter().filter(|thing| thing.is_column() && thing.table == table);
            own.map(|thing| thing.name.clone()).collect()
        };
        let sql = rows::inserts(&self.at, columns, &mut self.draw, 2);
        self.server.run(&sql);
    }

    /// Runs migrations as a service does: none of them, where one fails.
    fn run(&self, files: &[String]) -> Result<(), String> {
        if self.dialect == Database::Postgres {
            let all: String =
                files.iter().map(|sql| sql.replace("-- no-transaction\n", "").replace(" CONCURRENTLY", "")).collect();
            return self.server.attempt(&all);
        }
        self.server.save();
        for sql in files {
            let outcome = if sql.starts_with("-- rebuild: ") {
                self.as_expected(sql).and_then(|()| self.server.attempt(&as_migrated(sql)))
            } else {
                self.server.attempt(&format!("PRAGMA foreign_keys = ON;\nBEGIN;\n{sql}\nCOMMIT;"))
            };
            if outcome.is_err() {
                self.server.restore();
                return outcome;
            }
        }
        Ok(())
    }

    /// Whether a table has what the head of its rebuild says, as the migrator of a service asks.
    fn as_expected(&self, sql: &str) -> Result<(), String> {
        let (table, rest) = sql.strip_prefix("-- rebuild: ").and_then(|sql| sql.split_once('\n')).unwrap();
        let head = rest.lines().map_while(|line| line.strip_prefix("-- ")?.split_once(": "));
        let kinds = [("columns", "column"), ("indexes", "index"), ("triggers", "trigger")];
        let kind = |of: &str| kinds.iter().find(|(many, _)| *many == of).map(|(_, one)| *one);
        let named = head.filter_map(|(of, names)| Some((kind(of)?, names)));
        let mut expected: Vec<String> =
            named.flat_map(|(one, names)| names.split(", ").map(move |name| format!("{one} {name}"))).collect();
        let mut there = self.server.rows(&format!(
            "SELECT 'column ' || name FROM pragma_table_xinfo('{table}') UNION ALL SELECT type || ' ' || name \
             FROM sqlite_master WHERE tbl_name = '{table}' AND type IN ('index', 'trigger') AND sql IS NOT NULL"
        ));
        expected.sort();
        there.sort();
        if expected == there { Ok(()) } else { Err(format!("{table} has {there:?}, not {expected:?}")) }
    }

    fn write(&mut self, by_hand: &ByHand) {
        match by_hand {
            ByHand::New(kind, table, column) => {
                let Some(thing) = Thing::new(*kind, self.written, &self.at, *table, *column) else { return };
                self.run_by_hand(thing.create(self.dialect), thing.drop(self.dialect));
                self.things.push(thing);
            }
            ByHand::Drop(which) if !self.things.is_empty() => {
                self.take_away(&self.things[which.index(self.things.len())].clone());
            }
            ByHand::Drop(_) => {}
        }
    }

    fn take_away(&mut self, thing: &Thing) {
        self.run_by_hand(thing.drop(self.dialect), thing.create(self.dialect));
        self.things.retain(|other| other.name != thing.name);
    }

    /// A migration by hand.
    fn run_by_hand(&mut self, up: String, down: String) {
        self.server.run(&up);
        let facts = std::mem::replace(&mut self.facts, self.server.facts());
        self.written += 1;
        self.counts.by_hand += 1;
        self.add(&format!("by_hand_{}", self.written), &up, false);
        let (ups, downs) = (vec![up], vec![down]);
        self.moves.push(Move { ups, downs, back: None, facts, things: self.things.clone() });
    }

    /// One change of the model, as a command and the migrator make it.
    fn change(&mut self, model: &Layout) -> Result<(), TestCaseError> {
        let by_hand = HandWritten::of(&self.files, self.dialect);
        let steps = match changes_beside(&self.at, model, &by_hand) {
            Ok(steps) => steps,
            Err(faults) => return self.refused(model, &faults.to_string()),
        };
        if steps.is_empty() {
            return Ok(());
        }
        let ups: Vec<String> = steps.iter().map(|step| step.up.clone()).collect();
        let downs: Vec<String> = steps.iter().rev().map(|step| step.down.clone()).collect();
        let said: Vec<&String> = steps.iter().flat_map(|step| &step.destructive).collect();
        let (before, facts) = (self.rows(), self.facts.clone());
        let show = || format!("{said:#?}\n{}\n--- and back:\n{}", ups.concat(), downs.concat());
        if let Err(error) = self.run(&ups) {
            let notes = steps.iter().flat_map(|step| step.destructive.iter().chain(&step.notes));
            prop_assert!(is_announced(&error, notes), "fails without a word before: {}\n{}", error, show());
            prop_assert_eq!(self.rows(), before.clone(), "a migration that fails changes nothing");
            prop_assert_eq!(self.server.facts(), facts, "a migration that fails changes nothing");
            self.counts.stopped += 1;
            // Whoever mends the rows goes on.
            prop_assert!(!before.is_empty(), "without rows, it fails: {}\n{}", error, show());
            self.server.run(&self.without_rows(&before));
            return self.change(model);
        }
        let way = Way::new(&self.at, model);
        let back = way.back(&self.at, model);
        let is_said = |what: &str, how: &str| said.iter().any(|line| line.contains(what) && line.contains(how));
        let is_excused = |table: &str, column: &str| {
            let goes = if column.is_empty() { format!("the table {table}") } else { format!("{table}.{column}") };
            is_said(&format!("{goes} "), "goes") || is_said(&format!("{goes} becomes"), "loses")
        };

        let after = self.rows();
        let lost = way.lost(&before, &after, is_excused);
        prop_assert!(lost.is_empty(), "lost, and not announced: {:#?}\n{}", lost, show());
        // What was written by hand stands, under today's names; or it was said that it goes.
        let stays = |fact: &&String| is_by_hand(fact);
        let now = self.server.facts();
        let gone: Vec<Thing> = self.things.iter().filter(|thing| !is_there(&now, thing)).cloned().collect();
        for thing in &gone {
            let is_named = is_said(&thing.name, "goes with");
            prop_assert!(is_named, "{} is gone, and nobody said so\n{}", thing.name, show());
        }
        let is_gone = |fact: &String| gone.iter().any(|thing| names(fact, &thing.name));
        let expected: Vec<String> = facts.iter().filter(stays).filter(|fact| !is_gone(fact)).cloned().collect();
        let there = without_quotes(now.iter().filter(stays).filter(|fact| !is_gone(fact)).cloned());
        prop_assert_eq!(way.facts(&expected), there, "what was written by hand is another\n{}", show());

        match self.run(&downs) {
            // What has to be given a value has a place for it; and a default need not be one of the type before.
            Err(error) => {
                let has_place = downs.iter().any(|down| NEEDS_VALUES.iter().any(|words| down.contains(words)));
                prop_assert!(
                    has_place || way.fills() || said.iter().any(|line| line.contains("loses")),
                    "the way back: {}\n{}",
                    error,
                    show()
                );
                prop_assert_eq!(self.rows(), after, "a way back that fails changes nothing");
                prop_assert_eq!(self.server.facts(), now.clone(), "a way back that fails changes nothing");
            }
            Ok(()) => {
                self.counts.ways_back += 1;
                let again = self.rows();
                // As it was before, but for what was announced.
                let is_excused = |table: &str, column: &str| {
                    let now = way.table(table).map(|now| (now, way.column(table, column)));
                    match now {
                        None => true,
                        Some((now, None)) => is_excused(now, column),
                        Some((now, Some(name))) => is_excused(now, name) || way.is_filled(table, column),
                    }
                };
                let same = Way::default();
                let dropped = |(table, _): &(String, String)| way.table(table).is_none();
                let kept: Rows = before.clone().into_iter().filter(|(key, _)| !dropped(key)).collect();
                let lost = same.lost(&kept, &again, is_excused);
                prop_assert!(lost.is_empty(), "what was before comes back, but for {:#?}\n{}", lost, show());
                self.write_again(&gone);
                prop_assert_eq!(self.server.facts(), facts.clone(), "the way back ends elsewhere\n{}", show());
                self.run(&ups).map_err(|error| TestCaseError::fail(format!("and again: {error}\n{}", show())))?;
                prop_assert_eq!(self.server.facts(), now.clone(), "and again\n{}", show());
            }
        }
        self.counts.made += 1;
        self.counts.rows += before.len();
        self.moved(&steps, back, facts);
        self.at = kept(model);
        self.facts = now;
        self.things.retain(|thing| !gone.iter().any(|other| other.name == thing.name));
        self.things = self.things.iter().map(|thing| thing.moved(&way)).collect();
        self.fill();
        Ok(())
    }

    /// As it is told: what is in the way is dropped by hand, and a column whose values cannot be cast goes first.
    fn refused(&mut self, model: &Layout, faults: &str) -> Result<(), TestCaseError> {
        self.counts.refused += 1;
        if let Some(thing) = self.things.iter().find(|thing| names(faults, &thing.name)).cloned() {
            self.take_away(&thing);
            return self.change(model);
        }
        let mut without = model.clone();
        for table in &mut without.tables {
            let name = table.name.clone();
            let goes = |column: &str| faults.contains(&format!("{name}.{column}: "));
            table.columns.retain(|column| !goes(&column.name));
            table.constraints.retain(|rule| !rule.what.columns().into_iter().any(goes));
            table.indexes.retain(|index| !index.columns.iter().any(|column| goes(&column.name)));
        }
        prop_assert!(without != *model, "refused, and nothing is to be done: {}", faults);
        self.change(&without)?;
        self.change(model)
    }

    /// What was announced to go is written again by whoever needs it.
    fn write_again(&self, things: &[Thing]) {
        for thing in things {
            self.server.run(&thing.create(self.dialect));
        }
    }
}

/// What a way back says where rows need a value that it cannot know.
const NEEDS_VALUES: [&str; 2] = ["need a value", "is unique, and all rows"];

fn names(fact: &str, name: &str) -> bool {
    fact.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
}

fn is_there(facts: &[String], thing: &Thing) -> bool {
    facts.iter().any(|fact| names(fact, &thing.name))
}

/// Whether an error is of a table, and of a column of it, that a line said it may be of.
fn is_announced<'s>(error: &str, mut lines: impl Iterator<Item = &'s String>) -> bool {
    const MAY_FAIL: [&str; 3] =
        ["make the migration fail", "may not be empty and has no default", "is unique, and all"];
    lines.any(|line| {
        let what = line.split([' ', ':']).next().unwrap_or_default();
        let (table, column) = what.split_once('.').unwrap_or((what, ""));
        // Those of a table are looked at together.
        let is_of_it = error.contains(column) || error.contains("references to missing rows");
        MAY_FAIL.iter().any(|words| line.contains(words)) && error.contains(table) && is_of_it
    })
}

fn law(server: &Server, dialect: Database) {
    // The same ones in each run, so that a change is judged by what it changes, unless more are asked for.
    let is_asked = ["PROPTEST_CASES", "LAWS"].iter().any(|name| std::env::var_os(name).is_some());
    let cases = crate::support::cases(360);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let counts = Cell::new(Counts::default());
    let histories = (models(7), vec(vec(by_hand(), 0..3), 7), any::<u64>());
    let mut runner = if is_asked {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let outcome = runner.run(&histories, |(models, written, seed)| {
        let layouts: Vec<Layout> = models
            .iter()
            .map(|specs| Layout::of(&Model::new(&[], &resources(specs).expect("as the grammar has it")), dialect))
            .collect();
        let mut history = History::new(server, dialect, &layouts[0], seed);
        for (model, by_hand) in layouts[1..].iter().zip(&written) {
            for by_hand in by_hand {
                history.write(by_hand);
            }
            history.change(model)?;
        }
        history.down_to_nothing_and_up()?;
        let ours: Vec<String> = server.facts().into_iter().filter(|fact| !is_by_hand(fact)).collect();
        prop_assert_eq!(
            ours,
            from_scratch(server, &history.at),
            "the schema is the model's, and what was written by hand"
        );
        counts.set(counts.get().and(history.counts));
        Ok(())
    });
    let counts = counts.get();
    println!("{counts:?}");
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(counts.made >= cases && counts.ways_back >= cases, "{counts:?}: too few to prove anything");
}

#[test]
fn postgres_loses_nothing_that_is_not_announced() {
    law(&Server::postgres("histories"), Database::Postgres);
}

#[test]
fn sqlite_loses_nothing_that_is_not_announced() {
    law(&Server::sqlite("histories"), Database::Sqlite);
}
