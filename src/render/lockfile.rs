//! Cargo.lock as the union of the layers' fragments and the root package (design §4).
//!
//! A fragment is cargo's own lock for a package with the dependencies of the base and one layer.
//! Its first package without a source is that package; what it depends on, the service depends on.

mod cargo;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use semver::Version;

use self::cargo::{Form, PackageForm, print};
use super::path::TreePath;
use super::tree::{Mode, Tree, TreeFile};
use crate::fault::{Fault, Faults};
use crate::pack::{Layer, Pack, Policy, Text};

/// Name and version: cargo's own order is by these, versions as semver orders them.
type Key<'a> = (&'a str, Version);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Package<'a> {
    source: Option<&'a str>,
    checksum: Option<&'a str>,
    dependencies: BTreeSet<Key<'a>>,
}

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

/// The format of a lock file, and its packages, each with those that it depends on.
fn read<'a>(text: &'a Text) -> Result<(u32, BTreeMap<Key<'a>, Package<'a>>), Fault> {
    let Form { version: format, packages } = Form::read(text)?;
    let mut named: HashMap<&str, Vec<&Version>> = HashMap::new();
    for package in &packages {
        named.entry(package.name).or_default().push(&package.version);
    }
    let package = |package: &PackageForm<'a>| {
        let dependencies = package.dependencies.iter().map(|name| resolve(name, &named, text));
        let dependencies = dependencies.collect::<Result<_, _>>()?;
        let (source, checksum) = (package.source, package.checksum);
        Ok(((package.name, package.version.clone()), Package { source, checksum, dependencies }))
    };
    Ok((format, packages.iter().map(package).collect::<Result<_, _>>()?))
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

/// What the fragments of layers say, together.
pub struct Fragments<'a> {
    format: u32,
    packages: BTreeMap<Key<'a>, Package<'a>>,
    /// What the packages without a source depend on.
    root: BTreeSet<Key<'a>>,
}

impl<'a> Fragments<'a> {
    pub fn read(texts: &[&'a Text]) -> Result<Self, Faults> {
        let all = texts.par_iter().map(|text| read(text)).collect::<Result<Vec<_>, _>>()?;
        let mut united = Self { format: 4, packages: BTreeMap::new(), root: BTreeSet::new() };
        for (format, packages) in all {
            united.format = united.format.max(format);
            for (key, package) in packages {
                match united.packages.get_mut(&key) {
                    _ if package.source.is_none() => united.root.extend(package.dependencies),
                    // Features that only another layer turns on add dependencies.
                    Some(known) if known.dependencies != package.dependencies => {
                        known.dependencies.extend(package.dependencies);
                    }
                    Some(_) => {}
                    None => drop(united.packages.insert(key, package)),
                }
            }
        }
        Ok(united)
    }

    /// Cargo's lock file for a package `name` at `version` with what the fragments depend on.
    pub fn unite(self, name: &'a str, version: &str) -> Result<String, Faults> {
        let version = Version::parse(version)
            .map_err(|error| Fault::new(format!("\"{version}\" is no version of a package: {error}")))?;
        let Self { format, mut packages, root } = self;
        packages.insert((name, version), Package { source: None, checksum: None, dependencies: root });
        Ok(print(&packages, format))
    }
}

/// The lock file of a package that has the dependencies of all these fragments.
pub fn unite(fragments: &[&Text], name: &str, version: &str) -> Result<String, Faults> {
    Fragments::read(fragments)?.unite(name, version)
}

/// Adds the lock file that the layers' fragments make.
pub fn add(tree: &mut Tree, pack: &Pack, layers: &[&Layer], fragments: Fragments) -> Result<(), Faults> {
    let Some(lock) = &pack.manifest.lock else { return Ok(()) };
    let source = pack.shown("pack.toml");
    let Some(manifest) = tree.get(&lock.manifest) else {
        return Err(Fault::new(format!("{source}: no layer writes \"{}\"", lock.manifest)).into());
    };
    let layer = manifest.layer.clone();
    let (name, version) = root_package(String::from_utf8_lossy(&manifest.content).into_owned(), &manifest.source)?;
    tree.unlocked = layers.iter().filter(|layer| layer.unlocked).map(|layer| layer.name.clone()).collect();
    let content = fragments.unite(&name, &version)?.into_bytes();
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
    let (_, packages) = read(fragment).ok()?;
    let roots = packages.values().filter(|package| package.source.is_none());
    let (mut open, more): (Vec<&Key>, Vec<&Key>) =
        roots.flat_map(|root| &root.dependencies).partition(|(name, _)| asked.contains(name));
    let mut reached = BTreeSet::new();
    while let Some(key) = open.pop() {
        if reached.insert(key) {
            open.extend(&packages.get(key)?.dependencies);
        }
    }
    let left = packages.iter().filter(|(key, package)| package.source.is_some() && !reached.contains(key));
    let beside = left.map(|(key, _)| key).filter(|key| !more.contains(key));
    let mut names: Vec<String> = more.iter().copied().chain(beside).map(|(name, _)| (*name).to_owned()).collect();
    names.dedup();
    Some(names)
}

/// `name` or `name version` of a fragment's dependency list → the package of those that it means there.
fn resolve<'a>(dependency: &str, named: &HashMap<&'a str, Vec<&Version>>, text: &Text) -> Result<Key<'a>, Fault> {
    let mut words = dependency.split(' ');
    let (name, version) = (words.next().unwrap_or_default(), words.next());
    if let Some((name, versions)) = named.get_key_value(name) {
        let mut found = versions.iter().filter(|known| version.is_none_or(|version| known.to_string() == version));
        if let (Some(version), None) = (found.next(), found.next()) {
            return Ok((name, (*version).clone()));
        }
    }
    let place = text.place(text.content.find(&format!("\"{dependency}\"")).unwrap_or(0));
    Err(Fault::at(place, format!("\"{dependency}\" names no one package of this fragment")))
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
