//! What a lock file holds, in whichever format it is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use semver::Version;

use super::cargo::{LockText, PackageForm, print};
use crate::fault::{Fault, Faults};
use crate::pack::Text;

/// Name and version: cargo's own order is by these, versions as semver orders them.
pub type Key<'a> = (&'a str, Version);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package<'a> {
    pub source: Option<&'a str>,
    pub checksum: Option<&'a str>,
    pub dependencies: BTreeSet<Key<'a>>,
}

/// The oldest format that is written.
const FORMAT: u32 = 4;

pub type Packages<'a> = BTreeMap<Key<'a>, Package<'a>>;

/// A lock file without the package that it belongs to, the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph<'a> {
    pub format: u32,
    pub packages: Packages<'a>,
    /// Dependencies of the root.
    pub root: BTreeSet<Key<'a>>,
}

impl<'a> Graph<'a> {
    pub fn new(format: u32) -> Self {
        Self { format, packages: BTreeMap::new(), root: BTreeSet::new() }
    }

    /// Reads a lock file of cargo's. Packages without a source are the root.
    pub fn read(text: &'a Text) -> Result<Self, Faults> {
        let (format, all) = read(text)?;
        let mut graph = Self::new(format);
        for (key, package) in all {
            match package.source {
                None => graph.root.extend(package.dependencies),
                Some(_) => drop(graph.packages.insert(key, package)),
            }
        }
        Ok(graph)
    }

    /// Reads lock files of cargo's and unites them.
    pub fn read_all(texts: &[&'a Text]) -> Result<Self, Faults> {
        let mut united = Self::new(FORMAT);
        let graphs = texts.par_iter().map(|text| Self::read(text)).collect::<Result<Vec<_>, _>>()?;
        for graph in graphs {
            united.unite(graph);
        }
        Ok(united)
    }

    /// Adds what another lock file holds. Features of another package may add dependencies to a known one.
    pub fn unite(&mut self, other: Self) {
        self.format = self.format.max(other.format);
        self.root.extend(other.root);
        for (key, package) in other.packages {
            match self.packages.get_mut(&key) {
                Some(known) if known.dependencies == package.dependencies => {}
                Some(known) => known.dependencies.extend(package.dependencies),
                None => drop(self.packages.insert(key, package)),
            }
        }
    }

    /// Drops the packages that the root does not lead to.
    pub fn prune(&mut self) {
        let reached = self.reached(self.root.iter());
        let reached: BTreeSet<Key> = reached.into_iter().cloned().collect();
        self.packages.retain(|key, _| reached.contains(key));
    }

    /// The packages that these lead to, and these.
    pub fn reached<'g>(&'g self, from: impl Iterator<Item = &'g Key<'a>>) -> BTreeSet<&'g Key<'a>> {
        let mut open: Vec<&Key> = from.collect();
        let mut reached = BTreeSet::new();
        while let Some(key) = open.pop() {
            if reached.insert(key) {
                open.extend(self.packages.get(key).into_iter().flat_map(|package| &package.dependencies));
            }
        }
        reached
    }

    /// The lock file of cargo's, for a root called `name` at `version`.
    pub fn print(self, name: &'a str, version: &str) -> Result<String, Faults> {
        let version = Version::parse(version)
            .map_err(|error| Fault::new(format!("\"{version}\" is no version of a package: {error}")))?;
        let Self { format, mut packages, root } = self;
        packages.insert((name, version), Package { source: None, checksum: None, dependencies: root });
        Ok(print(&packages, format))
    }
}

/// The format of a lock file, and its packages, each with those that it depends on.
pub fn read<'a>(text: &'a Text) -> Result<(u32, Packages<'a>), Fault> {
    let LockText { version: format, packages } = LockText::read(text)?;
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

/// `name` or `name version` of a dependency list → the package of that lock file.
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
    Err(Fault::at(place, format!("\"{dependency}\" names no one package of this lock file")))
}
