//! `rows`: every two answers that make a difference to a compiler compile together, without a warning.
//!
//! The services of `snapshots/` and of `scripts/prove-words`, which are compiled and run anyway, have many of the
//! pairs. `inspect` chooses the rows that have the others, by a seed. Names, texts and resources take turns in them.
//! Each is rendered and linted by a cargo of its own: a workspace of rows would unite their features. Few run their
//! tests, too: what the given services leave out of layers and answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use new_service::blueprint::{self, Blueprint, Drawn, Resolver};
use new_service::evolve::{Plan, create};
use new_service::inspect::pairwise::fewest;
use new_service::inspect::{Row, Rows, Seen};
use new_service::pack::{Answer, Condition, Kind, Layer, Pack, Source, Text};
use new_service::render::{self, Tree, context_of};
use new_service::schema::Drafts;

/// Rows do not age: 2026-01-01T00:00:00Z.
const MOMENT: u64 = 1_767_225_600;

/// The name of services whose names take no turns, and the seed of what is the same each time.
const NAME: &str = "shop";
const SEED: u64 = 1;

/// Names that the service has itself, of modules and of its tests, and one with every kind of character.
const NAMES: [&str; 4] = ["service", "app", "database", "order-2go_x"];

/// A text that no place takes as it is.
const TEXT: &str = "Quotes \"x\", \\ and {} {{ x }} ${{ y }} #{z} `rm` $HOME <b> | */ --> é 🚀 مرحبا";

/// Resources with every kind of field, where there are no accounts.
const KINDS: &str = include_str!("../../tests/kinds.txt");

/// The answers of `scripts/prove-words`, whose resources have every kind of field, too.
const WORDS: &str = "name = \"words\"\n[answers]\ndatabase = \"sqlite\"\nauth = \"none\"\ncache = \"none\"\n\
     container = \"none\"\nci = \"none\"\n";

/// So much is shown of why a row failed.
const SHOWN_LINES: usize = 60;

/// The services of one run.
struct Services {
    /// What is compiled and run in other places, with its name.
    given: Vec<(String, Blueprint)>,
    all: Vec<Service>,
    /// Numbers of those that run their tests.
    run: BTreeSet<usize>,
    rows: Rows,
}

struct Service {
    blueprint: Blueprint,
    /// Whether its description is held against what the service says, which needs a build.
    described: bool,
}

/// Lists or checks the rows of `seed`: all, or those whose numbers are `chosen`.
pub fn run(list: bool, seed: Option<u64>, chosen: &BTreeSet<usize>) -> anyhow::Result<()> {
    let pack = Pack::load(&Source::Folder(crate::root().join("templates/axum")))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let seed = seed.unwrap_or(now);
    println!("seed {seed}");
    let services = Services::of(&pack, &seen(&pack)?, seed)?;
    let numbered = (1..).zip(&services.all).filter(|(number, _)| chosen.is_empty() || chosen.contains(number));
    if list {
        for (number, service) in numbered {
            println!("{}", services.line(&pack, number, service));
        }
        println!("{}", services.summary());
        return Ok(());
    }

    let folder = fs::canonicalize(crate::root())?.join("target/rows");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let begun = Instant::now();
    let mut checked: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut failed = Vec::new();
    for (number, service) in numbered {
        let start = Instant::now();
        println!("{}", services.line(&pack, number, service));
        let tree = render::render(&service.blueprint, &pack)?;
        let runs = services.run.contains(&number);
        let (result, fault) = match checked.get(&compiled(&tree)) {
            Some(same) if !runs && !service.described => (format!("as row {same}"), None),
            _ => {
                checked.insert(compiled(&tree), number);
                match service.check(&pack, &folder.join(format!("{number:02}")), runs)? {
                    None => ("ok".to_owned(), None),
                    Some(said) => ("FAILED".to_owned(), Some(said)),
                }
            }
        };
        println!("    {result}, {:.1} s", start.elapsed().as_secs_f64());
        if let Some(fault) = fault {
            println!("{fault}\n");
            failed.push(number.to_string());
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{}; {} checked, {seconds:.0} s", services.summary(), checked.len());
    anyhow::ensure!(
        failed.is_empty(),
        "failed: row {}; each is in {}; to repeat it: cargo xtask rows --seed {seed} {}",
        failed.join(", "),
        folder.display(),
        failed.join(" ")
    );
    Ok(())
}

/// Writes services in which any two answers stand together that the files of a deployment show, each once.
pub fn manifests() -> anyhow::Result<()> {
    let pack = Pack::load(&Source::Folder(crate::root().join("templates/axum")))?;
    let deployed = |row: &Row| render::render(&row.blueprint, &pack).ok().map(|tree| files(&tree, is_deployed));
    // No names take turns: what differs by its name alone is not looked at twice.
    let rows = Rows::beside(&pack, &[], &Seen::by(&pack, deployed)?, SEED)?;
    let folder = crate::root().join("target/manifests");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut written = BTreeSet::new();
    for row in &rows.chosen {
        let answers = Resolver::new(&pack, NAME, row.answers())?.complete()?;
        let resources = row.blueprint.resources.clone();
        let blueprint = Blueprint { name: NAME.to_owned(), answers, resources, drawn: Drawn::at(MOMENT) };
        if written.insert(files(&render::render(&blueprint, &pack)?, is_deployed)) {
            let plan = Plan::create(&blueprint, &pack)?;
            create::create(&plan, &folder.join(format!("{:02}", written.len())), &mut |_| Ok(()))?;
        }
    }
    println!("{} services show every two answers of: {}", written.len(), rows.seen.join(", "));
    Ok(())
}

/// What makes a difference to a compiler.
fn seen(pack: &Pack) -> anyhow::Result<Seen> {
    Ok(Seen::by(pack, |row| render::render(&row.blueprint, pack).ok().map(|tree| compiled(&tree)))?)
}

/// The services that are compiled and run in other places.
fn given(pack: &Pack) -> anyhow::Result<Vec<(String, Blueprint)>> {
    let mut words = crate::bless::read(&Text::new("words", WORDS), pack)?;
    words.resources = resources(pack, KINDS.lines().filter(|line| !line.starts_with('#')).map(str::to_owned))?;
    let mut given = vec![("scripts/prove-words".to_owned(), words)];
    for entry in fs::read_dir(crate::root().join("snapshots"))? {
        let folder = entry?;
        let path = folder.path().join(blueprint::FILE_NAME);
        if path.exists() {
            let text = Text::new(path.display().to_string(), fs::read_to_string(&path)?);
            let name = format!("snapshots/{}", folder.file_name().display());
            given.push((name, crate::bless::read(&text, pack)?));
        }
    }
    given.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(given)
}

impl Services {
    fn of(pack: &Pack, seen: &Seen, seed: u64) -> anyhow::Result<Self> {
        let given = given(pack)?;
        let kinds = kinds(pack, seed)?;
        let elsewhere: Vec<&Blueprint> = given.iter().map(|(_, blueprint)| blueprint).collect();
        let rows = Rows::beside(pack, &[&elsewhere[..], &[&kinds]].concat(), seen, seed)?;
        anyhow::ensure!(rows.undecided.is_empty(), "nobody knows whether these go together: {:?}", rows.undecided);
        let mut all = vec![Service { blueprint: kinds, described: true }];
        for (number, row) in rows.chosen.iter().enumerate() {
            all.push(Service::of(pack, row, number)?);
        }
        let run = to_run(pack, &rows, &elsewhere, &all)?;
        Ok(Self { given, all, run, rows })
    }

    fn line(&self, pack: &Pack, number: usize, service: &Service) -> String {
        let blueprint = &service.blueprint;
        let answers = pack.manifest.questions.iter().filter_map(|question| {
            let answer = blueprint.answers.get(&question.key)?;
            (question.kind != Kind::Text).then(|| format!("{}={answer}", question.key))
        });
        let answers = answers.collect::<Vec<_>>().join(" ");
        let resources: Vec<&str> = blueprint.resources.iter().map(|resource| resource.name.as_str()).collect();
        let resources = if resources.is_empty() { "none".to_owned() } else { resources.join(",") };
        let runs = if self.run.contains(&number) { "; runs its tests" } else { "" };
        format!("{number:>3}  {}: {answers} resources={resources}{runs}", blueprint.name)
    }

    fn summary(&self) -> String {
        let mut out = String::new();
        for [one, other] in &self.rows.refused {
            let _ = writeln!(out, "refused: {one} with {other}");
        }
        let seen = self.rows.seen.join(", ");
        let given = self.given.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        out + &format!("{} rows, with {given}, hold every two answers of: {seen}", self.rows.chosen.len())
    }
}

/// Services that run their tests: few, in which each layer stands that no other run has, and each answer that
/// makes a difference.
fn to_run(pack: &Pack, rows: &Rows, given: &[&Blueprint], all: &[Service]) -> anyhow::Result<BTreeSet<usize>> {
    let held = |blueprint: &Blueprint| -> anyhow::Result<BTreeSet<String>> {
        let layers = render::select(pack, &context_of(blueprint, pack))?;
        // What is there by an answer that no compiler sees has no test in the service.
        let is_seen = |layer: &&&Layer| {
            let mut keys = layer.when.iter().flat_map(Condition::reads);
            layer.when.is_none() || keys.any(|key| rows.seen.contains(&key))
        };
        let answers = rows.seen.iter().filter_map(|key| Some(format!("{key}={}", blueprint.answers.get(key)?)));
        Ok(layers.iter().filter(is_seen).map(|layer| layer.name.clone()).chain(answers).collect())
    };
    let mut done = BTreeSet::new();
    for blueprint in given {
        done.extend(held(blueprint)?);
    }
    let open: Vec<BTreeSet<String>> = all.iter().map(|one| held(&one.blueprint)).collect::<Result<_, _>>()?;
    let names: Vec<&String> =
        open.iter().flatten().filter(|name| !done.contains(*name)).collect::<BTreeSet<_>>().into_iter().collect();
    let number = |name: &String| names.iter().position(|other| *other == name);
    let sets: Vec<Vec<usize>> = open.iter().map(|held| held.iter().filter_map(number).collect()).collect();
    Ok(fewest(&sets).into_iter().map(|at| at + 1).collect())
}

impl Service {
    /// A row with the name and the text whose turn it is.
    fn of(pack: &Pack, row: &Row, number: usize) -> anyhow::Result<Self> {
        let name = if number.is_multiple_of(2) { NAMES[number / 2 % NAMES.len()] } else { &row.blueprint.name };
        let mut given = row.answers();
        for question in pack.manifest.questions.iter().filter(|question| question.kind == Kind::Text) {
            let text = Answer::Text(TEXT.to_owned());
            if number % 3 == 1 && question.check(&text).is_ok() {
                given.insert(&question.key, text);
            }
        }
        let answers = Resolver::new(pack, name, given)?.complete()?;
        let resources = row.blueprint.resources.clone();
        let blueprint = Blueprint { name: name.to_owned(), answers, resources, drawn: Drawn::at(MOMENT) };
        Ok(Self { blueprint, described: false })
    }

    /// What its tools say against it, if anything.
    fn check(&self, pack: &Arc<Pack>, folder: &Path, runs: bool) -> anyhow::Result<Option<String>> {
        let plan = Plan::create(&self.blueprint, pack)?;
        create::create(&plan, folder, &mut |_| Ok(()))?;
        let lock = fs::read(folder.join("Cargo.lock"))?;
        let mut steps = vec![
            vec!["cargo", "fmt", "--check"],
            // Unlocked: it would write another lock if it wanted one.
            vec!["cargo", "metadata", "--quiet", "--format-version", "1"],
        ];
        if self.described && !runs {
            let test = "openapi::the_committed_description";
            steps.push(vec!["cargo", "test", "--quiet", "--locked", "--", test]);
        } else if !runs {
            steps.push(vec!["cargo", "check", "--quiet", "--locked", "--all-targets"]);
        }
        for step in steps {
            let mut command = Command::new(crate::root().join("scripts/as-service"));
            if let Some(said) = said_by(command.args(&step).current_dir(folder))? {
                return Ok(Some(format!("{}: {said}", step.join(" "))));
            }
        }
        if fs::read(folder.join("Cargo.lock"))? != lock {
            return Ok(Some("cargo wants another Cargo.lock".to_owned()));
        }
        if runs {
            for step in ["tests", "run"] {
                let prover = crate::root().join("scripts/prove-snapshot");
                if let Some(said) = said_by(Command::new(prover).arg(folder).arg(step))? {
                    return Ok(Some(format!("scripts/prove-snapshot {} {step}: {said}", folder.display())));
                }
            }
        }
        Ok(None)
    }
}

/// A service whose resources have every kind of field, of which one with private fields belongs to an account.
fn kinds(pack: &Pack, seed: u64) -> anyhow::Result<Blueprint> {
    let database = if seed.is_multiple_of(2) { "sqlite" } else { "postgres" };
    let answers = format!("[answers]\ndatabase = \"{database}\"\ncache = \"memory\"\nauth = \"jwt\"\n");
    let text = format!("name = \"{}\"\n{answers}", NAMES[0]);
    let mut blueprint = crate::bless::read(&Text::new("kinds", text), pack)?;
    let layers = render::select(pack, &context_of(&blueprint, pack))?;
    let mut tables = layers.into_iter().flat_map(|layer| &layer.tables);
    let account = tables.find(|table| table.accounts).context("no table of accounts")?.name.get_ref();
    let lines = KINDS.lines().filter(|line| !line.starts_with('#') && !line.starts_with("person "));
    let owned = format!("owner:ref({account}) async:ref({account})?");
    blueprint.resources = resources(pack, lines.map(|line| line.replace("owner:ref(person)?", &owned)))?;
    Ok(blueprint)
}

fn resources(pack: &Pack, specs: impl Iterator<Item = String>) -> anyhow::Result<Vec<new_service::schema::Resource>> {
    let mut drafts = Drafts::default();
    for (number, spec) in (1..).zip(specs) {
        drafts.flag(number, &spec);
    }
    blueprint::resources(drafts, pack).context("the resources of a row")
}

/// The first lines of what a command says, if it fails.
fn said_by(command: &mut Command) -> anyhow::Result<Option<String>> {
    // The service compiles with no database at hand.
    let output = command.env("SQLX_OFFLINE", "true").output()?;
    if output.status.success() {
        return Ok(None);
    }
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    let mut lines: Vec<&str> = said.lines().take(SHOWN_LINES).collect();
    if said.lines().count() > lines.len() {
        lines.push("…");
    }
    Ok(Some(lines.join("\n")))
}

/// All that a compiler could see of a service: two that are equal in it need one check. Where a file is that
/// no compiler reads, it may still be one that the code takes in as it is, so that it counts; but the text
/// about the migrations is for people.
fn compiled(tree: &Tree) -> Vec<u8> {
    files(tree, |path| {
        if path == "migrations/README.md" {
            return false;
        }
        ["src/", "tests/", "benches/", "examples/", "migrations/", ".sqlx/", ".cargo/"]
            .iter()
            .any(|folder| path.starts_with(folder))
            || ["Cargo.toml", "Cargo.lock", "build.rs", "rust-toolchain.toml", "clippy.toml"].contains(&path)
    })
}

/// What `scripts/check-manifests` reads.
fn is_deployed(path: &str) -> bool {
    ["deploy/", ".github/", "migrations/"].iter().any(|folder| path.starts_with(folder))
        || ["Dockerfile", ".dockerignore", "compose.yaml"].contains(&path)
}

/// Some files of a service, as one text.
fn files(tree: &Tree, is_one: impl Fn(&str) -> bool) -> Vec<u8> {
    let mut seen = Vec::new();
    for (path, file) in tree.iter().filter(|(path, _)| is_one(path.as_str())) {
        let path = path.as_str();
        seen.extend(path.as_bytes());
        seen.push(0);
        for line in file.content.split_inclusive(|byte| *byte == b'\n') {
            // The licence is told to people, and no compiler.
            if path != "Cargo.toml" || !line.starts_with(b"license") {
                seen.extend(line);
            }
        }
        seen.push(0);
    }
    seen
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use new_service::pack::Question;

    use super::*;

    fn pack() -> Arc<Pack> {
        Pack::load(&Source::Folder(crate::root().join("templates/axum"))).unwrap()
    }

    /// Chosen once: what is seen takes half a minute of a processor.
    static CHOSEN: LazyLock<[Services; 2]> = LazyLock::new(|| {
        let (pack, seen) = (pack(), seen(&pack()).unwrap());
        [1, 7].map(|seed| Services::of(&pack, &seen, seed).unwrap())
    });

    #[test]
    fn answers_that_no_compiler_sees_are_left_out_and_every_two_of_the_others_are_compiled() {
        let pack = pack();
        let [services, _] = &*CHOSEN;
        for key in ["license", "container", "deploy", "ci"] {
            assert!(!services.rows.seen.iter().any(|seen| seen == key), "{:?}", services.rows.seen);
        }
        for key in ["database", "cache", "auth", "resources"] {
            assert!(services.rows.seen.iter().any(|seen| seen == key), "{:?}", services.rows.seen);
        }
        let given = services.given.iter().map(|(_, blueprint)| blueprint);
        let compiled: Vec<&Blueprint> = given.chain(services.all.iter().map(|one| &one.blueprint)).collect();
        let questions = pack.manifest.questions.iter().filter(|one| services.rows.seen.contains(&one.key));
        let of = |question: &Question| {
            question.choices.iter().map(|choice| (question.key.clone(), choice.value.clone())).collect::<Vec<_>>()
        };
        let choices: Vec<(String, String)> = questions.flat_map(of).collect();
        let has = |blueprint: &Blueprint, (key, value): &(String, String)| {
            blueprint.answers.get(key).is_some_and(|answer| answer.to_string() == *value)
        };
        for one in &choices {
            for other in choices.iter().filter(|other| one.0 != other.0) {
                let pair = [one, other].map(|(key, value)| format!("{key}={value}"));
                let is_refused =
                    services.rows.refused.iter().any(|refused| pair.iter().all(|half| refused.contains(half)));
                let stands = compiled.iter().any(|blueprint| has(blueprint, one) && has(blueprint, other));
                assert!(stands != is_refused, "{pair:?}");
            }
        }
        assert!(services.all.len() < 12, "{} rows", services.all.len());
        assert_eq!(
            services.rows.refused.len(),
            3,
            "accounts and resources need a database: {:?}",
            services.rows.refused
        );
    }

    #[test]
    fn what_is_asked_of_every_run_is_in_some_row_of_any_seed() {
        for services in &*CHOSEN {
            assert!(
                services.all.iter().any(|one| one
                    .blueprint
                    .answers
                    .iter()
                    .any(|(_, answer)| answer.to_string() == TEXT))
            );
            let run = services.run.iter().map(|number| &services.all[number - 1].blueprint);
            assert!(
                run.into_iter()
                    .any(|blueprint| blueprint.answers.get("database") == Some(&Answer::Text("none".into())))
            );
        }
    }

    #[test]
    fn what_no_compiler_reads_needs_no_check_of_its_own() {
        let pack = pack();
        let tree = |key: &str, value: &str| {
            let text = format!("name = \"shop\"\n[answers]\n{key} = \"{value}\"\n");
            let blueprint = crate::bless::read(&Text::new("test", text), &pack).unwrap();
            render::render(&blueprint, &pack).unwrap()
        };
        assert_eq!(compiled(&tree("license", "mit")), compiled(&tree("license", "proprietary")));
        assert_eq!(compiled(&tree("ci", "none")), compiled(&tree("ci", "github")));
        assert_ne!(compiled(&tree("database", "none")), compiled(&tree("database", "postgres")));
    }
}
