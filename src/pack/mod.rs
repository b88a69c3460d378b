//! A template pack: its questions, its layers, and where it comes from. The format is `docs/packs.md`.

mod answer;
mod check;
mod condition;
mod database;
mod file_rule;
mod layer;
mod manifest;
mod name_rules;
mod origin;
mod overlay;
mod preset;
mod question;
mod refusal;
mod remote;
mod renamed;
mod setting;
mod source;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

pub use answer::{Answer, Answers};
pub use check::CheckRules;
pub use condition::Condition;
pub use database::{DatabaseRule, Dialect, TableForm};
pub use file_rule::{FileRule, Matched, Policy, no_source_of_a_glob};
pub use layer::{DEFAULT_ORDER, Dependency, Layer, LayerFile};
pub use manifest::{Format, LockFile, LockKind, Manifest, ResourceRules, Rustfmt, Slot};
pub use name_rules::{DEVICE_NAMES, NameRules};
pub use origin::{Origin, Part, Sources, Wanted};
pub use overlay::{Overlay, Shadow, Stray};
pub use preset::Preset;
pub use question::{Choice, Kind, Question, check_plain, shown, visible};
pub use refusal::Refusal;
pub use remote::Remote;
pub use renamed::{RenamedName, check_name};
pub use setting::{Setting, SettingKind, conflicting_settings};
pub use source::{Files, Source, digest, embedded, hash, hex};
pub use text::Text;

use crate::fault::{Fault, Faults, Place, did_you_mean};

/// Variables that every template sees beside the answers; no question may take their names.
pub const TEMPLATE_NAMES: [&str; 17] = [
    "name",
    "year",
    "template",
    "dependencies",
    "dev_dependencies",
    "config",
    "settings",
    "practices",
    "layers",
    "services",
    "panels",
    "alerts",
    "dialect",
    "tables",
    RESOURCES,
    KINDS,
    TARGETS,
];

/// The list of the resources, and its name in templates: `for_each = "resources"` renders a layer once for each.
pub const RESOURCES: &str = "resources";

/// The kinds of the resources' fields, each once: a layer may be there for one of them (`"decimal" in kinds`).
pub const KINDS: &str = "kinds";

/// What their visible references lead to, each once: `"user" in targets`.
pub const TARGETS: &str = "targets";

/// A pack, read and checked. Nothing of it has been rendered.
#[derive(Debug, Clone)]
pub struct Pack {
    pub manifest: Manifest,
    /// By name.
    pub layers: Vec<Layer>,
    /// Tera components that every template may call.
    pub partials: Vec<(String, Text)>,
    /// `sha256:…` over every file of the pack, and of its overlays.
    pub digest: String,
    /// How faults name its files: `LABEL/layers/…`.
    pub label: String,
    pub origin: Origin,
    /// In the order in which they lie over it.
    pub overlays: Vec<Overlay>,
    /// Files that are an overlay's, by the number of it.
    laid: BTreeMap<String, usize>,
}

impl Pack {
    /// Reads and checks a pack; all its faults at once.
    pub fn load(source: &Source) -> Result<Self, Faults> {
        Self::compose(Part::open(&Wanted::from(source.clone()))?, Vec::new())
    }

    /// The same with overlays over it.
    pub fn load_all(sources: &Sources) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let mut open = |wanted: &Wanted| Part::open(wanted).map_err(|more| faults.extend(more)).ok();
        let pack = open(&sources.template);
        let overlays: Vec<Part> = sources.overlays.iter().filter_map(open).collect();
        match pack {
            Some(pack) if faults.is_empty() => Self::compose(pack, overlays),
            _ => Err(faults),
        }
    }

    /// As [`Pack::load`], from files in memory.
    pub fn from_files(files: &Files, label: &str) -> Result<Self, Faults> {
        Self::compose(Part::in_memory(files.clone(), label), Vec::new())
    }

    /// A pack with overlays over it, each over those before it.
    pub fn compose(pack: Part, overlays: Vec<Part>) -> Result<Self, Faults> {
        let shown = format!("{}/pack.toml", pack.label);
        let Some(content) = pack.files.get("pack.toml") else {
            return Err(Fault::new(format!("{shown}: no such file")).help("a pack begins with it").into());
        };
        let mut manifest = Manifest::parse(&Text::from_utf8(shown, content.clone())?)?;
        let mut faults = Faults::default();
        let stack = overlay::lay(pack, overlays, &mut manifest, &mut faults);
        faults.or(())?;
        let mut pack = Self {
            manifest,
            layers: Vec::new(),
            partials: Vec::new(),
            digest: stack.digest,
            label: stack.label,
            origin: stack.origin,
            overlays: stack.overlays,
            laid: stack.laid,
        };
        pack.take(&stack.files)?;
        Ok(pack)
    }

    /// Takes in every file but `pack.toml`.
    fn take(&mut self, files: &Files) -> Result<(), Faults> {
        let mut faults = Faults::default();
        let mut layers = self.read_layers(files, &mut faults);
        for (path, content) in files {
            if let Some(rest) = path.strip_prefix("layers/") {
                let Some((name, inside)) = rest.split_once('/') else {
                    let place = Place::new(self.shown(path), 1, 1);
                    faults.push(Fault::at(place, "only folders, a layer each, stand in layers/"));
                    continue;
                };
                let Some(layer) = layers.get_mut(name) else { continue };
                if let Err(fault) = layer.take(inside, path, &self.shown(path), content.clone(), &self.manifest) {
                    faults.push(fault);
                }
            } else if path.starts_with("partials/") {
                match Text::from_utf8(self.shown(path), content.clone()) {
                    Ok(text) => self.partials.push((path.clone(), text)),
                    Err(fault) => faults.push(fault),
                }
            } else if let Some((folder, _)) = path.split_once('/') {
                // Documents and tests of the pack's own may stand here, but hardly a `layer/`.
                let near = did_you_mean(folder, ["layers", "partials"]);
                if !near.is_empty() {
                    let shown = self.shown(path);
                    let shown = shown.strip_suffix(&path[folder.len()..]).unwrap_or(&shown);
                    faults.push(Fault::new(format!("{shown}: no part of a pack{near}")));
                }
            }
        }
        self.layers = layers.into_values().collect();
        let whose = |name: &str, file: &str| self.laid.get(&format!("layers/{name}/{file}"));
        if let Some(lock) = &self.manifest.lock {
            let part = format!("{}.fragment", lock.path);
            for layer in &mut self.layers {
                let depends = !layer.dependencies.is_empty() || !layer.dev_dependencies.is_empty();
                let same = layer.fragment.is_some() && whose(&layer.name, "layer.toml") == whose(&layer.name, &part);
                layer.unlocked = depends && !same;
            }
        }
        for fragment in self.layers.iter().filter_map(|layer| layer.fragment.as_ref()) {
            self.manifest.name_rules.keep_apart(fragment.clone());
        }
        check_requirements(&self.layers, &mut faults);
        self.manifest.check_presets(&mut faults);
        faults.or(())
    }

    fn read_layers(&self, files: &Files, faults: &mut Faults) -> BTreeMap<String, Layer> {
        let mut layers = BTreeMap::new();
        let inside = |path: &'_ str| -> Option<(String, String)> {
            let (name, _) = path.strip_prefix("layers/")?.split_once('/')?;
            Some((name.to_owned(), path.to_owned()))
        };
        let firsts: BTreeMap<String, String> = files.keys().rev().filter_map(|path| inside(path)).collect();
        let whole = |name: &&str| files.contains_key(&format!("layers/{name}/layer.toml"));
        let read = |(name, first): (&String, &String)| {
            let path = format!("layers/{name}/layer.toml");
            let Some(content) = files.get(&path) else {
                // Whoever has a file there lacks it, or means another layer.
                let shown = self.shown(first).replace(first, &path);
                let near = did_you_mean(name, firsts.keys().map(String::as_str).filter(whole));
                return Err(Fault::new(format!("{shown}: no such file{near}")).help("a layer begins with it").into());
            };
            let text = Text::from_utf8(self.shown(&path), content.clone())?;
            Ok((name.clone(), Layer::parse(name, &text, &self.manifest)?))
        };
        for layer in firsts.par_iter().map(read).collect::<Vec<Result<_, Faults>>>() {
            match layer {
                Ok((name, layer)) => drop(layers.insert(name, layer)),
                Err(more) => faults.extend(more),
            }
        }
        layers
    }

    /// Settles how the `service.toml` in the folder `root` is to name where this is from.
    pub fn settle(&mut self, root: &Path) {
        for origin in std::iter::once(&mut self.origin).chain(self.overlays.iter_mut().map(|one| &mut one.origin)) {
            origin.settle(root);
        }
    }

    /// What a person should know of where it is from.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let origins = std::iter::once(&self.origin).chain(self.overlays.iter().map(|overlay| &overlay.origin));
        origins.filter_map(|origin| origin.note.clone())
    }

    /// These layers, each once, what they require, and what those require.
    pub fn with_required<'a>(&'a self, layers: impl IntoIterator<Item = &'a Layer>) -> Vec<&'a Layer> {
        let mut open: Vec<&Layer> = layers.into_iter().collect();
        let mut found: Vec<&Layer> = Vec::new();
        while let Some(layer) = open.pop() {
            if found.iter().all(|other| other.name != layer.name) {
                found.push(layer);
                let requires = |other: &&Layer| layer.requires.iter().any(|(name, _)| *name == other.name);
                open.extend(self.layers.iter().filter(requires));
            }
        }
        found
    }

    /// Whether a layer is rendered for each resource; else the pack makes nothing of them.
    pub fn takes_resources(&self) -> bool {
        self.layers.iter().any(Layer::is_for_resources)
    }

    /// Where a slot stands: files of the layer that owns it, by their paths in a repository.
    pub fn files_of_slot(&self, name: &str) -> Vec<&str> {
        let call = format!("slot(\"{name}\")");
        let has = |file: &&LayerFile| file.rendered && String::from_utf8_lossy(&file.content).contains(&call);
        let owner = self.manifest.slots.get(name).map(|slot| slot.owner.as_str());
        let layers = self.layers.iter().filter(|layer| Some(layer.name.as_str()) == owner);
        layers.flat_map(|layer| &layer.files).filter(has).map(|file| file.target.as_str()).collect()
    }

    /// The overlay that a file of the pack is from, if one has laid it there.
    pub fn overlay_of(&self, path: &str) -> Option<&Overlay> {
        self.laid.get(path).map(|number| &self.overlays[*number])
    }

    /// A file of the pack as faults name it.
    pub fn shown(&self, path: &str) -> String {
        let label = self.overlay_of(path).map_or(&self.label, |overlay| &overlay.label);
        format!("{label}/{path}")
    }
}

/// Layers that a layer requires must be in the pack. Owners of slots need not: a layer's folder may
/// be deleted, and lines for its slots go with it.
fn check_requirements(layers: &[Layer], faults: &mut Faults) {
    let names = || layers.iter().map(|layer| layer.name.as_str());
    for layer in layers {
        for (required, place) in &layer.requires {
            if !names().any(|name| name == required) {
                faults.push(Fault::at(
                    place.clone(),
                    format!("no layer \"{required}\"{}", did_you_mean(required, names())),
                ));
            }
        }
    }
}
