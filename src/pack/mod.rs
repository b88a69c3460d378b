//! A template pack: its questions, its layers, and where it comes from. The format is `docs/packs.md`.

mod answer;
mod check;
mod condition;
mod contribution;
mod database;
pub mod embedded;
mod file_rule;
mod layer;
mod layer_folder;
mod manifest;
mod name_rules;
mod origin;
mod overlay;
mod practice;
mod preset;
mod question;
mod refusal;
mod remote;
mod renamed;
mod setting;
mod slot;
mod source;
mod step;
mod text;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

pub use answer::{Answer, Answers};
pub use check::CheckRules;
pub use condition::Condition;
pub use contribution::{Contribution, ContributionKind, LAYER, NAME, Order};
pub use database::{DatabaseRule, Dialect, TableForm};
pub use file_rule::{FileRule, Matched, Policy, no_source_of_a_glob};
pub use layer::{DEFAULT_ORDER, Dependency, Layer, LayerFile};
pub use layer_folder::{layer_folder, layer_name};
pub use manifest::{EnvRules, Format, LockFile, LockKind, Manifest, ResourceRules, Rustfmt};
pub use name_rules::{DEVICE_NAMES, NameRules};
pub use origin::{Origin, Part, Sources, Wanted};
pub use overlay::{Overlay, Shadow, Stray};
pub use practice::{Claim, Evidence, Expected, Proof};
pub use preset::Preset;
pub use question::{Choice, Kind, Question, check_plain, shown, visible};
pub use refusal::Refusal;
pub use remote::Remote;
pub use renamed::{RenamedName, check_name};
pub use setting::{Setting, SettingKind, conflicting_settings};
pub use slot::Slot;
pub use source::{Files, Source, digest, hash, hex};
pub use step::NextStep;
pub use text::Text;

use layer_folder::folder_in;

use crate::fault::{Fault, Faults, Place, did_you_mean};

/// Variables that every template sees beside the answers; no question may take their names.
pub const TEMPLATE_NAMES: [&str; 18] = [
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
    "next",
    CONTRIBUTIONS,
    "dialect",
    "tables",
    RESOURCES,
    KINDS,
    TARGETS,
    RETAINED,
];

/// What layers contribute, by kind: `contributions.KIND` is a list.
pub const CONTRIBUTIONS: &str = "contributions";

/// The list of the resources, and its name in templates: with `for_each = "resources"`, a layer sees each in turn.
pub const RESOURCES: &str = "resources";

/// The kinds of the resources' fields, each once: a layer may be there for one of them (`"decimal" in kinds`).
pub const KINDS: &str = "kinds";

/// What their visible references lead to, each once: `"user" in targets`.
pub const TARGETS: &str = "targets";

/// The names of the resources with `retain`, each before the resources that it refers to.
pub const RETAINED: &str = "retained";

/// Variables that follow from the resources.
pub const OF_RESOURCES: [&str; 4] = [RESOURCES, KINDS, TARGETS, RETAINED];

/// A pack, read and checked. Nothing of it has been rendered.
#[derive(Debug, Clone)]
pub struct Pack {
    pub manifest: Manifest,
    /// By name.
    pub layers: Vec<Layer>,
    /// All packages that the layers' deltas may name, and what two layers change together in the lock file.
    pub superset: Option<Text>,
    pub pairs: Option<Text>,
    /// By full name: `LAYER/SLOT`.
    pub slots: BTreeMap<String, Slot>,
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
    /// The one of these layers that is the database, where it makes migrations.
    pub fn database(&self, layers: &[String]) -> Option<&DatabaseRule> {
        let rules = self.layers.iter().filter(|layer| layers.contains(&layer.name));
        rules.filter_map(|layer| layer.database.as_ref()).find(|rule| rule.migrations.is_some())
    }

    /// Reads and checks a pack; all its faults at once.
    pub fn load(source: &Source) -> Result<Arc<Self>, Faults> {
        Self::compose(Part::open(&Wanted::from(source.clone()))?, Vec::new())
    }

    /// The same with overlays over it.
    pub fn load_all(sources: &Sources) -> Result<Arc<Self>, Faults> {
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
    pub fn from_files(files: &Files, label: &str) -> Result<Arc<Self>, Faults> {
        Self::compose(Part::in_memory(files.clone(), label), Vec::new())
    }

    /// A pack with overlays over it, each over those before it.
    pub fn compose(pack: Part, overlays: Vec<Part>) -> Result<Arc<Self>, Faults> {
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
            superset: None,
            pairs: None,
            slots: BTreeMap::new(),
            partials: Vec::new(),
            digest: stack.digest,
            label: stack.label,
            origin: stack.origin,
            overlays: stack.overlays,
            laid: stack.laid,
        };
        pack.take(&stack.files)?;
        Ok(Arc::new(pack))
    }

    /// Takes in every file but `pack.toml`.
    fn take(&mut self, files: &Files) -> Result<(), Faults> {
        let mut faults = Faults::default();
        let mut layers = self.read_layers(files, &mut faults);
        for (path, content) in files {
            if path.starts_with("layers/") {
                let Some((folder, inside)) = folder_in(files, path) else {
                    let place = Place::new(self.shown(path), 1, 1);
                    faults.push(Fault::at(place, "only folders, a layer or a group of layers each, stand in layers/"));
                    continue;
                };
                let Some(layer) = layers.get_mut(folder) else { continue };
                if let Err(fault) = layer.take(inside, path, &self.shown(path), content.clone(), &self.manifest) {
                    faults.push(fault);
                }
            } else if path.starts_with("partials/") {
                match Text::from_utf8(self.shown(path), content.clone()) {
                    Ok(text) => self.partials.push((path.clone(), text)),
                    Err(fault) => faults.push(fault),
                }
            } else if self.manifest.lock.as_ref().is_some_and(|lock| *path == lock.superset() || *path == lock.pairs())
            {
                if let Err(fault) = self.take_lock(path, content.clone()) {
                    faults.push(fault);
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
        self.settle_layers(layers.into_values().collect(), &mut faults);
        faults.or(())
    }

    /// Takes in the layers, all their files in them, and what they say of each other.
    fn settle_layers(&mut self, mut layers: Vec<Layer>, faults: &mut Faults) {
        layers.sort_by(|one, other| one.name.cmp(&other.name));
        for pair in layers.windows(2).filter(|pair| pair[0].name == pair[1].name) {
            let place = Place::new(self.shown(&format!("{}/layer.toml", pair[1].folder)), 1, 1);
            let message = format!("the layer \"{}\" is in {} as well", pair[1].name, pair[0].folder);
            faults.push(Fault::at(place, message).help("a name is given once, in whatever group"));
        }
        if let Some(lock) = &self.manifest.lock {
            for layer in &mut layers {
                let whose = |file: &str| self.laid.get(&format!("{}/{file}", layer.folder));
                let parts = [(&layer.delta, lock.delta()), (&layer.fragment, lock.fragment())];
                let locked = parts.iter().any(|(part, file)| part.is_some() && whose("layer.toml") == whose(file));
                layer.unlocked = layer.packages().next().is_some() && !locked;
                if let (Some(delta), None) = (&layer.delta, &self.superset) {
                    let fault = Fault::at(delta.place(0), format!("the pack has no {}", lock.superset()));
                    faults.push(fault.help("it lists the packages that a delta may name, beside pack.toml"));
                }
            }
        }
        self.layers = layers;
        let fragments = self.layers.iter().filter_map(|layer| layer.fragment.as_ref());
        for locked in fragments.chain(&self.superset) {
            self.manifest.name_rules.keep_apart(locked.clone());
        }
        for layer in &self.layers {
            self.manifest.resources.join(layer.resources.clone());
            self.manifest.name_rules.reserve(&layer.reserved_names);
            let full = |(name, slot): (&String, &Slot)| (format!("{}/{name}", layer.name), slot.clone());
            self.slots.extend(layer.own_slots.iter().map(full));
        }
        check_requirements(&self.layers, faults);
        slot::check(self, faults);
        contribution::check(self, faults);
        self.manifest.check_presets(faults);
    }

    /// Takes in what the layers' deltas are about. A layer of an overlay has a fragment, which needs neither.
    fn take_lock(&mut self, path: &str, content: Cow<'static, [u8]>) -> Result<(), Fault> {
        let text = Text::from_utf8(self.shown(path), content)?;
        if self.overlay_of(path).is_some() {
            let fragment = self.manifest.lock.as_ref().map(LockFile::fragment).unwrap_or_default();
            let fault = Fault::at(text.place(0), "an overlay cannot replace this file of the pack");
            return Err(fault.help(format!("packages of its own are in layers/LAYER/{fragment}")));
        }
        let is_superset = self.manifest.lock.as_ref().is_some_and(|lock| path == lock.superset());
        *(if is_superset { &mut self.superset } else { &mut self.pairs }) = Some(text);
        Ok(())
    }

    /// The layers, by folder.
    fn read_layers(&self, files: &Files, faults: &mut Faults) -> BTreeMap<String, Layer> {
        let mut layers = BTreeMap::new();
        let inside = |path: &'_ str| folder_in(files, path).map(|(folder, _)| (folder.to_owned(), path.to_owned()));
        let firsts: BTreeMap<String, String> = files.keys().rev().filter_map(|path| inside(path)).collect();
        let whole = |folder: &&str| files.contains_key(&format!("{folder}/layer.toml"));
        let read = |(folder, first): (&String, &String)| {
            let path = format!("{folder}/layer.toml");
            let Some(content) = files.get(&path) else {
                // Whoever has a file there lacks it, or means another layer.
                let shown = self.shown(first).replace(first, &path);
                let name = last(folder);
                let others = || firsts.keys().map(String::as_str).filter(whole);
                let fault = |near: String| Fault::new(format!("{shown}: no such file{near}"));
                return Err(match others().find(|other| last(other) == name) {
                    Some(other) => fault(String::new()).help(format!("the layer \"{name}\" stands in {other}")),
                    None => fault(did_you_mean(name, others().map(last))).help("a layer begins with it"),
                }
                .into());
            };
            let text = Text::from_utf8(self.shown(&path), content.clone())?;
            Ok((folder.clone(), Layer::parse(folder, &text, &self.manifest)?))
        };
        for layer in firsts.par_iter().map(read).collect::<Vec<Result<_, Faults>>>() {
            match layer {
                Ok((folder, layer)) => drop(layers.insert(folder, layer)),
                Err(more) => faults.extend(more),
            }
        }
        layers
    }

    /// The layer of a name.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// The pack as the `service.toml` in the folder `root` is to name where it is from.
    #[must_use]
    pub fn settled(self: &Arc<Self>, root: &Path) -> Arc<Self> {
        let mut pack = Arc::clone(self);
        if self.origins().any(Origin::is_open) {
            let pack = Arc::make_mut(&mut pack);
            pack.origin.settle(root);
            pack.overlays.iter_mut().for_each(|overlay| overlay.origin.settle(root));
        }
        pack
    }

    fn origins(&self) -> impl Iterator<Item = &Origin> {
        std::iter::once(&self.origin).chain(self.overlays.iter().map(|overlay| &overlay.origin))
    }

    /// What a person should know of where it is from.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.origins().filter_map(|origin| origin.note.clone())
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
        let Some((owner, name)) = name.split_once('/') else { return Vec::new() };
        let call = format!("slot(\"{name}\")");
        let has = |file: &&LayerFile| file.rendered && String::from_utf8_lossy(&file.content).contains(&call);
        let files = self.layer(owner).into_iter().flat_map(|layer| &layer.files);
        files.filter(has).map(|file| file.target.as_str()).collect()
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

/// The name of a folder, without those above it.
fn last(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
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
