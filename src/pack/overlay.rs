//! Overlays: folders with the shape of a pack, laid over it one after the other.
//!
//! A file stands for the one of its path, rendered or not (`ci.yml` for `ci.yml.tera`); all other files join
//! in. What a `pack.toml` declares goes by names in the same way ([`Manifest::overlay`]).

use std::borrow::Cow;
use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::manifest::Manifest;
use super::origin::{Origin, Part};
use super::source::{Files, digest, hex};
use super::text::Text;
use crate::fault::{Fault, Faults};

/// What lies over a pack.
#[derive(Debug, Clone)]
pub struct Overlay {
    pub origin: Origin,
    /// How faults name its files: `LABEL/layers/…`.
    pub label: String,
    /// Files of the pack, or of an overlay below, that this one stands for.
    pub shadows: Vec<Shadow>,
}

/// A file that one of an overlay's stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// Its path in the pack.
    pub path: String,
    /// Lowercase SHA-256 of what it holds, and nobody sees.
    pub hash: String,
    /// The overlay that has it, by number; else it is the pack's.
    pub of: Option<usize>,
}

impl Shadow {
    /// Its path however it is rendered: of what stands for it, too.
    pub fn key(&self) -> &str {
        bare(&self.path)
    }
}

/// The path of a file, be it rendered or not.
fn bare(path: &str) -> &str {
    path.strip_suffix(ENDING).unwrap_or(path)
}

impl Overlay {
    /// As people know it: by what `service.toml` says, or by where it was found.
    pub fn name(&self) -> &str {
        self.origin.written.as_deref().unwrap_or(&self.label)
    }
}

/// A pack and its overlays as one.
pub(super) struct Stack {
    pub files: Files,
    pub label: String,
    pub origin: Origin,
    pub overlays: Vec<Overlay>,
    /// Files that an overlay has, by the number of the topmost.
    pub laid: BTreeMap<String, usize>,
    pub digest: String,
}

/// Lays `overlays` over `pack`, and what their `pack.toml` declare into `manifest`. An overlay that holds
/// nothing of a pack is a fault.
pub(super) fn lay(pack: Part, overlays: Vec<Part>, manifest: &mut Manifest, faults: &mut Faults) -> Stack {
    let digest = united(&pack, &overlays);
    let Part { files, label, origin } = pack;
    let mut stack = Stack { files, label, origin, overlays: Vec::new(), laid: BTreeMap::new(), digest };
    for (number, overlay) in overlays.into_iter().enumerate() {
        let Part { files, label, origin } = overlay;
        if !files.keys().any(|path| is_of_a_pack(path)) {
            let fault = Fault::new(format!("{label}: holds nothing that lies over a pack"));
            faults.push(fault.help("an overlay has layers/, partials/ or a pack.toml of its own"));
            continue;
        }
        if let Some(content) = files.get(MANIFEST) {
            let read = Text::from_utf8(format!("{label}/{MANIFEST}"), content).map_err(Faults::from);
            if let Err(more) = read.and_then(|text| manifest.overlay(&text)) {
                faults.extend(more);
            }
        }
        let mut shadows = Vec::new();
        for (path, content) in files.into_iter().filter(|(path, _)| path != MANIFEST) {
            let other = path.strip_suffix(ENDING).map_or_else(|| format!("{path}{ENDING}"), str::to_owned);
            for below in [&path, &other] {
                let of = stack.laid.remove(below);
                if let Some(hidden) = stack.files.remove(below)
                    && is_of_a_pack(below)
                {
                    shadows.push(Shadow { path: below.clone(), hash: hex(&Sha256::digest(&hidden)), of });
                }
            }
            stack.laid.insert(path.clone(), number);
            stack.files.insert(path, content);
        }
        stack.overlays.push(Overlay { origin, label, shadows });
    }
    stack
}

const MANIFEST: &str = "pack.toml";

/// Of templates that are rendered.
const ENDING: &str = ".tera";

fn is_of_a_pack(path: &str) -> bool {
    path == MANIFEST || path.starts_with("layers/") || path.starts_with("partials/")
}

/// The digest of the pack where it stands alone; else one over those of all parts, in order.
fn united(pack: &Part, overlays: &[Part]) -> String {
    let own = pack.origin.digest.clone();
    if overlays.is_empty() {
        return own;
    }
    let all = std::iter::once(&own).chain(overlays.iter().map(|overlay| &overlay.origin.digest));
    let all = all.enumerate().map(|(number, digest)| (format!("{number:04}"), Cow::Owned(digest.clone().into_bytes())));
    digest(&all.collect())
}
