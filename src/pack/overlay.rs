//! Overlays: folders with the shape of a pack, laid over it one after the other.
//!
//! A file stands for the one of its path, rendered or not (`ci.yml` for `ci.yml.tera`); all other files join
//! in. What a `pack.toml` declares goes by names in the same way ([`Manifest::overlay`]).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::layer_folder::{PARTS, layer_folder};
use super::manifest::Manifest;
use super::origin::{Origin, Part};
use super::source::{Files, digest, hash};
use super::text::Text;
use crate::fault::{Fault, Faults, Place, did_you_mean, nearest_within};

/// What lies over a pack.
#[derive(Debug, Clone)]
pub struct Overlay {
    pub origin: Origin,
    /// How faults name its files: `LABEL/layers/…`.
    pub label: String,
    /// Files of the pack, or of an overlay below, that this one stands for.
    pub shadows: Vec<Shadow>,
    /// Files that join a layer below, and look as if they were to stand for one of it.
    pub strays: Vec<Stray>,
    /// What it would leave out, and is not there: a later pack may have it no more.
    pub missing: Vec<Fault>,
}

/// A new file of a layer that is there, with a path that is nearly that of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Its path in the pack.
    pub path: String,
    /// The other's.
    pub near: String,
}

/// A file that one of an overlay's stands for, or that it leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// Its path in the pack.
    pub path: String,
    /// Lowercase SHA-256 of what it holds, and nobody sees.
    pub hash: String,
    /// The overlay that has it, by number; else it is the pack's.
    pub of: Option<usize>,
    /// Whether it is left out, and nothing stands for it.
    pub absent: bool,
}

impl Shadow {
    /// Its path however it is rendered: of what stands for it, too.
    pub fn key(&self) -> &str {
        bare(&self.path)
    }

    /// What its overlay does to it, in words.
    pub fn does(&self) -> &'static str {
        if self.absent { "leaves out" } else { "stands for" }
    }
}

/// The path of a file, be it rendered or not.
fn bare(path: &str) -> &str {
    path.strip_suffix(ENDING).unwrap_or(path)
}

/// The paths in a pack of what is at one path in a repository: copied, and rendered.
fn both(path: &str) -> [String; 2] {
    [bare(path).to_owned(), format!("{}{ENDING}", bare(path))]
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
    std::iter::once(&pack).chain(&overlays).for_each(|part| twins(part, faults));
    let Part { files, label, origin } = pack;
    let mut stack = Stack { files, label, origin, overlays: Vec::new(), laid: BTreeMap::new(), digest };
    for (number, overlay) in overlays.into_iter().enumerate() {
        let Part { files, label, origin } = overlay;
        if !files.keys().any(|path| is_of_a_pack(path)) {
            let fault = Fault::new(format!("{label}: holds nothing that lies over a pack"));
            faults.push(fault.help("an overlay has layers/, partials/ or a pack.toml of its own"));
            continue;
        }
        let mut overlay = Overlay { origin, label, shadows: Vec::new(), strays: Vec::new(), missing: Vec::new() };
        if let Some(content) = files.get(MANIFEST) {
            let read = Text::from_utf8(format!("{}/{MANIFEST}", overlay.label), content.clone()).map_err(Faults::from);
            match read.and_then(|text| manifest.overlay(&text)) {
                Ok(absent) => stack.leave_out(absent, &mut overlay, &files, faults),
                Err(more) => faults.extend(more),
            }
        }
        overlay.strays = strays(&files, &stack.files);
        for (path, content) in files.into_iter().filter(|(path, _)| path != MANIFEST) {
            overlay.shadows.extend(both(&path).iter().filter_map(|below| stack.hide(below, false)));
            stack.laid.insert(path.clone(), number);
            stack.files.insert(path, content);
        }
        stack.overlays.push(overlay);
    }
    stack
}

impl Stack {
    /// Takes a file away, so that another can stand for it, or none.
    fn hide(&mut self, path: &str, absent: bool) -> Option<Shadow> {
        let of = self.laid.remove(path);
        let hidden = self.files.remove(path).filter(|_| is_of_a_pack(path))?;
        Some(Shadow { path: path.to_owned(), hash: hash(&hidden), of, absent })
    }

    /// Takes away what `overlay`, which has `files`, leaves out.
    fn leave_out(&mut self, absent: Vec<(String, Place)>, overlay: &mut Overlay, files: &Files, faults: &mut Faults) {
        for (path, place) in absent {
            let both = both(&path);
            let part = layer_folder(&path).and_then(|(_, inside)| inside.split_once('/')).map(|(part, _)| part);
            if !part.is_some_and(|part| PARTS.contains(&part)) {
                let fault = Fault::at(place, format!("\"{path}\" cannot be left out"));
                faults.push(fault.help("files and slot lines can: layers/…/NAME/files/PATH, layers/…/NAME/slots/PATH"));
            } else if both.iter().any(|path| files.contains_key(path)) {
                let fault = Fault::at(place, format!("\"{path}\" is left out, and the overlay has it"));
                faults.push(fault.help("a file of the overlay's stands for the one below without being named here"));
            } else {
                let hidden: Vec<Shadow> = both.iter().filter_map(|path| self.hide(path, true)).collect();
                if hidden.is_empty() {
                    let near = did_you_mean(&path, self.files.keys().map(|path| bare(path)));
                    let message = format!("it would leave out {path}, which is not there{near}");
                    let note = format!("the overlay \"{}\": {message}", overlay.name());
                    let notes = overlay.origin.note.take().into_iter().chain([note]);
                    overlay.origin.note = Some(notes.collect::<Vec<_>>().join("\n"));
                    overlay.missing.push(Fault::at(place, message).help("nothing is left out for it: take it away"));
                }
                overlay.shadows.extend(hidden);
            }
        }
    }
}

const MANIFEST: &str = "pack.toml";

/// Of templates that are rendered.
const ENDING: &str = ".tera";

fn is_of_a_pack(path: &str) -> bool {
    path == MANIFEST || path.starts_with("layers/") || path.starts_with("partials/")
}

/// Of a file and its `.tera`, only one can stand at their path.
fn twins(part: &Part, faults: &mut Faults) {
    let of_the_pack = part.files.keys().filter(|path| is_of_a_pack(path));
    for path in of_the_pack.filter(|path| path.ends_with(ENDING) && part.files.contains_key(bare(path))) {
        let message = format!("{} stands beside it: two files for one path", bare(path));
        let fault = Fault::at(Place::new(format!("{}/{path}", part.label), 1, 1), message);
        faults.push(fault.help("keep the one that is meant: this one is rendered, the other copied"));
    }
}

/// Files of an overlay that may have missed by a letter what they were to stand for.
fn strays(files: &Files, below: &Files) -> Vec<Stray> {
    let is_in = |files: &Files, path: &str| both(path).iter().any(|path| files.contains_key(path));
    let mut strays = Vec::new();
    for path in files.keys().filter(|path| !is_in(below, path)) {
        let Some((layer, inside)) = layer_folder(path) else { continue };
        if !inside.starts_with("files/") {
            continue;
        }
        let folder = format!("{layer}/files/");
        // Who stands for the other file as well knows of it.
        let others = below.keys().filter(|other| other.starts_with(&folder) && !is_in(files, other));
        if let Some(other) = others.into_iter().find(|other| is_near(bare(path), bare(other))) {
            strays.push(Stray { path: path.clone(), near: other.clone() });
        }
    }
    strays
}

/// Whether one letter of one part tells two paths apart. Numbers tell apart what is meant to be; so does a letter of
/// a short name, and names of files are often near to each other (`order.rs` and `orders.rs`).
fn is_near(one: &str, other: &str) -> bool {
    let parts = |path: &'_ str| {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let folders = folders.split('/').map(|folder| (folder.to_owned(), 4));
        folders.chain([(ending.to_owned(), 4), (stem.to_owned(), 8)]).collect::<Vec<_>>()
    };
    let (ones, others) = (parts(one), parts(other));
    let mut differing = ones.iter().zip(&others).filter(|(one, other)| one != other);
    let (Some(((one, least), (other, _))), None) = (differing.next(), differing.next()) else { return false };
    let letters = |part: &str| part.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let long = one.chars().count().max(other.chars().count()) >= *least;
    ones.len() == others.len()
        && long
        && letters(one) != letters(other)
        && nearest_within(1, one, [other.as_str()]).is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_tells_apart_what_is_near() {
        for (one, other, near) in [
            (".github/workflow/ci.yml", ".github/workflows/ci.yml", true),
            ("github/workflows/ci.yml", ".github/workflows/ci.yml", true),
            (".github/workflows/ci.yaml", ".github/workflows/ci.yml", true),
            ("Dockerfle", "Dockerfile", true),
            ("docs/runbokos.md", "docs/runbooks.md", true),
            (".github/workflows/cd.yml", ".github/workflows/ci.yml", false),
            (".github/workflow/ci.yaml", ".github/workflows/ci.yml", false),
            ("src/order.rs", "src/orders.rs", false),
            ("src/oauth.rs", "src/auth.rs", false),
            ("deploy/dev/app.yaml", "deploy/env/app.yaml", false),
            ("migrations/20260102_orders.sql", "migrations/20260101_orders.sql", false),
            ("docs/chapters10.md", "docs/chapters1.md", false),
            ("workflows/ci.yml", ".github/workflows/ci.yml", false),
        ] {
            assert_eq!(is_near(one, other), near, "{one} and {other}");
        }
    }
}
