//! Cargo.lock as the union of the layers' fragments and the root package (design §4).
//!
//! A fragment is cargo's own lock for a package with the dependencies of the base and one layer.
//! Its first package without a source is that package; what it depends on, the service depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use semver::Version;
use serde::Deserialize;

use crate::fault::{Fault, Faults};
use crate::pack::Text;
use crate::template::toml_str;

#[derive(Debug, Deserialize)]
struct Form {
    version: u32,
    #[serde(default)]
    package: Vec<PackageForm>,
}

#[derive(Debug, Deserialize)]
struct PackageForm {
    name: String,
    version: Version,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Name and version: cargo's own order is by these, versions as semver orders them.
type Key = (String, Version);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    source: Option<String>,
    checksum: Option<String>,
    dependencies: BTreeSet<Key>,
}

/// `ours`, a lock file that cargo or a person changed, with the packages of `theirs` that it lacks. What
/// is there stays at its version. None where one of them cannot be read.
pub fn join(ours: &str, theirs: &str) -> Option<String> {
    let (ours, theirs) = (Text::new("ours", ours), Text::new("theirs", theirs));
    let (our_form, their_form): (Form, Form) = (ours.toml().ok()?, theirs.toml().ok()?);
    let mut packages = read(&our_form, &ours)?;
    let new = read(&their_form, &theirs)?;
    // A version that cargo would take for the other.
    let stands_for = |packages: &BTreeMap<Key, Package>, key: &Key| -> Option<Key> {
        let same = |other: &&Key| other.0 == key.0 && compatible(&other.1, &key.1);
        packages.keys().filter(same).max().cloned()
    };
    let known = packages.clone();
    let place = |key: &Key| stands_for(&known, key).unwrap_or_else(|| key.clone());
    for (key, package) in &new {
        let root = package.source.is_none();
        let dependencies = package.dependencies.iter().map(place);
        match stands_for(&known, key) {
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
                let (source, checksum) = (package.source.clone(), package.checksum.clone());
                packages.insert(key.clone(), Package { source, checksum, dependencies });
            }
        }
    }
    Some(print(&packages, our_form.version.max(their_form.version)))
}

fn read(form: &Form, text: &Text) -> Option<BTreeMap<Key, Package>> {
    let package = |package: &PackageForm| {
        let dependencies =
            package.dependencies.iter().map(|name| resolve(name, form, text).ok()).collect::<Option<_>>();
        let (source, checksum) = (package.source.clone(), package.checksum.clone());
        Some((
            (package.name.clone(), package.version.clone()),
            Package { source, checksum, dependencies: dependencies? },
        ))
    };
    form.package.iter().map(package).collect()
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

/// Cargo's lock file for a package `name` at `version` with what the fragments depend on.
pub fn unite(fragments: &[&Text], name: &str, version: &str) -> Result<String, Faults> {
    let mut packages: BTreeMap<Key, Package> = BTreeMap::new();
    let mut root = BTreeSet::new();
    let mut format = 4;
    for text in fragments {
        let form: Form = text.toml()?;
        format = format.max(form.version);
        for package in &form.package {
            let dependencies = package
                .dependencies
                .iter()
                .map(|name| resolve(name, &form, text))
                .collect::<Result<BTreeSet<Key>, Fault>>()?;
            if package.source.is_none() {
                root.extend(dependencies);
                continue;
            }
            let key = (package.name.clone(), package.version.clone());
            match packages.get_mut(&key) {
                // Features that only another layer turns on add dependencies.
                Some(known) => known.dependencies.extend(dependencies),
                None => {
                    let (source, checksum) = (package.source.clone(), package.checksum.clone());
                    packages.insert(key, Package { source, checksum, dependencies });
                }
            }
        }
    }
    let version = Version::parse(version)
        .map_err(|error| Fault::new(format!("\"{version}\" is no version of a package: {error}")))?;
    packages.insert((name.to_owned(), version), Package { source: None, checksum: None, dependencies: root });
    Ok(print(&packages, format))
}

/// The packages of a fragment that nothing of `asked`, names of packages, leads to, and those that its root depends on
/// beside them; by name. None where it cannot be read.
pub fn unasked(fragment: &Text, asked: &BTreeSet<&str>) -> Option<Vec<String>> {
    let packages = read(&fragment.toml().ok()?, fragment)?;
    let roots = packages.values().filter(|package| package.source.is_none());
    let (mut open, more): (Vec<&Key>, Vec<&Key>) =
        roots.flat_map(|root| &root.dependencies).partition(|(name, _)| asked.contains(name.as_str()));
    let mut reached = BTreeSet::new();
    while let Some(key) = open.pop() {
        if reached.insert(key) {
            open.extend(&packages.get(key)?.dependencies);
        }
    }
    let left = packages.iter().filter(|(key, package)| package.source.is_some() && !reached.contains(key));
    let beside = left.map(|(key, _)| key).filter(|key| !more.contains(key));
    let mut names: Vec<String> = more.iter().copied().chain(beside).map(|(name, _)| name.clone()).collect();
    names.dedup();
    Some(names)
}

/// `name` or `name version` of a fragment's dependency list → the package that it means there.
fn resolve(dependency: &str, form: &Form, text: &Text) -> Result<Key, Fault> {
    let mut words = dependency.split(' ');
    let (name, version) = (words.next().unwrap_or_default(), words.next());
    let mut found = form
        .package
        .iter()
        .filter(|package| package.name == name && version.is_none_or(|version| package.version.to_string() == version));
    match (found.next(), found.next()) {
        (Some(package), None) => Ok((package.name.clone(), package.version.clone())),
        _ => {
            let place = text.place(text.content.find(&format!("\"{dependency}\"")).unwrap_or(0));
            Err(Fault::at(place, format!("\"{dependency}\" names no one package of this fragment")))
        }
    }
}

fn print(packages: &BTreeMap<Key, Package>, format: u32) -> String {
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in packages.keys() {
        *versions.entry(name).or_default() += 1;
    }
    let mut out =
        String::from("# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\n");
    let _ = writeln!(out, "version = {format}");
    for ((name, version), package) in packages {
        let _ = write!(out, "\n[[package]]\nname = {}\nversion = {}\n", toml_str(name), toml_str(&version.to_string()));
        for (key, value) in [("source", &package.source), ("checksum", &package.checksum)] {
            if let Some(value) = value {
                let _ = writeln!(out, "{key} = {}", toml_str(value));
            }
        }
        if !package.dependencies.is_empty() {
            out.push_str("dependencies = [\n");
            for (name, version) in &package.dependencies {
                // Cargo names the version only where the name alone would not do.
                let _ = match versions[name.as_str()] {
                    1 => writeln!(out, " \"{name}\","),
                    _ => writeln!(out, " \"{name} {version}\","),
                };
            }
            out.push_str("]\n");
        }
    }
    out
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
