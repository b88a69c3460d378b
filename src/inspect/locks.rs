//! Parts of the lock file that hold other packages than their layers depend on.

use std::collections::BTreeSet;

use crate::fault::{Fault, Faults};
use crate::pack::{Layer, Pack, Text};
use crate::render::lockfile;

/// Names that a message holds.
const SHOWN: usize = 6;

/// What is wrong with the lock file's parts: they cannot be read, miss a package, or have one too many.
pub fn faults(pack: &Pack) -> Faults {
    let mut faults = Faults::default();
    for layer in &pack.layers {
        let always = pack.layers.iter().filter(|other| other.when.is_none());
        let below = pack.with_required(std::iter::once(layer).chain(always));
        if let Some(fragment) = &layer.fragment {
            fragment_of(layer, fragment, &below, &mut faults);
        }
        if layer.delta.is_some() {
            delta_of(pack, layer, &below, &mut faults);
        }
    }
    faults
}

/// A delta names what its layer depends on, and a package that it builds on is there.
fn delta_of(pack: &Pack, layer: &Layer, below: &[&Layer], faults: &mut Faults) {
    let graph = match lockfile::graph(pack, below) {
        Ok(graph) => graph,
        // A superset that cannot be read is wrong for each layer.
        Err(more) => {
            return faults.0.extend(more.0.into_iter().filter(|fault| !faults.0.contains(fault)).collect::<Vec<_>>());
        }
    };
    let Some(delta) = layer.delta.as_ref().filter(|_| !layer.unlocked) else { return };
    let locked: BTreeSet<&str> = graph.root.iter().map(|(name, _)| *name).collect();
    for (package, place) in layer.packages().filter(|(package, _)| !locked.contains(package)) {
        let message =
            format!("layer \"{}\" depends on \"{package}\", and its part of the lock file does not", layer.name);
        let help = format!("write {} again: `cargo xtask lock`; or lock the package in a fragment", delta.file);
        faults.push(Fault::at(place.clone(), message).help(help));
    }
    let asked: BTreeSet<&str> = layer.packages().map(|(package, _)| package).collect();
    let added = lockfile::added_to_root(pack, layer).unwrap_or_default();
    for (package, place) in added.into_iter().filter(|(package, _)| !asked.contains(package)) {
        let message = format!("it locks \"{package}\", which layer \"{}\" does not depend on", layer.name);
        faults.push(Fault::at(place, message).help("whoever takes the layer would get the package"));
    }
}

/// What whoever takes a layer would get, though neither the layer nor what it stands on depends on it.
fn fragment_of(layer: &Layer, fragment: &Text, below: &[&Layer], faults: &mut Faults) {
    let asked: BTreeSet<&str> = below.iter().flat_map(|layer| layer.packages()).map(|(package, _)| package).collect();
    // What cannot be read is told where it is united.
    let Some(unasked) = lockfile::unasked(fragment, &asked).filter(|unasked| !unasked.is_empty()) else { return };
    let names = unasked.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = match unasked.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let at = fragment.content.find(&format!("\"{}\"", unasked[0])).unwrap_or(0);
    let message =
        format!("it locks what layer \"{}\" and those it stands on do not depend on: {names}{more}", layer.name);
    let help = "a fragment is cargo's lock for their dependencies alone: whoever leaves these out would get them, too";
    faults.push(Fault::at(fragment.place(at), message).help(help));
}
