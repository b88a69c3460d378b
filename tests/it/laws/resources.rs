//! The same laws for random resources: whatever the way, the migrations give exactly the model, and the tree is that
//! of a new service.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use new_service::blueprint::{self, Blueprint, Drawn};
use new_service::evolve::{Lock, Plan, Revision};
use new_service::pack::{Answers, Files, Pack};
use proptest::prelude::*;

use super::edits::Tree;
use super::{LOCK, run, said, service_of, text, written};
use crate::models::{models, resources};
use crate::sqlite_facts::sqlite_facts;

/// 2026-11-22T10:15:00Z.
const MOMENT: u64 = 1_795_342_500;

fn pack() -> Arc<Pack> {
    let files: Files = [
        ("pack.toml", "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n"),
        ("layers/database/layer.toml", "title = \"x\"\n[database]\ndialect = \"sqlite\"\nmigrations = \"migrations\"\n[[slot]]\nname = \"mods\"\npurpose = \"x\"\npublic = true\n"),
        ("layers/database/files/all.txt.tera", "first\n{{ slot(\"mods\") }}\nlast\n"),
        ("layers/each/layer.toml", "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\n"),
        ("layers/each/slots/database/mods.txt.tera", "mod {{ resource.module }};\n"),
        (
            "layers/each/files/{{ resource.module }}.txt.tera",
            "{{ resource.name }}\n{% for field in resource.fields %}{{ field.name }}: {{ field.kind }}\n{% endfor %}end\n",
        ),
    ]
    .map(|(path, content)| (path.to_owned(), content.as_bytes().to_vec().into()))
    .into();
    Pack::from_files(&files, "small").unwrap_or_else(|faults| panic!("{faults}"))
}

fn blueprint(specs: &[String], drawn: Drawn) -> Blueprint {
    let resources = resources(specs).expect("what the grammar refuses is not made");
    Blueprint { name: "shop".into(), answers: Answers::default(), resources, drawn }
}

fn fresh(specs: &[String], pack: &Arc<Pack>) -> Tree {
    let plan = Plan::create(&blueprint(specs, Drawn::at(MOMENT)), pack).unwrap_or_else(|faults| panic!("{faults}"));
    written(&plan, Tree::new())
}

/// What `resource` and `apply` make of a tree; none where no value of one type becomes one of another.
fn changed(tree: &Tree, specs: &[String], pack: &Arc<Pack>) -> Option<Tree> {
    let lock = Lock::parse(&text(tree, LOCK)).unwrap();
    // With what was drawn before, beside which nobody wrote anything.
    let files = lock.migration_files(tree).unwrap();
    let blueprint = blueprint(specs, Drawn { files, ..lock.drawn(MOMENT) });
    let service = service_of(tree).carried_out(&blueprint, pack).unwrap();
    let revision = Revision { blueprint: &blueprint, pack, lock: &lock, work: tree, service };
    match Plan::revise(&revision) {
        Ok(plan) => Some(written(&plan, tree.clone())),
        Err(faults) => {
            let refused = faults.0.iter().all(|fault| fault.to_string().contains(" cannot become "));
            assert!(refused, "{specs:?}\n{faults}");
            None
        }
    }
}

/// Migrations in their order: up, or down.
fn migrations(tree: &Tree, way: &str) -> Vec<String> {
    let ending = format!(".{way}.sql");
    let files = tree.iter().filter(|(path, _)| path.as_str().ends_with(&ending));
    files.map(|(_, (content, _))| String::from_utf8(content.clone()).unwrap()).collect()
}

/// All files but migrations; of the lock, what does not tell of them; of the schema, each fact without its place;
/// of `service.toml`, whose order is the person's, the resources by name.
fn without_history(tree: &Tree) -> BTreeMap<String, String> {
    let mut files = said(tree);
    files.retain(|path, _| !path.starts_with("migrations/"));
    let lock = files.get_mut(LOCK).unwrap();
    // The format tells whether anything was renamed.
    let of_history = ["drawn migration ", "renamed ", "format "];
    let is_told = |line: &&str| !of_history.iter().any(|word| line.starts_with(word)) && !line.contains(" append ");
    let told = lock.lines().filter(is_told);
    let mut told: Vec<String> = told
        .map(|line| {
            let words: Vec<&str> = line.splitn(5, ' ').collect();
            match words[..] {
                ["model", "column", table, _, rest] => format!("model column {table} {rest}"),
                _ => line.to_owned(),
            }
        })
        .collect();
    told.sort();
    *lock = told.join("\n");
    let service = files.get_mut(blueprint::FILE_NAME).unwrap();
    let mut table: toml::Table = service.parse().unwrap();
    if let Some(toml::Value::Array(resources)) = table.get_mut("resource") {
        resources.sort_by_key(|one| one["name"].to_string());
    }
    *service = table.to_string();
    files
}

/// `SQLite` in memory: its own library, in one process for all cases.
struct Sqlite {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

const PROGRAM: &str = r#"
import json, sqlite3, sys
for line in sys.stdin:
    steps = json.loads(line)
    try:
        if steps is None:
            db, steps = sqlite3.connect(":memory:"), ["PRAGMA foreign_keys = ON"]
        for step in steps:
            if step.startswith("-- rebuild: "):
                # As the migrator of a service does.
                pragmas = "PRAGMA foreign_keys = {}; PRAGMA legacy_alter_table = {};"
                step = "\n".join([pragmas.format("OFF", "ON"), "BEGIN;", step, "COMMIT;", pragmas.format("ON", "OFF")])
            db.executescript(step)
        told = [row[0].replace("\n", " ") for row in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
    except sqlite3.Error as error:
        told = f"{error}\n{step}"
    print(json.dumps(told), flush=True)
"#;

impl Sqlite {
    fn start() -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("python3: {error}"));
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn empty(&mut self) {
        assert_eq!(self.tell("null"), Ok(Vec::new()));
    }

    /// Runs migrations; the schema as facts that have no order.
    fn run(&mut self, steps: &[String]) -> Result<Vec<String>, String> {
        self.tell(&serde_json::to_string(steps).unwrap())
    }

    fn tell(&mut self, line: &str) -> Result<Vec<String>, String> {
        writeln!(self.input, "{line}").unwrap();
        let mut told = String::new();
        self.output.read_line(&mut told).unwrap();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let Some(rows) = told.as_array() else { return Err(told.as_str().unwrap().to_owned()) };
        let mut facts: Vec<String> = rows.iter().flat_map(|row| sqlite_facts(row.as_str().unwrap())).collect();
        facts.sort();
        Ok(facts)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn whatever_becomes_of_resources_migrations_give_the_model_and_the_tree_is_a_new_one() {
    let pack = pack();
    let sqlite = std::cell::RefCell::new(Sqlite::start());
    let (taken, refused) = (std::cell::Cell::new(0_u32), std::cell::Cell::new(0_u32));
    run(150, &models(6), |models| {
        let mut sqlite = sqlite.borrow_mut();
        let fail = |why: String| TestCaseError::fail(format!("{models:#?}\n{why}"));
        let mut tree = fresh(&models[0], &pack);
        for specs in &models[1..] {
            let Some(after) = changed(&tree, specs, &pack) else {
                // What comes after it was to follow it.
                refused.set(refused.get() + 1);
                break;
            };
            taken.set(taken.get() + 1);
            // None that was there is another now.
            for (path, content) in tree.iter().filter(|(path, _)| path.as_str().starts_with("migrations/")) {
                prop_assert_eq!(after.get(path), Some(content));
            }
            tree = after;
            let new = fresh(specs, &pack);
            let (told, expected) = (without_history(&tree), without_history(&new));
            let differing = told.keys().chain(expected.keys()).find(|path| told.get(*path) != expected.get(*path));
            if let Some(path) = differing {
                return Err(fail(format!("{path}: {:#?}", (told.get(path), expected.get(path)))));
            }
            sqlite.empty();
            let wanted = sqlite.run(&migrations(&new, "up")).map_err(fail)?;
            sqlite.empty();
            let there = sqlite.run(&migrations(&tree, "up")).map_err(fail)?;
            prop_assert_eq!(there, wanted, "{:#?}", models);
            prop_assert!(changed(&tree, specs, &pack).as_ref() == Some(&tree), "twice is once: {models:#?}");
        }
        // And all the way back; then, up once more.
        sqlite.empty();
        let (up, mut down) = (migrations(&tree, "up"), migrations(&tree, "down"));
        down.reverse();
        let there = sqlite.run(&up).map_err(fail)?;
        prop_assert_eq!(sqlite.run(&down).map_err(fail)?, Vec::<String>::new(), "{:#?}", models);
        prop_assert_eq!(sqlite.run(&up).map_err(fail)?, there, "{:#?}", models);
        Ok(())
    });
    // By the luck of the draw; that most are refused would be no law.
    assert!(taken.get() > 2 * refused.get() && taken.get() > 20, "{} taken, {} refused", taken.get(), refused.get());
}
