//! A layer: its `layer.toml`, and the files, slot lines and lock fragment in its folder.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::condition::Condition;
use super::database::{DatabaseForm, DatabaseRule, TableForm};
use super::file_rule::{FileRule, FileRuleForm, file_rules};
use super::manifest::Manifest;
use super::refusal::{Refusal, RefuseForm, refusals};
use super::renamed::{RenamedForm, RenamedName, renamed_names};
use super::setting::{Setting, check_setting};
use super::text::Text;
use crate::fault::{Fault, Faults, Place, did_you_mean, nearest_few};
use crate::practices;

/// `layer.toml`: what a layer is, when it is in, what it needs and what it gives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    /// What it is, in a few words.
    title: String,
    /// What it is, in a sentence.
    #[serde(default)]
    description: String,
    /// An expression over the answers: the layer is in where it holds. Left out: always.
    when: Option<Spanned<String>>,
    /// Layers that must be in as well. They are never selected in silence: without them, it is refused.
    #[serde(default)]
    requires: Vec<Spanned<String>>,
    /// Ids of the practices that it delivers.
    #[serde(default)]
    practices: Vec<Spanned<String>>,
    /// Renders the layer once for each resource (`resources`), or for each item of a question of kind `list`.
    for_each: Option<Spanned<String>>,
    /// The name that the resource or item has in its templates; `item` where not said.
    #[serde(rename = "as")]
    item_name: Option<Spanned<String>>,
    /// Packages that the service depends on, by name. Those of all layers are merged, sorted and given to
    /// templates.
    #[serde(default)]
    dependencies: BTreeMap<String, Spanned<Dependency>>,
    /// The same for its tests.
    #[serde(rename = "dev-dependencies", default)]
    dev_dependencies: BTreeMap<String, Spanned<Dependency>>,
    /// Settings of the service, each declared once, by one layer.
    #[serde(default)]
    config: Vec<Spanned<Setting>>,
    /// Where its lines stand in slots, by the name of the slot.
    #[serde(default)]
    slots: BTreeMap<Spanned<String>, SlotOrder>,
    /// What holds for its files: by path in the service, or by a glob whose `*` also matches `/`; either may hold
    /// values. Rules apply in the order of their names.
    #[serde(default)]
    files: BTreeMap<Spanned<String>, FileRuleForm>,
    /// Names in the code of its files that are others now.
    #[serde(default)]
    renamed: Vec<RenamedForm>,
    /// Answers that make no sense together.
    #[serde(default)]
    refuse: Vec<RefuseForm>,
    /// The layer is the database; no two such layers may be in together.
    database: Option<Spanned<DatabaseForm>>,
    /// Tables of the layer's own, in the grammar of resources.
    #[serde(default)]
    table: Vec<TableForm>,
    /// Commands to paste after creating, before the pack's own; one that two layers give is printed once.
    #[serde(default)]
    next: Vec<String>,
    /// Servers that run beside the service. Free tables, given to templates as `services`.
    #[serde(default)]
    service: Vec<toml::Table>,
    /// Panels of dashboards. Free tables, given to templates as `panels`.
    #[serde(default)]
    panel: Vec<toml::Table>,
    /// Rules of alerts. Free tables, given to templates as `alerts`.
    #[serde(default)]
    alert: Vec<toml::Table>,
}

/// Where the lines of a layer stand in a slot.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotOrder {
    /// Lines of a lower number come first, and 50 is that of who says nothing; ties by name of the layer.
    order: i32,
}

/// A version, or a table with one; the engine merges them and does not read them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Dependency {
    /// A version.
    Version(String),
    /// A table with one, as in Cargo.toml.
    Table(BTreeMap<String, toml::Value>),
}

/// A file of `files/` or `slots/`.
#[derive(Debug, Clone)]
pub struct LayerFile {
    /// Path in the pack, for faults and as the template's name.
    pub source: String,
    /// For `files/`: the output path (it may hold expressions). For `slots/`: the slot's name.
    pub target: String,
    /// Whether it is rendered (`.tera`) or copied.
    pub rendered: bool,
    pub content: Cow<'static, [u8]>,
}

#[derive(Debug, Clone)]
pub struct Layer {
    pub name: String,
    pub title: String,
    pub description: String,
    pub when: Option<Condition>,
    pub requires: Vec<(String, Place)>,
    pub practices: Vec<String>,
    /// The list that the layer is rendered over, and the name its items have in templates.
    pub for_each: Option<(String, String)>,
    pub dependencies: BTreeMap<String, (Dependency, Place)>,
    pub dev_dependencies: BTreeMap<String, (Dependency, Place)>,
    pub config: Vec<(Setting, Place)>,
    pub slot_order: BTreeMap<String, i32>,
    pub rules: Vec<FileRule>,
    pub renamed: Vec<RenamedName>,
    pub refusals: Vec<Refusal>,
    pub database: Option<DatabaseRule>,
    pub tables: Vec<TableForm>,
    /// `layer.toml` as it stands, for places in it.
    pub text: Text,
    /// What to do after creating, before the pack's own steps.
    pub next: Vec<String>,
    pub services: Vec<toml::Table>,
    pub panels: Vec<toml::Table>,
    pub alerts: Vec<toml::Table>,
    pub files: Vec<LayerFile>,
    pub slots: Vec<LayerFile>,
    pub fragment: Option<Text>,
    /// Whether it depends on packages, and its part of the lock file is not from whoever says so.
    pub unlocked: bool,
}

/// Where a slot line stands that says nothing of its order.
pub const DEFAULT_ORDER: i32 = 50;

impl Layer {
    /// Whether it is rendered once a resource.
    pub fn is_for_resources(&self) -> bool {
        self.for_each.as_ref().is_some_and(|(list, _)| list == super::RESOURCES)
    }

    /// Reads `layer.toml` and checks what can be checked without the other layers.
    pub fn parse(name: &str, text: &Text, manifest: &Manifest) -> Result<Self, Faults> {
        let (form, mut faults): (Form, _) = text.pack_toml().map_err(whose)?;
        let names = manifest.answer_names();
        let keys: Vec<&str> = names.iter().map(String::as_str).collect();
        let condition = |when: &Spanned<String>, faults: &mut Faults| {
            let place = text.place(when.span().start);
            Condition::parse(when.get_ref(), place, &keys).map_err(|fault| faults.push(fault)).ok()
        };

        let when = form.when.and_then(|when| condition(&when, &mut faults));
        let refusals = refusals(form.refuse, &names, text, &mut faults);
        let rules = file_rules(form.files, &keys, text, &manifest.delimiters, &mut faults);
        let renamed = renamed_names(form.renamed, text, &manifest.delimiters, &mut faults);
        for id in &form.practices {
            if practices::find(id.get_ref()).is_none() {
                let near = did_you_mean(id.get_ref(), practices::all().iter().map(|practice| practice.id.as_str()));
                faults.push(Fault::at(text.place(id.span().start), format!("no practice \"{}\"{near}", id.get_ref())));
            }
        }
        for slot in form.slots.keys() {
            check_slot(slot.get_ref(), text.place(slot.span().start), manifest, &mut faults);
        }
        let config: Vec<(Setting, Place)> = form
            .config
            .into_iter()
            .map(|setting| (text.place(setting.span().start), setting.into_inner()))
            .map(|(place, setting)| (setting, place))
            .collect();
        for (setting, place) in &config {
            check_setting(setting, place, manifest, &mut faults);
        }
        let for_each = loop_of(form.for_each, form.item_name, manifest, text, &mut faults);
        let placed = |map: BTreeMap<String, Spanned<Dependency>>| {
            map.into_iter()
                .map(|(name, value)| (name, (value.get_ref().clone(), text.place(value.span().start))))
                .collect()
        };
        faults.or(Self {
            name: name.to_owned(),
            title: form.title,
            description: form.description,
            when,
            requires: form
                .requires
                .into_iter()
                .map(|layer| (layer.get_ref().clone(), text.place(layer.span().start)))
                .collect(),
            practices: form.practices.into_iter().map(Spanned::into_inner).collect(),
            for_each,
            dependencies: placed(form.dependencies),
            dev_dependencies: placed(form.dev_dependencies),
            config,
            slot_order: form.slots.into_iter().map(|(slot, order)| (slot.into_inner(), order.order)).collect(),
            rules,
            renamed,
            refusals,
            database: form.database.map(|rule| DatabaseRule::new(rule, text)),
            tables: form.table,
            text: text.clone(),
            next: form.next,
            services: form.service,
            panels: form.panel,
            alerts: form.alert,
            files: Vec::new(),
            slots: Vec::new(),
            fragment: None,
            unlocked: false,
        })
    }

    /// Takes in a file of the layer's folder. `path` is relative to it, `source` to the pack;
    /// `shown` is how faults name it.
    pub fn take(
        &mut self,
        path: &str,
        source: &str,
        shown: &str,
        content: Cow<'static, [u8]>,
        manifest: &Manifest,
    ) -> Result<(), Fault> {
        let (stem, rendered) = path.strip_suffix(".tera").map_or((path, false), |stem| (stem, true));
        let file = |target: &str, content| LayerFile {
            source: source.to_owned(),
            target: target.to_owned(),
            rendered,
            content,
        };
        if let Some(target) = stem.strip_prefix("files/") {
            self.files.push(file(target, content));
        } else if let Some(slot) = stem.strip_prefix("slots/") {
            let slot = slot.split_once('.').map_or(slot, |(slot, _)| slot);
            let mut faults = Faults::default();
            check_slot(slot, Place::new(shown, 1, 1), manifest, &mut faults);
            if let Some(fault) = faults.0.pop() {
                return Err(fault);
            }
            self.slots.push(file(slot, content));
        } else if manifest.lock.as_ref().is_some_and(|lock| path == format!("{}.fragment", lock.path)) {
            self.fragment = Some(Text::from_utf8(shown, content)?);
        } else if path != "layer.toml" {
            return Err(Fault::at(Place::new(shown, 1, 1), "a layer has no place for this file")
                .help("files that it owns are under files/, lines for others under slots/"));
        }
        Ok(())
    }
}

/// `for_each` and `as`: the list, and the name of its items.
fn loop_of(
    list: Option<Spanned<String>>,
    item: Option<Spanned<String>>,
    manifest: &Manifest,
    text: &Text,
    faults: &mut Faults,
) -> Option<(String, String)> {
    let Some(list) = list else {
        if let Some(item) = item {
            let place = text.place(item.span().start);
            faults.push(Fault::at(place, "`as` names an item, and without `for_each` there is none"));
        }
        return None;
    };
    let asked = manifest.question(list.get_ref()).is_some_and(|question| question.kind == super::Kind::List);
    if !asked && list.get_ref() != super::RESOURCES {
        let fault = Fault::at(text.place(list.span().start), format!("`for_each`: no list \"{}\"", list.get_ref()));
        faults.push(fault.help("it names a question of kind \"list\", or \"resources\""));
        return None;
    }
    Some((list.into_inner(), item.map_or_else(|| "item".to_owned(), Spanned::into_inner)))
}

/// Where a key of `pack.toml` stands in a `layer.toml`, says so.
fn whose(mut faults: Faults) -> Faults {
    const OF_THE_PACK: [&str; 6] = ["question", "presets", "slots", "lock", "format", "check"];
    for fault in &mut faults.0 {
        let key = fault.message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        if key.is_some_and(|key| OF_THE_PACK.contains(&key)) {
            fault.help =
                Some("it stands in pack.toml; the layer reads the answers, and is in `when` they say so".into());
        }
    }
    faults
}

/// Names that a message holds without being a list.
const FEW: usize = 6;

const CATALOG: &str = "`new-service catalog` lists them";

fn check_slot(slot: &str, place: Place, manifest: &Manifest, faults: &mut Faults) {
    if !manifest.slots.contains_key(slot) {
        let known = || manifest.slots.keys().map(String::as_str);
        let near = did_you_mean(slot, known());
        let help = match nearest_few(slot, FEW, known()) {
            all if all.len() == manifest.slots.len() => format!("pack.toml declares: {}", all.join(", ")),
            _ if !near.is_empty() => format!("pack.toml declares {}; {CATALOG}", manifest.slots.len()),
            few => format!("of {} in pack.toml, the nearest: {}; {CATALOG}", manifest.slots.len(), few.join(", ")),
        };
        faults.push(Fault::at(place, format!("no slot \"{slot}\"{near}")).help(help));
    }
}
