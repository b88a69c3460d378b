//! The lock file of a service: packages of the pack's superset that the deltas of the layers name, what
//! layers of overlays bring in a fragment, and the root package.
//!
//! A fragment is cargo's own lock file for a package with the dependencies of some layers. Its first package without
//! a source is that package; what it depends on, the service depends on.

mod cargo;
mod delta;
mod graph;
mod superset;

use std::collections::BTreeSet;

use semver::Version;

use self::cargo::print;
use self::delta::Delta;
pub use self::delta::{print as print_delta, print_pairs};
pub use self::graph::Graph;
use self::graph::{Key, Package, read};
use self::superset::Superset;
pub use self::superset::print as print_superset;
use super::path::TreePath;
use super::tree::{Mode, Tree, TreeFile};
use crate::fault::{Fault, Faults, Place};
use crate::pack::{Layer, Pack, Policy, Text};

/// `ours`, a lock file that cargo or a person changed, with the packages of `theirs` that it lacks. What
/// is there stays at its version. None where one of them cannot be read.
pub fn join(ours: &str, theirs: &str) -> Option<String> {
    let (ours, theirs) = (Text::new("ours", ours.to_owned()), Text::new("theirs", theirs.to_owned()));
    let (format, mut packages) = read(&ours).ok()?;
    let (their_format, new) = read(&theirs).ok()?;
    let known: Vec<Key> = packages.keys().cloned().collect();
    // A version that cargo would take for the other.
    let stands_for = |key: &Key| -> Option<Key> {
        known.iter().filter(|other| other.0 == key.0 && compatible(&other.1, &key.1)).max().cloned()
    };
    for (key, package) in new {
        let root = package.source.is_none();
        let dependencies = package.dependencies.iter().map(|key| stands_for(key).unwrap_or_else(|| key.clone()));
        match stands_for(&key) {
            // The root keeps what the user depends on, and depends on what is new as well.
            Some(key) if root => packages.get_mut(&key)?.dependencies.extend(dependencies),
            Some(_) => {}
            None if root => {
                // Its name or its version is another now: by either, it is the one without a source.
                let mut roots = packages.values_mut().filter(|package| package.source.is_none());
                roots.next()?.dependencies.extend(dependencies);
            }
            None => {
                let dependencies = dependencies.collect();
                packages.insert(key, Package { dependencies, ..package });
            }
        }
    }
    Some(print(&packages, format.max(their_format)))
}

/// Whether cargo takes one version where the other is asked for: the first number that is not 0 is the same.
fn compatible(one: &Version, other: &Version) -> bool {
    let leading = |version: &Version| match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    leading(one) == leading(other)
}

/// What the layers lock together, before the service has a name.
pub fn graph<'a>(pack: &'a Pack, layers: &[&'a Layer]) -> Result<Graph<'a>, Faults> {
    let fragments: Vec<&Text> = layers.iter().filter_map(|layer| layer.fragment.as_ref()).collect();
    let mut graph = Graph::read_all(&fragments)?;
    let Some(superset) = &pack.superset else { return Ok(graph) };
    let superset = Superset::read(superset)?;
    graph.format = graph.format.max(superset.format);
    graph.apply(&deltas(pack, layers, &superset)?)?;
    Ok(graph)
}

/// The deltas of the layers, and of each two of them that change more together.
fn deltas<'a>(pack: &'a Pack, layers: &[&'a Layer], superset: &Superset<'a>) -> Result<Vec<Delta<'a>>, Faults> {
    let (mut deltas, mut faults) = (Vec::new(), Faults::default());
    for text in layers.iter().filter_map(|layer| layer.delta.as_ref()) {
        match Delta::read(text, superset) {
            Ok(delta) => deltas.push(delta),
            Err(more) => faults.extend(more),
        }
    }
    let is_in = |name: &str| layers.iter().any(|layer| layer.name == name);
    match pack.pairs.as_ref().map(|text| delta::read_pairs(text, superset)) {
        None => {}
        Some(Ok(pairs)) => deltas
            .extend(pairs.into_iter().filter(|([one, other], _)| is_in(one) && is_in(other)).map(|(_, delta)| delta)),
        Some(Err(more)) => faults.extend(more),
    }
    faults.or(deltas)
}

/// Packages that the root depends on for this layer beyond those that it requires, with their places in its delta.
/// None where it cannot be read, or there is none.
pub fn added_to_root<'a>(pack: &'a Pack, layer: &'a Layer) -> Option<Vec<(&'a str, Place)>> {
    let superset = Superset::read(pack.superset.as_ref()?).ok()?;
    let delta = Delta::read(layer.delta.as_ref()?, &superset).ok()?;
    Some(delta.root().map(|(name, word)| (name, delta.place(word))).collect())
}

/// The lock file of a package `name` at `version` with the dependencies of the layers: cargo's, byte for byte.
pub fn locked(pack: &Pack, layers: &[&Layer], name: &str, version: &str) -> Result<String, Faults> {
    graph(pack, layers)?.print(name, version)
}

/// Adds the lock file of the layers.
pub fn add(tree: &mut Tree, pack: &Pack, layers: &[&Layer], graph: Graph) -> Result<(), Faults> {
    let Some(lock) = &pack.manifest.lock else { return Ok(()) };
    let source = pack.shown("pack.toml");
    let Some(manifest) = tree.get(&lock.manifest) else {
        return Err(Fault::new(format!("{source}: no layer writes \"{}\"", lock.manifest)).into());
    };
    let layer = manifest.layer.clone();
    let (name, version) = root_package(String::from_utf8_lossy(&manifest.content).into_owned(), &manifest.source)?;
    let root: BTreeSet<&str> = graph.root.iter().map(|(name, _)| *name).collect();
    let is_unlocked = |layer: &&&Layer| layer.unlocked || layer.packages().any(|(package, _)| !root.contains(package));
    tree.unlocked = layers.iter().filter(is_unlocked).map(|layer| layer.name.clone()).collect();
    let content = graph.print(&name, &version)?.into_bytes();
    let path = TreePath::new(&lock.path).map_err(Fault::new)?;
    let (mode, policy) = (Mode::Plain, Policy::Lock);
    let file =
        TreeFile { content, mode, policy, layer, personal: false, moved_from: Vec::new(), source, overlay: None };
    Ok(tree.insert(path, file)?)
}

fn root_package(manifest: String, source: &str) -> Result<(String, String), Faults> {
    let text = Text::new(source, manifest);
    let table: toml::Table = text.toml()?;
    let get = |key: &str| table.get("package")?.get(key)?.as_str().map(str::to_owned);
    match (get("name"), get("version")) {
        (Some(name), Some(version)) => Ok((name, version)),
        _ => Err(Fault::new(format!("{source}: a lock file needs `name` and `version` under [package]")).into()),
    }
}

/// The packages of a fragment that nothing of `asked`, names of packages, leads to, and those that its root depends on
/// beside them; by name. None where it cannot be read.
pub fn unasked(fragment: &Text, asked: &BTreeSet<&str>) -> Option<Vec<String>> {
    let graph = Graph::read(fragment).ok()?;
    let (roots, more): (Vec<&Key>, Vec<&Key>) = graph.root.iter().partition(|(name, _)| asked.contains(name));
    let reached = graph.reached(roots.into_iter());
    let beside = graph.packages.keys().filter(|key| !reached.contains(key) && !more.contains(key));
    let mut names: Vec<String> = more.iter().copied().chain(beside).map(|(name, _)| (*name).to_owned()).collect();
    names.dedup();
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"version = 4

[[package]]
name = "fragment"
version = "0.0.0"
dependencies = [
 "axum",
]

[[package]]
name = "axum"
version = "0.8.9"
source = "registry"
checksum = "aa"
dependencies = [
 "rand",
]

[[package]]
name = "rand"
version = "0.9.0"
source = "registry"
checksum = "bb"
"#;

    const CACHE: &str = r#"version = 4

[[package]]
name = "fragment"
version = "0.0.0"
dependencies = [
 "axum",
 "redis",
]

[[package]]
name = "axum"
version = "0.8.9"
source = "registry"
checksum = "aa"
dependencies = [
 "rand 0.9.0",
]

[[package]]
name = "rand"
version = "0.8.5"
source = "registry"
checksum = "cc"

[[package]]
name = "rand"
version = "0.9.0"
source = "registry"
checksum = "bb"

[[package]]
name = "redis"
version = "1.8.1"
source = "registry"
checksum = "dd"
dependencies = [
 "rand 0.8.5",
]
"#;

    /// The lock file of a package with the dependencies of all these fragments.
    fn unite(fragments: &[&Text], name: &str, version: &str) -> Result<String, Faults> {
        Graph::read_all(fragments)?.print(name, version)
    }

    #[test]
    fn names_alone_where_they_do_and_versions_where_they_must() {
        let (base, cache) = (Text::new("base", BASE), Text::new("cache", CACHE));
        let alone = unite(&[&base], "shop", "0.1.0").unwrap();
        assert!(alone.contains("name = \"axum\"") && alone.contains("\n \"rand\",\n"), "{alone}");
        assert!(!alone.contains("redis") && !alone.contains("fragment"));
        let both = unite(&[&base, &cache], "shop", "0.1.0").unwrap();
        assert!(
            both.contains("name = \"shop\"\nversion = \"0.1.0\"\ndependencies = [\n \"axum\",\n \"redis\",\n]"),
            "{both}"
        );
        assert!(
            both.contains(" \"rand 0.8.5\",") && both.contains(" \"rand 0.9.0\",") && !both.contains(" \"rand\","),
            "{both}"
        );
        assert_eq!(both, unite(&[&cache, &base], "shop", "0.1.0").unwrap(), "the order of fragments is of no account");
    }

    #[test]
    fn versions_are_in_the_order_of_semver() {
        let cache = Text::new("cache", CACHE.replace("0.9.0", "0.10.0"));
        let both = unite(&[&cache], "shop", "0.1.0").unwrap();
        let at = |version: &str| both.find(&format!("name = \"rand\"\nversion = \"{version}\"")).unwrap();
        assert!(at("0.8.5") < at("0.10.0"), "{both}");
    }

    #[test]
    fn a_dependency_that_is_not_there_is_a_fault() {
        let broken = Text::new("base", BASE.replace("\"rand\",", "\"rnd\","));
        let faults = unite(&[&broken], "shop", "0.1.0").unwrap_err();
        assert_eq!(faults.0[0].place.as_ref().unwrap().line, 16, "{faults}");
    }
}
