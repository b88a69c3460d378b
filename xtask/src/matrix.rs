//! `matrix`: any two answers that may be given together compile together.
//!
//! A pairwise cover of the questions with choices, and of services with and without resources. Each
//! row is rendered and checked by a cargo of its own: a workspace of rows would unite their features.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;
use new_service::blueprint::{self, Blueprint, Drawn, Resolver};
use new_service::evolve::{Plan, create};
use new_service::inspect::pairwise::{Pair, Row, cover, pairs, product};
use new_service::pack::{Answer, Answers, Kind, Pack, Source};
use new_service::render::{self, context_of};
use new_service::schema::Drafts;

const NAME: &str = "shop";

/// Two that refer to each other's kind, with a field of most types. Where there are accounts, the
/// second has an owner, too.
const RESOURCES: [&str; 2] = [
    "customer name:string(1..200) email:email:unique born:date?:private site:url? vip:bool=false",
    "order customer:ref(customer) status:enum(draft,paid,shipped)=draft:index total:decimal(12,2) \
     items:int(1..)=1 paid_at:datetime? extra:json? note:text?",
];

/// Above this, to try each row there could be takes too long, and the cover wants a better way.
const MOST_ROWS: usize = 100_000;

/// Who waits for a reason that a row failed for reads so much of it.
const SHOWN_LINES: usize = 60;

/// What a row has a value of: a question, or whether there are resources.
struct Factor {
    key: String,
    values: Vec<Value>,
}

enum Value {
    Answer(Answer),
    Resources(bool),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer(answer) => answer.fmt(f),
            Self::Resources(true) => f.write_str("some"),
            Self::Resources(false) => f.write_str("none"),
        }
    }
}

/// The rows of a pack, and what they leave out.
struct Matrix {
    factors: Vec<Factor>,
    rows: Vec<(Row, Blueprint)>,
    /// How many pairs of values the rows hold.
    pairs: usize,
    /// Pairs that no row can hold: the pack refuses all such answers.
    refused: Vec<Pair>,
}

pub fn run(list: bool) -> anyhow::Result<()> {
    let pack = Pack::load(&Source::Folder(crate::root().join("templates/axum")))?;
    let matrix = Matrix::of(&pack)?;
    let widths = matrix.widths();
    println!("{}", line("row", matrix.factors.iter().map(|factor| factor.key.clone()), &widths));
    if list {
        for (number, (row, _)) in (1..).zip(&matrix.rows) {
            println!("{}", matrix.line(number, row, &widths));
        }
        println!("{}", matrix.summary());
        return Ok(());
    }

    let folder = fs::canonicalize(crate::root())?.join("target/matrix");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let begun = Instant::now();
    let mut checked: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut failed = Vec::new();
    for (number, (row, blueprint)) in (1..).zip(&matrix.rows) {
        let start = Instant::now();
        let (result, fault) = match Plan::create(blueprint, &pack) {
            Err(faults) => ("FAILED to render".to_owned(), Some(faults.to_string())),
            Ok(plan) => match checked.get(&compiled(&plan)) {
                Some(same) => (format!("as row {same}"), None),
                None => {
                    checked.insert(compiled(&plan), number);
                    match check(&plan, &folder.join(format!("{number:02}")))? {
                        None => ("ok".to_owned(), None),
                        Some(said) => ("FAILED".to_owned(), Some(said)),
                    }
                }
            },
        };
        let seconds = start.elapsed().as_secs_f64();
        println!("{}  {result:8} {seconds:6.1} s", matrix.line(number, row, &widths));
        if let Some(fault) = fault {
            println!("{fault}\n");
            failed.push(number.to_string());
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{}; {} checks, {seconds:.0} s", matrix.summary(), checked.len());
    anyhow::ensure!(failed.is_empty(), "failed: row {}; each is in {}", failed.join(", "), folder.display());
    Ok(())
}

impl Matrix {
    fn of(pack: &Pack) -> anyhow::Result<Self> {
        let factors = factors(pack);
        let sizes: Vec<usize> = factors.iter().map(|factor| factor.values.len()).collect();
        let count: usize = sizes.iter().product();
        anyhow::ensure!(count <= MOST_ROWS, "{count} combinations are too many to try each");
        let mut allowed = BTreeMap::new();
        let mut possible = BTreeSet::new();
        for row in product(&sizes) {
            possible.extend(pairs(&row));
            if let Some(blueprint) = admitted(pack, &factors, &row)? {
                allowed.insert(row, blueprint);
            }
        }
        let rows: Vec<Row> = allowed.keys().cloned().collect();
        let held: BTreeSet<Pair> = rows.iter().flat_map(|row| pairs(row)).collect();
        let rows = cover(&rows).into_iter().filter_map(|row| allowed.remove_entry(&row)).collect();
        Ok(Self { factors, rows, pairs: held.len(), refused: possible.difference(&held).copied().collect() })
    }

    fn shown(&self, row: &[usize]) -> impl Iterator<Item = String> {
        self.factors.iter().zip(row).map(|(factor, value)| factor.values[*value].to_string())
    }

    fn line(&self, number: usize, row: &[usize], widths: &[usize]) -> String {
        line(&number.to_string(), self.shown(row), widths)
    }

    fn widths(&self) -> Vec<usize> {
        let of = |factor: &Factor| factor.values.iter().map(|value| value.to_string().len()).max().unwrap_or(0);
        self.factors.iter().map(|factor| of(factor).max(factor.key.len())).collect()
    }

    fn summary(&self) -> String {
        let value = |(factor, value): (usize, usize)| {
            let factor = &self.factors[factor];
            format!("{}={}", factor.key, factor.values[value])
        };
        let mut out = String::new();
        for (one, other) in &self.refused {
            let _ = writeln!(out, "refused: {} with {}", value(*one), value(*other));
        }
        let _ = write!(out, "{} rows hold all {} pairs that go together", self.rows.len(), self.pairs);
        out
    }
}

fn line(number: &str, values: impl Iterator<Item = String>, widths: &[usize]) -> String {
    let cells: Vec<String> = values.zip(widths).map(|(value, width)| format!("{value:width$}")).collect();
    format!("{number:>3}  {}", cells.join("  ")).trim_end().to_owned()
}

/// The questions that have choices, and resources where the pack makes anything of them.
fn factors(pack: &Pack) -> Vec<Factor> {
    let questions = pack.manifest.questions.iter().filter(|question| question.is_open());
    let of_question = questions.filter_map(|question| {
        let values: Vec<Answer> = match question.kind {
            Kind::Choice => question.choices.iter().map(|choice| Answer::Text(choice.value.clone())).collect(),
            Kind::Bool => vec![Answer::Bool(false), Answer::Bool(true)],
            Kind::Text | Kind::Integer | Kind::List => return None,
        };
        Some(Factor { key: question.key.clone(), values: values.into_iter().map(Value::Answer).collect() })
    });
    let mut factors: Vec<Factor> = of_question.collect();
    if pack.takes_resources() {
        factors.push(Factor { key: "resources".to_owned(), values: [false, true].map(Value::Resources).into() });
    }
    factors
}

/// The blueprint of a row; none where the pack refuses it, as it would refuse a person.
fn admitted(pack: &Pack, factors: &[Factor], row: &[usize]) -> anyhow::Result<Option<Blueprint>> {
    let mut given = Answers::default();
    let mut with_resources = false;
    for (factor, value) in factors.iter().zip(row) {
        match &factor.values[*value] {
            Value::Answer(answer) => given.insert(&factor.key, answer.clone()),
            Value::Resources(some) => with_resources = *some,
        }
    }
    let Ok(answers) = Resolver::new(pack, NAME, given)?.complete() else { return Ok(None) };
    // Snapshots and rows do not age: 2026-01-01T00:00:00Z.
    let drawn = Drawn::at(1_767_225_600);
    let mut blueprint = Blueprint { name: NAME.to_owned(), answers, resources: Vec::new(), drawn };
    let Ok(layers) = render::select(pack, &context_of(&blueprint, pack)) else { return Ok(None) };
    if with_resources {
        if !render::take_resources(&blueprint, pack) {
            return Ok(None);
        }
        let accounts = layers.iter().flat_map(|layer| &layer.tables).find(|table| table.accounts);
        let owner = accounts.map_or_else(String::new, |table| format!(" owner:ref({})", table.name.get_ref()));
        let mut drafts = Drafts::default();
        drafts.flag(1, RESOURCES[0]);
        drafts.flag(2, &format!("{}{owner}", RESOURCES[1]));
        blueprint.resources = blueprint::resources(drafts, pack).context("the resources of the matrix")?;
    }
    Ok(Some(blueprint))
}

/// All that a compiler could see of a plan: two that are equal in it need one check. Where a file is
/// that no compiler reads, it may still be one that the code takes in as it is, so its name counts.
fn compiled(plan: &Plan) -> Vec<u8> {
    let mut seen = Vec::new();
    for entry in &plan.entries {
        let path = entry.path.as_str();
        let read = ["src/", "tests/", "benches/", "examples/", "migrations/", ".sqlx/", ".cargo/"]
            .iter()
            .any(|folder| path.starts_with(folder))
            || ["Cargo.toml", "Cargo.lock", "build.rs", "rust-toolchain.toml", "clippy.toml"].contains(&path);
        if !read {
            continue;
        }
        seen.extend(path.as_bytes());
        seen.push(0);
        for line in entry.content.split_inclusive(|byte| *byte == b'\n') {
            // The licence is told to people, and no compiler.
            if path != "Cargo.toml" || !line.starts_with(b"license") {
                seen.extend(line);
            }
        }
        seen.push(0);
    }
    seen
}

/// What cargo says against it, if anything. One target folder and one set of flags with
/// `scripts/prove-snapshot`, so that a dependency is checked once.
fn check(plan: &Plan, folder: &Path) -> anyhow::Result<Option<String>> {
    create::create(plan, folder, &mut |_| Ok(()))?;
    let output = Command::new("cargo")
        .args(["check", "--quiet", "--locked", "--all-targets"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", fs::canonicalize(crate::root())?.join("target/snapshots"))
        .envs([("RUSTFLAGS", "-Dwarnings"), ("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "0")])
        // The service names its own toolchain, and compiles with no database at hand.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("DATABASE_URL")
        .output()?;
    if output.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut lines: Vec<&str> = said.lines().take(SHOWN_LINES).collect();
    if said.lines().count() > lines.len() {
        lines.push("…");
    }
    Ok(Some(lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix::of(&Pack::load(&Source::Folder(crate::root().join("templates/axum"))).unwrap()).unwrap()
    }

    #[test]
    fn the_rows_hold_every_pair_that_the_pack_allows() {
        let matrix = matrix();
        let pack = Pack::load(&Source::Folder(crate::root().join("templates/axum"))).unwrap();
        let held: BTreeSet<Pair> = matrix.rows.iter().flat_map(|(row, _)| pairs(row)).collect();
        assert_eq!(held.len(), matrix.pairs);
        // A refused pair is refused whatever stands beside it, and none of the others is.
        let sizes: Vec<usize> = matrix.factors.iter().map(|factor| factor.values.len()).collect();
        for row in product(&sizes) {
            let refused: Vec<Pair> = pairs(&row).filter(|pair| matrix.refused.contains(pair)).collect();
            let admitted = admitted(&pack, &matrix.factors, &row).unwrap().is_some();
            assert!(!admitted || refused.is_empty(), "{refused:?}");
            assert!(!admitted || pairs(&row).all(|pair| held.contains(&pair)));
        }
    }

    #[test]
    fn each_choice_of_each_question_stands_in_a_row() {
        let matrix = matrix();
        assert!(matrix.factors.len() > 3, "the pack asks");
        for (number, factor) in matrix.factors.iter().enumerate() {
            for (value, shown) in factor.values.iter().enumerate() {
                assert!(matrix.rows.iter().any(|(row, _)| row[number] == value), "{}={shown}", factor.key);
            }
        }
        assert!(matrix.rows.len() < 30, "{} rows", matrix.rows.len());
    }

    #[test]
    fn resources_are_a_factor_where_the_answers_leave_their_layer_in() {
        let file = |(path, text): (&str, &str)| (path.to_owned(), text.as_bytes().to_vec().into());
        let bool = |key: &str| format!("[[question]]\nkey = \"{key}\"\nprompt = \"?\"\nkind = \"bool\"\n");
        let manifest = format!("name = \"x\"\nversion = \"0.1.0\"\nedition = 1\n{}{}", bool("store"), bool("accounts"));
        let files = [
            ("pack.toml", manifest.as_str()),
            ("layers/each/layer.toml", "title = \"x\"\nfor_each = \"resources\"\nas = \"r\"\nwhen = \"store\"\n"),
            (
                "layers/people/layer.toml",
                "title = \"x\"\nwhen = \"accounts\"\n\
                 [[table]]\nname = \"member\"\nfields = [\"name:text\"]\naccounts = true\n",
            ),
        ];
        let pack = Pack::from_files(&files.map(file).into(), "pack").unwrap();
        let factors = factors(&pack);
        assert_eq!(factors.iter().map(|factor| &*factor.key).collect::<Vec<_>>(), ["store", "accounts", "resources"]);
        let of = |row: &[usize]| admitted(&pack, &factors, row).unwrap();
        assert!(of(&[0, 0, 1]).is_none(), "nothing would be made of them");
        assert!(of(&[0, 0, 0]).unwrap().resources.is_empty());
        let owners = |row: &[usize]| {
            let resources = of(row).unwrap().resources;
            resources.iter().map(|resource| resource.owner.is_some()).collect::<Vec<_>>()
        };
        assert_eq!((owners(&[1, 0, 1]), owners(&[1, 1, 1])), (vec![false, false], vec![false, true]));
    }

    #[test]
    fn what_no_compiler_reads_needs_no_check_of_its_own() {
        let pack = Pack::load(&Source::Folder(crate::root().join("templates/axum"))).unwrap();
        let plan = |key: &str, value: &str| {
            let given = [(key.to_owned(), Answer::Text(value.to_owned()))];
            let mut answers = Answers::default();
            given.into_iter().for_each(|(key, answer)| answers.insert(&key, answer));
            let answers = Resolver::new(&pack, NAME, answers).unwrap().complete().unwrap();
            let drawn = Drawn::at(0);
            let blueprint = Blueprint { name: NAME.to_owned(), answers, resources: Vec::new(), drawn };
            Plan::create(&blueprint, &pack).unwrap()
        };
        assert_eq!(compiled(&plan("license", "mit")), compiled(&plan("license", "proprietary")));
        assert_eq!(compiled(&plan("ci", "none")), compiled(&plan("ci", "github")));
        assert_ne!(compiled(&plan("database", "none")), compiled(&plan("database", "postgres")));
    }
}
