//! Which layers the answers select, and what they give as data.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tera::Context;

use crate::blueprint::{self, Blueprint};
use crate::fault::{Fault, Faults};
use crate::pack::{Dependency, Evidence, Layer, Pack, Proof, Setting, conflicting_settings};
use crate::practices;
use crate::schema::{Access, AccessRules, Resource};
use crate::template::render_text;

/// The layers that are in: what a layer requires comes before it, then by name.
/// Refused combinations and missing requirements are faults, all together.
pub fn select<'a>(pack: &'a Pack, context: &Context) -> Result<Vec<&'a Layer>, Faults> {
    let mut faults = Faults::default();
    let mut chosen = Vec::new();
    let refusals = pack.layers.iter().flat_map(|layer| &layer.refusals);
    for refusal in pack.manifest.refusals.iter().chain(refusals) {
        if refusal.when.holds(context)? {
            let message = format!("these answers do not go together ({}): {}", refusal.when.expression, refusal.reason);
            faults.push(Fault::new(message));
        }
    }
    for layer in &pack.layers {
        if layer.when.as_ref().map_or(Ok(true), |when| when.holds(context))? {
            chosen.push(layer);
        }
    }
    // A refusal says why; that something is missing then is no news.
    let refused = !faults.is_empty();
    for layer in chosen.iter().filter(|_| !refused) {
        for (required, _) in &layer.requires {
            if !chosen.iter().any(|other| other.name == *required) {
                let condition =
                    pack.layers.iter().find(|other| other.name == *required).and_then(|other| other.when.as_ref());
                let message =
                    format!("layer \"{}\" needs layer \"{required}\", which these answers leave out", layer.name);
                let fault = Fault::new(message);
                faults.push(match condition {
                    Some(when) => fault.help(format!("it is in when {}", when.expression)),
                    None => fault,
                });
            }
        }
    }
    faults.extend(conflicting_settings(&chosen));
    faults.or(in_order(chosen))
}

/// Whether these answers leave in what would make something of resources, there being any or not: a
/// layer may be in for them alone.
pub fn take_resources(blueprint: &Blueprint, pack: &Pack) -> bool {
    let mut with = blueprint.clone();
    if with.resources.is_empty() {
        let (name, plural) = ("thing".to_owned(), "things".to_owned());
        let (fields, indexes) = (Vec::new(), Vec::new());
        with.resources = vec![Resource {
            name,
            plural,
            irregular: false,
            was: None,
            earlier_table: None,
            fields,
            indexes,
            owner: None,
            access: AccessRules::default(),
            retain: None,
        }];
    }
    let layers = select(pack, &super::context_of(&with, pack));
    layers.is_ok_and(|layers| layers.iter().any(|layer| layer.is_for_resources()))
}

/// Resources that no layer makes anything of would be lost without a word, and access rules that need accounts would
/// not hold without them.
pub fn keep_resources(blueprint: &Blueprint, pack: &Pack, layers: &[&Layer]) -> Result<(), Faults> {
    if !blueprint::has_accounts(layers) {
        let mut faults = Faults::default();
        for resource in &blueprint.resources {
            for (word, access) in resource.access.by_key() {
                if let Some(access) = access.filter(|access| *access != Access::Public) {
                    let (name, rule) = (&resource.name, access.as_str());
                    let message = format!("the resource \"{name}\": {word}={rule} needs accounts, and there are none");
                    faults.push(Fault::new(message).help(format!("leave the rule out, or say {word}=public")));
                }
            }
        }
        faults.or(())?;
    }
    if blueprint.resources.is_empty() || layers.iter().any(|layer| layer.is_for_resources()) {
        return Ok(());
    }
    let fault = Fault::new("these answers leave out what makes something of resources, and there are some");
    let makers = pack.layers.iter().filter(|layer| layer.is_for_resources());
    let conditions: Vec<String> = makers
        .filter_map(|layer| Some(format!("layer \"{}\" is in when {}", layer.name, layer.when.as_ref()?.expression)))
        .collect();
    Err(if conditions.is_empty() { fault } else { fault.help(conditions.join("; ")) }.into())
}

fn in_order(mut waiting: Vec<&Layer>) -> Vec<&Layer> {
    let mut ordered: Vec<&Layer> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|layer| {
            layer
                .requires
                .iter()
                .all(|(required, _)| !waiting.iter().any(|other| other.name == *required && other.name != layer.name))
        });
        // Layers that require each other are taken by name.
        ordered.push(waiting.remove(ready.unwrap_or(0)));
    }
    ordered
}

#[derive(Debug, Serialize)]
struct SettingView<'a> {
    #[serde(flatten)]
    setting: Setting,
    layer: &'a str,
    field: String,
}

#[derive(Debug, Serialize)]
struct PracticeView<'a> {
    #[serde(flatten)]
    practice: &'a practices::Practice,
    /// The first layer that claims it.
    layer: &'a str,
    /// What proves it, of every layer that claims it.
    evidence: Vec<EvidenceView>,
}

/// A file that proves a practice; its path may be a glob.
#[derive(Debug, Serialize)]
struct EvidenceView {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<String>,
}

/// A dependency as a manifest names it: `name = spec`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DependencyLine {
    pub name: String,
    /// TOML: a version in quotes, or an inline table.
    pub spec: String,
}

/// What the layers depend on, merged and sorted: to run, and to be tested.
/// Layers that disagree on anything but features are faults.
pub fn dependencies(layers: &[&Layer]) -> Result<[Vec<DependencyLine>; 2], Faults> {
    let mut faults = Faults::default();
    let lines = [
        merge_dependencies(layers, |layer| &layer.dependencies, &mut faults),
        merge_dependencies(layers, |layer| &layer.dev_dependencies, &mut faults),
    ];
    faults.or(lines)
}

/// Puts what the layers declare where every template sees it.
pub fn contribute(pack: &Pack, layers: &[&Layer], context: &mut Context) -> Result<(), Faults> {
    let [normal, dev] = dependencies(layers)?;
    context.insert("dependencies", &normal);
    context.insert("dev_dependencies", &dev);

    let mut faults = Faults::default();
    let mut settings: Vec<SettingView> = Vec::new();
    for layer in layers {
        for (setting, place) in &layer.config {
            if settings.iter().any(|known| known.setting.env == setting.env) {
                continue;
            }
            match drawn(setting, pack, context) {
                Ok(setting) => {
                    let field = setting.env.to_lowercase();
                    settings.push(SettingView { setting, layer: &layer.name, field });
                }
                Err(why) => faults.push(Fault::at(place.clone(), format!("the setting {}: {why}", setting.env))),
            }
        }
    }
    context.insert("config", &settings);
    let by_name: BTreeMap<&str, &SettingView> = settings.iter().map(|view| (&*view.setting.env, view)).collect();
    context.insert("settings", &by_name);

    let mut claimed: BTreeMap<&str, (&str, Vec<EvidenceView>)> = BTreeMap::new();
    for layer in layers {
        for claim in &layer.claims {
            if !claim.when.as_ref().map_or(Ok(true), |when| when.holds(context))? {
                continue;
            }
            let (_, evidence) = claimed.entry(&claim.id).or_insert((&layer.name, Vec::new()));
            for Evidence { path, proof, place } in &claim.evidence {
                let test = if let Proof::Test(name) = proof { Some(name.clone()) } else { None };
                match render_text(&pack.manifest.delimiters, path, context) {
                    Ok(path) => evidence.push(EvidenceView { path, test }),
                    Err(why) => faults.push(Fault::at(place.clone(), why)),
                }
            }
        }
    }
    let delivered: Vec<PracticeView> = practices::all()
        .iter()
        .filter_map(|practice| {
            let (layer, evidence) = claimed.remove(practice.id.as_str())?;
            Some(PracticeView { practice, layer, evidence })
        })
        .collect();
    context.insert("practices", &delivered);

    let views: Vec<BTreeMap<&str, &str>> = layers
        .iter()
        .map(|layer| [("name", &*layer.name), ("title", &*layer.title), ("description", &*layer.description)].into())
        .collect();
    context.insert("layers", &views);
    context.insert("services", &services(layers));
    faults.or(())
}

/// Settings whose values are drawn on a developer's machine, each once.
pub fn drawn_settings(layers: &[&Layer]) -> Vec<Setting> {
    let mut drawn: Vec<Setting> = Vec::new();
    for (setting, _) in layers.iter().flat_map(|layer| &layer.config) {
        if setting.draw.is_some() && !drawn.contains(setting) {
            drawn.push(setting.clone());
        }
    }
    drawn
}

/// The setting with the templates in its values rendered.
fn drawn(setting: &Setting, pack: &Pack, context: &Context) -> Result<Setting, String> {
    let mut setting = setting.clone();
    for value in [&mut setting.default, &mut setting.dev, &mut setting.prod, &mut setting.test] {
        if let Some(toml::Value::String(text)) = value {
            *text = render_text(&pack.manifest.delimiters, text, context)?;
        }
    }
    Ok(setting)
}

fn services(layers: &[&Layer]) -> Vec<toml::Table> {
    let mut all = Vec::new();
    for layer in layers {
        for table in &layer.services {
            let mut table = table.clone();
            table.insert("layer".into(), layer.name.clone().into());
            all.push(table);
        }
    }
    all
}

type Declared = BTreeMap<String, (Dependency, crate::fault::Place)>;

/// What two layers may give to one dependency; a key that one of them leaves out has a meaning of its own.
const FEATURES: &str = "features";

/// One entry a package: features are united, the rest must agree.
fn merge_dependencies(layers: &[&Layer], of: fn(&Layer) -> &Declared, faults: &mut Faults) -> Vec<DependencyLine> {
    let mut merged: BTreeMap<String, (BTreeMap<String, toml::Value>, &str)> = BTreeMap::new();
    for layer in layers {
        for (name, (dependency, place)) in of(layer) {
            let table = match dependency {
                Dependency::Version(version) => {
                    BTreeMap::from([("version".to_owned(), toml::Value::from(version.as_str()))])
                }
                Dependency::Table(table) => table.clone(),
            };
            let Some((known, owner)) = merged.get_mut(name) else {
                merged.insert(name.clone(), (table, &layer.name));
                continue;
            };
            let keys: BTreeSet<&String> = known.keys().chain(table.keys()).filter(|key| *key != FEATURES).collect();
            for key in keys.into_iter().filter(|key| known.get(*key) != table.get(*key)) {
                let says = |table: &BTreeMap<String, toml::Value>| match table.get(key) {
                    Some(value) => format!("`{key} = {value}`"),
                    None => format!("no `{key}`"),
                };
                let (here, there) = (says(&table), says(known));
                let message = format!("dependency \"{name}\": {here}, and layer \"{owner}\" says {there}");
                let help = "two layers may add features to each other, and must agree on the rest";
                faults.push(Fault::at(place.clone(), message).help(help));
            }
            if let Some(toml::Value::Array(more)) = table.get(FEATURES)
                && let toml::Value::Array(features) =
                    known.entry(FEATURES.to_owned()).or_insert_with(|| toml::Value::Array(Vec::new()))
            {
                let new: Vec<_> = more.iter().filter(|feature| !features.contains(feature)).cloned().collect();
                features.extend(new);
                features.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
        }
    }
    merged.into_iter().map(|(name, (table, _))| DependencyLine { spec: spec(&table), name }).collect()
}

/// `"1.0"`, or a table with the version first.
fn spec(table: &BTreeMap<String, toml::Value>) -> String {
    if let (1, Some(version)) = (table.len(), table.get("version")) {
        return version.to_string();
    }
    let mut keys: Vec<&String> = table.keys().collect();
    keys.sort_by_key(|key| (*key != "version", *key));
    let parts: Vec<String> = keys.iter().map(|key| format!("{key} = {}", table[*key])).collect();
    format!("{{ {} }}", parts.join(", "))
}
