//! `Cargo.lock.delta`: what a layer adds to the lock file, beyond the layers that it requires; and
//! `Cargo.lock.pairs`: what two layers change in it together.
//!
//! ```text
//! (root) + redis
//! redis: arcstr backon bytes
//! sqlx-core + rustls
//! ```
//!
//! A line names a package. After `:` stand all dependencies of a new package, after `+` those that a known package
//! gains, because features of it are on. In `Cargo.lock.pairs`, lines stand below `[ONE + OTHER]`, and `-` takes
//! dependencies away.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::graph::{Graph, Key};
use super::superset::{Pinned, Superset, offset, word};
use crate::fault::{Fault, Faults, Place};
use crate::pack::Text;

/// The package that the lock file belongs to; no package can have this name.
const ROOT: &str = "(root)";

const HEAD: &str = "# Packages that this layer adds to Cargo.lock. Written by `cargo xtask lock`.\n";

const HEAD_OF_PAIRS: &str = "# What two layers change in Cargo.lock together. Written by `cargo xtask lock`.\n";

#[derive(Debug)]
pub struct Delta<'a> {
    text: &'a Text,
    lines: Vec<DeltaLine<'a>>,
}

#[derive(Debug)]
struct DeltaLine<'a> {
    /// The word as it stands, for faults.
    word: &'a str,
    /// None for the root.
    package: Option<Pinned<'a>>,
    change: DeltaChange,
    dependencies: Vec<(Key<'a>, &'a str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeltaChange {
    /// A new package with all that it depends on.
    New,
    /// More dependencies of a known package.
    More,
    /// Dependencies that it has no longer.
    Fewer,
}

impl<'a> Delta<'a> {
    fn new(text: &'a Text) -> Self {
        Self { text, lines: Vec::new() }
    }

    /// Reads the delta of a layer; all faults of it at once.
    pub fn read(text: &'a Text, superset: &Superset<'a>) -> Result<Self, Faults> {
        let mut delta = Self::new(text);
        let mut faults = Faults::default();
        for line in lines(text) {
            delta.take(line, superset, &mut faults);
        }
        faults.or(delta)
    }

    fn take(&mut self, line: &'a str, superset: &Superset<'a>, faults: &mut Faults) {
        let text = self.text;
        let mut words = line.split(' ');
        let first = words.next().unwrap_or_default();
        let (word, change) = match first.strip_suffix(':') {
            Some(word) => (word, Some(DeltaChange::New)),
            None => match words.next() {
                Some("+") => (first, Some(DeltaChange::More)),
                Some("-") => (first, Some(DeltaChange::Fewer)),
                _ => (first, None),
            },
        };
        let Some(change) = change else {
            let fault = Fault::at(text.place(offset(text, line)), "this is no line of a delta");
            faults.push(fault.help("a line is `NAME: NAME …`, `NAME + NAME …` or `NAME - NAME …`"));
            return;
        };
        let mut find = |word| superset.find(word, text).map_err(|fault| faults.push(fault)).ok();
        let package = if word == ROOT { None } else { find(word).cloned() };
        let dependencies: Vec<_> = words.filter_map(|word| Some((find(word)?.key.clone(), word))).collect();
        if package.is_some() || word == ROOT {
            self.lines.push(DeltaLine { word, package, change, dependencies });
        }
    }

    /// Names of the packages that the root depends on for this layer, as they stand.
    pub fn root(&self) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        let of_root = self.lines.iter().filter(|line| line.package.is_none() && line.change != DeltaChange::Fewer);
        of_root.flat_map(|line| line.dependencies.iter().map(|((name, _), word)| (*name, *word)))
    }

    /// The place of a word of it.
    pub fn place(&self, word: &str) -> Place {
        self.text.place(offset(self.text, word))
    }
}

/// Reads `Cargo.lock.pairs`: the names of two layers, and what they change together.
pub fn read_pairs<'a>(text: &'a Text, superset: &Superset<'a>) -> Result<Vec<([&'a str; 2], Delta<'a>)>, Faults> {
    let mut faults = Faults::default();
    let mut pairs: Vec<([&str; 2], Delta)> = Vec::new();
    for line in lines(text) {
        let names = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')?.split_once(" + "));
        match (names, pairs.last_mut()) {
            (Some((one, other)), _) => pairs.push(([one, other], Delta::new(text))),
            (None, Some((_, delta))) if !line.starts_with('[') => delta.take(line, superset, &mut faults),
            _ => {
                let fault = Fault::at(text.place(offset(text, line)), "this line belongs to no pair of layers");
                faults.push(fault.help("a pair begins with `[LAYER + LAYER]`"));
            }
        }
    }
    faults.or(pairs)
}

fn lines(text: &Text) -> impl Iterator<Item = &str> {
    text.content.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

impl<'a> Graph<'a> {
    /// Adds what deltas add, and takes away what they take. A package that none of them adds is a fault.
    pub fn apply(&mut self, deltas: &[Delta<'a>]) -> Result<(), Faults> {
        let lines = |change: DeltaChange| {
            let all = deltas.iter().flat_map(|delta| delta.lines.iter().map(move |line| (delta, line)));
            all.filter(move |(_, line)| line.change == change)
        };
        let mut faults = Faults::default();
        let missing = |delta: &Delta, word: &str| {
            Fault::at(delta.place(word), format!("no layer that is in adds \"{word}\""))
                .help("a line `NAME: NAME …` adds a package, in this layer or in one that it requires")
        };
        for pinned in lines(DeltaChange::New).filter_map(|(_, line)| line.package.as_ref()) {
            self.packages.entry(pinned.key.clone()).or_insert_with(|| pinned.package());
        }
        for (delta, line) in lines(DeltaChange::New).chain(lines(DeltaChange::More)) {
            match self.dependencies_of(line) {
                Some(known) => known.extend(line.dependencies.iter().map(|(key, _)| key.clone())),
                None => faults.push(missing(delta, line.word)),
            }
            let there = |key: &Key| self.packages.contains_key(key);
            let dangling = line.dependencies.iter().filter(|(key, _)| !there(key));
            dangling.for_each(|(_, word)| faults.push(missing(delta, word)));
        }
        let mut fewer = false;
        for (_, line) in lines(DeltaChange::Fewer) {
            fewer = true;
            if let Some(known) = self.dependencies_of(line) {
                known.retain(|key| line.dependencies.iter().all(|(other, _)| other != key));
            }
        }
        if fewer {
            self.prune();
        }
        faults.or(())
    }

    /// Of the package that a line is about; none where no layer adds it.
    fn dependencies_of(&mut self, line: &DeltaLine<'a>) -> Option<&mut BTreeSet<Key<'a>>> {
        match &line.package {
            None => Some(&mut self.root),
            Some(pinned) => self.packages.get_mut(&pinned.key).map(|package| &mut package.dependencies),
        }
    }
}

/// The delta of a layer that locks `whole`, where those that it requires lock `known`, of a superset that is `all`.
pub fn print(known: &Graph, whole: &Graph, all: &Graph) -> String {
    format!("{HEAD}{}", between(known, whole, all))
}

/// The file of pairs of layers: each with what its layers lock by themselves, and together.
pub fn print_pairs(pairs: &[([&str; 2], Graph, Graph)], all: &Graph) -> String {
    let mut out = HEAD_OF_PAIRS.to_owned();
    for ([one, other], known, whole) in pairs {
        let _ = write!(out, "\n[{one} + {other}]\n{}", between(known, whole, all));
    }
    out
}

/// Lines that lead from one lock file to another.
fn between(known: &Graph, whole: &Graph, all: &Graph) -> String {
    let mut out = String::new();
    let of_root = (ROOT.to_owned(), Some(&known.root), &whole.root);
    let of_packages = whole.packages.iter().map(|(key, package)| {
        (word(key, all), known.packages.get(key).map(|known| &known.dependencies), &package.dependencies)
    });
    for (name, before, after) in std::iter::once(of_root).chain(of_packages) {
        let words = |keys: BTreeSet<&Key>| {
            let words = keys.iter().map(|key| format!(" {}", word(key, all)));
            words.collect::<Vec<_>>().concat()
        };
        let Some(before) = before else {
            let _ = writeln!(out, "{name}:{}", words(after.iter().collect()));
            continue;
        };
        for (sign, words) in
            [('+', words(after.difference(before).collect())), ('-', words(before.difference(after).collect()))]
        {
            if !words.is_empty() {
                let _ = writeln!(out, "{name} {sign}{words}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUPERSET: &str = "version = 4\n\n[registry]\naxum 0.8.9 aa\nrand 0.8.5 cc\nrand 0.10.0 bb\nredis 1.8.1 dd\n";
    const BASE: &str = "(root) + axum\naxum: rand@0.10.0\nrand@0.10.0:\n";
    const CACHE: &str = "(root) + redis\naxum + redis\nrand@0.8.5:\nredis: rand@0.8.5\n";

    fn text(content: &str) -> Text {
        Text::new("delta", content.to_owned())
    }

    fn apply<'a>(texts: &[&'a Text], superset: &Superset<'a>) -> Result<Graph<'a>, Faults> {
        let mut graph = Graph::new(superset.format);
        let deltas: Vec<Delta> = texts.iter().map(|text| Delta::read(text, superset)).collect::<Result<_, _>>()?;
        graph.apply(&deltas).map(|()| graph)
    }

    fn package(name: &str, version: &str, checksum: &str, dependencies: &[&str]) -> String {
        let mut out = format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        if !checksum.is_empty() {
            let _ = writeln!(out, "source = \"registry\"\nchecksum = \"{checksum}\"");
        }
        if !dependencies.is_empty() {
            let lines: Vec<_> = dependencies.iter().map(|name| format!(" \"{name}\",\n")).collect();
            let _ = writeln!(out, "dependencies = [\n{}]", lines.concat());
        }
        out
    }

    #[test]
    fn deltas_make_cargos_lock_file() {
        let (superset, base, cache) = (text(SUPERSET), text(BASE), text(CACHE));
        let superset = Superset::read(&superset).unwrap();
        let head = "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\nversion = 4\n";
        let alone = apply(&[&base], &superset).unwrap().print("shop", "0.1.0").unwrap();
        let axum = package("axum", "0.8.9", "aa", &["rand"]);
        let rand = package("rand", "0.10.0", "bb", &[]);
        assert_eq!(alone, format!("{head}{axum}{rand}{}", package("shop", "0.1.0", "", &["axum"])));
        let both = apply(&[&cache, &base], &superset).unwrap().print("shop", "0.1.0").unwrap();
        let packages = [
            package("axum", "0.8.9", "aa", &["rand 0.10.0", "redis"]),
            package("rand", "0.8.5", "cc", &[]),
            rand,
            package("redis", "1.8.1", "dd", &["rand 0.8.5"]),
            package("shop", "0.1.0", "", &["axum", "redis"]),
        ];
        assert_eq!(both, head.to_owned() + &packages.concat());
    }

    #[test]
    fn what_is_written_is_read() {
        let (superset_text, base, cache) = (text(SUPERSET), text(BASE), text(CACHE));
        let superset = Superset::read(&superset_text).unwrap();
        let (known, all) = (apply(&[&base], &superset).unwrap(), apply(&[&base, &cache], &superset).unwrap());
        assert_eq!(print(&Graph::new(4), &known, &all), format!("{HEAD}{BASE}"));
        assert_eq!(print(&known, &all, &all), format!("{HEAD}{CACHE}"));
        assert!(super::super::superset::print(&all).ends_with(SUPERSET));
    }

    #[test]
    fn a_pair_adds_and_takes_away() {
        let (superset, base, cache) = (text(SUPERSET), text(BASE), text(CACHE));
        let superset = Superset::read(&superset).unwrap();
        let (known, mut whole) =
            (apply(&[&base, &cache], &superset).unwrap(), apply(&[&base, &cache], &superset).unwrap());
        let [old, new] = ["0.10.0", "0.8.5"].map(|version| ("rand", version.parse().unwrap()));
        let axum = &mut whole.packages.get_mut(&("axum", "0.8.9".parse().unwrap())).unwrap().dependencies;
        axum.remove(&old);
        axum.insert(new);
        whole.packages.remove(&old);
        let written = text(&print_pairs(&[(["base", "cache"], known.clone(), whole.clone())], &known));
        assert!(
            written.content.ends_with("\n[base + cache]\naxum + rand@0.8.5\naxum - rand@0.10.0\n"),
            "{}",
            written.content
        );
        let pairs = read_pairs(&written, &superset).unwrap();
        assert_eq!(pairs[0].0, ["base", "cache"]);
        let mut graph = known;
        graph.apply(&[pairs.into_iter().next().unwrap().1]).unwrap();
        assert_eq!(graph, whole);
    }

    #[test]
    fn a_fault_stands_at_its_place() {
        let superset = Text::new("superset", SUPERSET);
        let superset = Superset::read(&superset).unwrap();
        for (delta, said) in [
            (
                "axum: redsi\n",
                "delta:1:7: the superset has no package \"redsi\" (did you mean \"redis\"?)\n  help: superset lists",
            ),
            ("axmu:\n", "delta:1:1: the superset has no package \"axmu\" (did you mean \"axum\"?)"),
            ("\naxum: redis@1.8.0\n", "delta:2:7: the superset has no redis 1.8.0, but 1.8.1"),
            (
                "axum: rand\n",
                "delta:1:7: the superset has 2 versions of \"rand\"\n  help: write rand@0.8.5 or rand@0.10.0",
            ),
            ("# x\naxum redis\n", "delta:2:1: this is no line of a delta\n  help: a line is `NAME: NAME …`"),
            ("axum\n", "delta:1:1: this is no line of a delta"),
            ("axum: redis\n", "delta:1:7: no layer that is in adds \"redis\""),
            ("(root) + redis\n", "delta:1:10: no layer that is in adds \"redis\""),
            ("axum + redis\nredis:\n", "delta:1:1: no layer that is in adds \"axum\""),
        ] {
            let delta = text(delta);
            let fault = apply(&[&delta], &superset).unwrap_err().to_string();
            assert!(fault.starts_with(said), "{}: {fault}", delta.content);
        }
        let pairs = text("axum + redis\n[base]\n");
        let faults = read_pairs(&pairs, &superset).unwrap_err();
        assert_eq!(faults.0.len(), 2, "{faults}");
        assert!(faults.to_string().starts_with("delta:1:1: this line belongs to no pair of layers\n"), "{faults}");
    }
}
