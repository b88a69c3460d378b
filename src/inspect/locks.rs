//! Lock fragments that hold more than their layers ask for.

use std::collections::BTreeSet;

use crate::fault::{Fault, Faults};
use crate::pack::{Dependency, Pack};
use crate::render::unasked_in_lock;

/// Names that a message holds.
const SHOWN: usize = 6;

/// What whoever takes a layer would get, though neither the layer nor what it stands on depends on it.
pub fn faults(pack: &Pack) -> Faults {
    let mut faults = Faults::default();
    for layer in &pack.layers {
        let Some(fragment) = &layer.fragment else { continue };
        let always = pack.layers.iter().filter(|other| other.when.is_none());
        let below = pack.with_required(std::iter::once(layer).chain(always));
        let asked = below.iter().flat_map(|layer| layer.dependencies.iter().chain(&layer.dev_dependencies));
        let asked: BTreeSet<&str> = asked.map(|(name, (dependency, _))| package(name, dependency)).collect();
        // What cannot be read is told where it is united.
        let Some(unasked) = unasked_in_lock(fragment, &asked).filter(|unasked| !unasked.is_empty()) else { continue };
        let names = unasked.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = match unasked.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let at = fragment.content.find(&format!("\"{}\"", unasked[0])).unwrap_or(0);
        let message =
            format!("it locks what layer \"{}\" and those it stands on do not depend on: {names}{more}", layer.name);
        let help =
            "a fragment is cargo's lock for their dependencies alone: whoever leaves these out would get them, too";
        faults.push(Fault::at(fragment.place(at), message).help(help));
    }
    faults
}

/// The name of the package that a dependency is.
fn package<'a>(name: &'a str, dependency: &'a Dependency) -> &'a str {
    match dependency {
        Dependency::Version(_) => name,
        Dependency::Table(table) => table.get("package").and_then(toml::Value::as_str).unwrap_or(name),
    }
}
