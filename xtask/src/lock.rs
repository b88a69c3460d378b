//! `lock`: the parts of the pack's lock file, and the proof that they make cargo's own.
//!
//! The superset is cargo's lock for a package with the dependencies of every layer; from it, cargo locks each layer
//! with those that it requires, which gives the layer's delta, and each two layers, which shows whether their deltas
//! do together. What was written is then read as `new` reads it, and compared with cargo's answer for each layer, each
//! pair, a sample of larger sets, and every row of answers that the tests render.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::Context as _;
use new_service::fault::Faults;
use new_service::inspect::Rows;
use new_service::pack::{Layer, Pack, Source, Text, hash};
use new_service::render::lockfile::{self, Graph};
use new_service::render::{context_of, dependencies, select};

/// The package that is locked; `tests/axum_pack.rs` has it, too.
const NAME: &str = "service";
const VERSION: &str = "0.0.0";

/// Sets of three layers and more that are proved.
const SAMPLE: usize = 24;

/// Digests of cargo's lock files for the rows, for a test that runs without cargo.
const ANSWERS: &str = "tests/lock-answers.txt";

const HEAD_OF_ANSWERS: &str = "\
# SHA-256 of cargo's lock file for each set of layers that the rows of answers select, for a package `service` at 0.0.0.
# Only layers with dependencies are named. Written by `cargo xtask lock`.
";

pub fn run(update: bool) -> anyhow::Result<()> {
    let folder = crate::root().join("templates/axum");
    let pack = load(&folder)?;
    let mut scratch = Scratch::new()?;
    write_parts(&pack, &folder, &mut scratch, update)?;
    prove(&*load(&folder)?, &mut scratch)
}

fn load(folder: &Path) -> anyhow::Result<Arc<Pack>> {
    Ok(Pack::load(&Source::Folder(folder.to_owned()))?)
}

/// Layers by name: the order in which sets are named.
type Set<'a> = BTreeMap<&'a str, &'a Layer>;

fn write_parts(pack: &Pack, folder: &Path, scratch: &mut Scratch, update: bool) -> anyhow::Result<()> {
    let lock = pack.manifest.lock.as_ref().context("the pack has a [lock]")?;
    let layers: Vec<&Layer> = pack.layers.iter().filter(locks).collect();
    if !update {
        // Cargo keeps the versions of a lock file that is there.
        let every: Vec<&Layer> = pack.layers.iter().collect();
        scratch.begin_with(lockfile::locked(pack, &every, NAME, VERSION).unwrap_or_default());
    }
    let superset = scratch.resolve(&closed(pack, &layers))?;
    scratch.begin_with(superset.clone());
    let superset = Text::new("the superset", superset);
    let all = Graph::read(&superset)?;

    let mut own = BTreeMap::new();
    for layer in &layers {
        own.insert(layer.name.clone(), Text::new(&*layer.name, scratch.resolve(&closed(pack, &[layer]))?));
    }
    for layer in &layers {
        let mut required = closed(pack, &[layer]);
        required.remove(&*layer.name);
        let (known, whole) = (together(&own, &required)?, Graph::read(&own[&*layer.name])?);
        let mut united = known.clone();
        united.unite(whole.clone());
        anyhow::ensure!(
            united == whole,
            "cargo locks less for \"{}\" than for the layers that it requires",
            layer.name
        );
        let delta = lockfile::print_delta(&known, &whole, &all);
        fs::write(folder_of(layer)?.join(lock.delta()), &delta)?;
        println!("{}: {} lines", layer.name, delta.lines().count() - 1);
    }

    let tried = pairs_of(pack, &layers);
    let mut texts = Vec::new();
    for (_, set) in &tried {
        texts.push(Text::new("a pair", scratch.resolve(set)?));
    }
    let mut pairs = Vec::new();
    for ((names, set), text) in tried.iter().zip(&texts) {
        let (known, whole) = (together(&own, set)?, Graph::read(text)?);
        if known != whole {
            pairs.push((*names, known, whole));
        }
    }
    fs::write(folder.join(lock.superset()), lockfile::print_superset(&all))?;
    let path = folder.join(lock.pairs());
    if !pairs.is_empty() {
        fs::write(&path, lockfile::print_pairs(&pairs, &all))?;
    } else if path.exists() {
        fs::remove_file(&path)?;
    }
    println!("{} packages; {} of {} pairs differ from the union", all.packages.len(), pairs.len(), tried.len());
    Ok(())
}

/// What the layers of a set lock, each by itself.
fn together<'a>(own: &'a BTreeMap<String, Text>, set: &Set) -> Result<Graph<'a>, Faults> {
    Graph::read_all(&set.keys().filter_map(|name| own.get(*name)).collect::<Vec<_>>())
}

/// Holds what was written against cargo's answers.
fn prove(pack: &Pack, scratch: &mut Scratch) -> anyhow::Result<()> {
    let layers: Vec<&Layer> = pack.layers.iter().filter(locks).collect();
    let mut rows = BTreeMap::new();
    for row in Rows::of(pack)?.chosen {
        let selected = select(pack, &context_of(&row.blueprint, pack))?;
        let set: Set = selected.into_iter().filter(locks).map(|layer| (&*layer.name, layer)).collect();
        rows.insert(words(&set), set);
    }
    let singles = layers.iter().map(|layer| closed(pack, &[layer]));
    let pairs = pairs_of(pack, &layers).into_iter().map(|(_, set)| set);
    let mut sets = rows.clone();
    sets.extend(singles.chain(pairs).chain(sample(pack, &layers)).map(|set| (words(&set), set)));
    let mut answers = HEAD_OF_ANSWERS.to_owned();
    for (names, set) in &sets {
        let of_cargo = scratch.resolve(set)?;
        let chosen: Vec<&Layer> = set.values().copied().collect();
        let ours = lockfile::locked(pack, &chosen, NAME, VERSION)?;
        anyhow::ensure!(ours == of_cargo, "{names}: the parts do not make cargo's lock file");
        if rows.contains_key(names) {
            let _ = writeln!(answers, "{} {names}", hash(of_cargo.as_bytes()));
        }
    }
    fs::write(crate::root().join(ANSWERS), answers)?;
    println!("{} sets of layers are locked as cargo locks them; {} of them are of rows", sets.len(), rows.len());
    Ok(())
}

/// Whether a layer has a part of the lock file.
fn locks(layer: &&Layer) -> bool {
    layer.packages().next().is_some()
}

/// Layers with dependencies, and those among what they require.
fn closed<'a>(pack: &'a Pack, layers: &[&'a Layer]) -> Set<'a> {
    let all = pack.with_required(layers.iter().copied());
    all.into_iter().filter(locks).map(|layer| (&*layer.name, layer)).collect()
}

fn words(set: &Set) -> String {
    set.keys().copied().collect::<Vec<_>>().join(" ")
}

/// Each two layers, where neither requires the other: that answers may not select both is no reason to leave any out.
fn pairs_of<'a>(pack: &'a Pack, layers: &[&'a Layer]) -> Vec<([&'a str; 2], Set<'a>)> {
    let all = (0..layers.len()).flat_map(|one| (one + 1..layers.len()).map(move |other| (one, other)));
    let pairs = all.filter_map(|(one, other)| {
        let (one, other) = (layers[one], layers[other]);
        let requires = |one: &'a Layer, other: &Layer| closed(pack, &[one]).contains_key(&*other.name);
        let apart = !requires(one, other) && !requires(other, one);
        apart.then(|| ([&*one.name, &*other.name], closed(pack, &[one, other])))
    });
    pairs.collect()
}

/// Larger sets, the same each time.
fn sample<'a>(pack: &'a Pack, layers: &[&'a Layer]) -> Vec<Set<'a>> {
    let mut state = 14_u64;
    // A linear congruential generator (Knuth, MMIX): the high bits are fair.
    let mut coin = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 63 == 1
    };
    let mut sets = vec![closed(pack, layers)];
    while sets.len() < SAMPLE && layers.len() > 2 {
        let chosen: Vec<&Layer> = layers.iter().copied().filter(|_| coin()).collect();
        if chosen.len() > 2 {
            sets.push(closed(pack, &chosen));
        }
    }
    sets
}

/// Where a layer stands in the pack.
fn folder_of(layer: &Layer) -> anyhow::Result<PathBuf> {
    Ok(Path::new(&layer.text.file).parent().context("a layer.toml stands in a folder")?.to_owned())
}

/// A package without code, for cargo to lock.
struct Scratch {
    folder: PathBuf,
    /// The lock file that cargo begins with; none where it is empty.
    lock: String,
    /// What cargo made of it, by manifest.
    answers: BTreeMap<String, String>,
}

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let folder = crate::root().join("target/xtask-lock");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/lib.rs"), "")?;
        Ok(Self { folder, lock: String::new(), answers: BTreeMap::new() })
    }

    fn begin_with(&mut self, lock: String) {
        self.lock = lock;
        self.answers.clear();
    }

    /// Cargo's lock file for the dependencies of the layers.
    fn resolve(&mut self, layers: &Set) -> anyhow::Result<String> {
        let layers: Vec<&Layer> = layers.values().copied().collect();
        let mut manifest = format!(
            "[package]\nname = \"{NAME}\"\nversion = \"{VERSION}\"\nedition = \"2024\"\nrust-version = \"1.95\"\n\n[workspace]\n",
        );
        for (title, lines) in ["dependencies", "dev-dependencies"].iter().zip(dependencies(&layers)?) {
            let _ = writeln!(manifest, "\n[{title}]");
            for line in lines {
                let _ = writeln!(manifest, "{} = {}", line.name, line.spec);
            }
        }
        if let Some(answer) = self.answers.get(&manifest) {
            return Ok(answer.clone());
        }
        fs::write(self.folder.join("Cargo.toml"), &manifest)?;
        let lock = self.folder.join("Cargo.lock");
        if !self.lock.is_empty() {
            fs::write(&lock, &self.lock)?;
        } else if lock.exists() {
            fs::remove_file(&lock)?;
        }
        let output =
            Command::new("cargo").args(["metadata", "--format-version=1"]).current_dir(&self.folder).output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer = fs::read_to_string(lock)?;
        self.answers.insert(manifest, answer.clone());
        Ok(answer)
    }
}
