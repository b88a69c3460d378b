//! Files that overlays stand for: what they hide may change, and nobody would see it.

use std::collections::BTreeMap;

use crate::pack::{Overlay, Pack, layer_name, visible};
use crate::template::sh;

/// What each overlay hides, by the path (`.tera` left out) and the overlay's number, from 1: the SHA-256 of it.
pub type Shadows = BTreeMap<(String, usize), String>;

/// What the overlays of a pack hide.
pub fn of(pack: &Pack) -> Shadows {
    let numbered = (1..).zip(&pack.overlays);
    let shadows = numbered.flat_map(|(number, overlay)| overlay.shadows.iter().map(move |shadow| (number, shadow)));
    // Who leaves a file out has no need of its changes.
    let shadows = shadows.filter(|(_, shadow)| !shadow.absent);
    shadows.map(|(number, shadow)| ((shadow.key().to_owned(), number), shadow.hash.clone())).collect()
}

/// A file of an overlay that stands for what is not as it was when it was last taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The overlay, as people know it.
    pub overlay: String,
    /// What it stands for, by its path in the pack.
    pub path: String,
    /// Whether nothing is there any more.
    pub gone: bool,
    /// How to see it as it is now.
    see: String,
}

impl Stale {
    /// What a person is told.
    pub fn note(&self) -> String {
        let (overlay, path, see) = (visible(&self.overlay), visible(&self.path), visible(&self.see));
        if self.gone {
            return format!(
                "the overlay \"{overlay}\" stood for {path}, which is no more: its file joins as a new one"
            );
        }
        format!(
            "the overlay \"{overlay}\" stands for {path}, which has changed below it; to see it as it is now: {see}"
        )
    }
}

/// What is stale in `layers`, of what a lock has noted. The lock of an earlier new-service has noted nothing.
pub fn stale(noted: &Shadows, pack: &Pack, layers: &[String]) -> Vec<Stale> {
    let mut stale = Vec::new();
    for (number, overlay) in (1..).zip(&pack.overlays) {
        for shadow in overlay.shadows.iter().filter(|shadow| !shadow.absent && is_in(&shadow.path, layers)) {
            let known = noted.get(&(shadow.key().to_owned(), number));
            if known.is_some_and(|hash| *hash != shadow.hash) {
                let see = match shadow.of.and_then(|below| pack.overlays.get(below)) {
                    Some(below) => format!("the overlay \"{}\" has it", below.name()),
                    None => export(pack, &shadow.path),
                };
                let (overlay, path) = (overlay.name().to_owned(), shadow.path.clone());
                stale.push(Stale { overlay, path, gone: false, see });
            }
        }
        let known = noted.keys().filter(|(_, of)| *of == number);
        for (path, _) in known.filter(|(path, _)| is_in(path, layers)) {
            let stands = overlay.shadows.iter().any(|shadow| shadow.key() == path);
            if !stands && has(pack, overlay, path) {
                let (overlay, path) = (overlay.name().to_owned(), path.clone());
                stale.push(Stale { overlay, path, gone: true, see: String::new() });
            }
        }
    }
    stale
}

/// Whether a file of the pack is of one of the layers, or of all.
fn is_in(path: &str, layers: &[String]) -> bool {
    layer_name(path).is_none_or(|name| layers.iter().any(|layer| layer == name))
}

/// Whether a file, rendered or not, is that overlay's.
fn has(pack: &Pack, overlay: &Overlay, path: &str) -> bool {
    let is = |path: &str| pack.overlay_of(path).is_some_and(|other| std::ptr::eq(other, overlay));
    is(path) || is(&format!("{path}.tera"))
}

/// The command that writes a file of the pack's own out.
fn export(pack: &Pack, path: &str) -> String {
    let layer = layer_name(path).map_or_else(String::new, |layer| format!(" --layer {}", sh(layer)));
    let template = pack.origin.written.as_ref().map_or_else(String::new, |from| format!(" --template {}", sh(from)));
    format!("new-service template export DIR{layer}{template}")
}
