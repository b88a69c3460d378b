//! A template pack: its questions, its layers, and where it comes from. The format is `docs/packs.md`.

mod answer;
mod check;
mod condition;
mod database;
mod layer;
mod manifest;
mod preset;
mod question;
mod source;
mod text;

use std::collections::BTreeMap;

pub use answer::{Answer, Answers};
pub use check::CheckRules;
pub use condition::Condition;
pub use database::{DatabaseRule, Dialect, TableForm};
pub use layer::{
    DEFAULT_ORDER, Dependency, FileRule, Layer, LayerFile, Policy, Setting, SettingKind, conflicting_settings,
};
pub use manifest::{DEVICE_NAMES, Format, LockFile, LockKind, Manifest, NameRules, ResourceRules, Rustfmt, Slot};
pub use preset::Preset;
pub use question::{Choice, Kind, Question, check_plain, shown, visible};
pub use source::{Files, Source, digest, hex};
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
    /// `sha256:…` over every file of the pack.
    pub digest: String,
    /// How faults name its files: `LABEL/layers/…`.
    pub label: String,
}

impl Pack {
    /// Reads and checks a pack; all its faults at once.
    pub fn load(source: &Source) -> Result<Self, Faults> {
        Self::from_files(&source.read()?, &source.label())
    }

    /// As [`Pack::load`], from files in memory.
    pub fn from_files(files: &Files, label: &str) -> Result<Self, Faults> {
        let shown = |path: &str| format!("{label}/{path}");
        let Some(content) = files.get("pack.toml") else {
            return Err(Fault::new(format!("{}: no such file", shown("pack.toml")))
                .help("a pack begins with it")
                .into());
        };
        let mut manifest = Manifest::parse(&Text::from_utf8(shown("pack.toml"), content)?)?;

        let mut faults = Faults::default();
        let mut layers = read_layers(files, label, &manifest, &mut faults);
        let mut partials = Vec::new();
        for (path, content) in files {
            if let Some(rest) = path.strip_prefix("layers/") {
                let Some((name, inside)) = rest.split_once('/') else {
                    faults
                        .push(Fault::at(Place::new(shown(path), 1, 1), "only folders, a layer each, stand in layers/"));
                    continue;
                };
                let Some(layer) = layers.get_mut(name) else { continue };
                if let Err(fault) = layer.take(inside, path, &shown(path), content, &manifest) {
                    faults.push(fault);
                }
            } else if path.starts_with("partials/") {
                match Text::from_utf8(shown(path), content) {
                    Ok(text) => partials.push((path.clone(), text)),
                    Err(fault) => faults.push(fault),
                }
            } else if let Some((folder, _)) = path.split_once('/') {
                // Documents and tests of the pack's own may stand here, but hardly a `layer/`.
                let near = did_you_mean(folder, ["layers", "partials"]);
                if !near.is_empty() {
                    faults.push(Fault::new(format!("{}: no part of a pack{near}", shown(folder))));
                }
            }
        }
        let layers: Vec<Layer> = layers.into_values().collect();
        for fragment in layers.iter().filter_map(|layer| layer.fragment.as_ref()) {
            manifest.name_rules.keep_apart(&fragment.content);
        }
        check_requirements(&layers, &mut faults);
        faults.or(Self { manifest, layers, partials, digest: digest(files), label: label.to_owned() })
    }

    /// Whether a layer is rendered for each resource; else the pack makes nothing of them.
    pub fn takes_resources(&self) -> bool {
        self.layers.iter().any(Layer::is_for_resources)
    }

    /// A file of the pack as faults name it.
    pub fn shown(&self, path: &str) -> String {
        format!("{}/{path}", self.label)
    }
}

fn read_layers(files: &Files, label: &str, manifest: &Manifest, faults: &mut Faults) -> BTreeMap<String, Layer> {
    let mut layers = BTreeMap::new();
    let names = files.keys().filter_map(|path| path.strip_prefix("layers/")?.split_once('/')).map(|(name, _)| name);
    let names: std::collections::BTreeSet<&str> = names.collect();
    for name in names {
        let path = format!("layers/{name}/layer.toml");
        let Some(content) = files.get(&path) else {
            faults.push(Fault::new(format!("{label}/{path}: no such file")).help("a layer begins with it"));
            continue;
        };
        let parsed = Text::from_utf8(format!("{label}/{path}"), content)
            .map_err(Faults::from)
            .and_then(|text| Layer::parse(name, &text, manifest));
        match parsed {
            Ok(layer) => drop(layers.insert(name.to_owned(), layer)),
            Err(more) => faults.extend(more),
        }
    }
    layers
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
