//! A layer: its `layer.toml`, and the files, slot lines, parts of documents and part of the lock file in its folder.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use super::condition::Condition;
use super::contribution::{self, Contribution};
use super::database::{DatabaseForm, DatabaseRule, TableForm};
use super::file_rule::{FileRule, FileRuleForm, file_rules};
use super::manifest::{Manifest, ResourceRules};
use super::practice::{Claim, PracticeForm, claims};
use super::refusal::{Refusal, RefuseForm, refusals};
use super::renamed::{RenamedForm, RenamedName, renamed_names};
use super::setting::{Setting, check_setting};
use super::slot::{self, Slot, SlotForm};
use super::step::{NextStep, StepForm, steps};
use super::text::Text;
use crate::fault::{Fault, Faults, Place, nearest};

/// `layer.toml`: what a layer is, when it is in, what it needs and what it gives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerForm {
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
    /// Practices that it delivers, each with what proves it.
    #[serde(default)]
    practice: Vec<PracticeForm>,
    /// Renders what reads the item once for each resource (`resources`), or for each item of a question of kind
    /// `list`.
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
    /// Places in its files where other layers add lines.
    #[serde(default)]
    slot: Vec<SlotForm>,
    /// Where its lines stand in slots, by the full name of the slot: `LAYER/NAME`.
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
    /// Steps after creating, before the pack's own; one that two layers give stands once.
    #[serde(default)]
    next: Vec<Spanned<StepForm>>,
    /// Servers that run beside the service. Free tables, given to templates as `services`.
    #[serde(default)]
    service: Vec<toml::Table>,
    /// Names that no service may have.
    #[serde(rename = "name-rules", default)]
    name_rules: LayerNames,
    /// What the layer needs itself, and so no resource may be called.
    #[serde(default)]
    resources: ResourceRules,
}

/// The keys of [`Form`]: no kind of contributions can be called so.
pub(super) const KEYS: [&str; 21] = [
    "as",
    "config",
    "database",
    "dependencies",
    "description",
    "dev-dependencies",
    "files",
    "for_each",
    "name-rules",
    "next",
    "practice",
    "refuse",
    "renamed",
    "requires",
    "resources",
    "service",
    "slot",
    "slots",
    "table",
    "title",
    "when",
];

/// What no service may be called because of the layer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerNames {
    /// Names that are refused, with `reserved_help` of pack.toml.
    #[serde(default)]
    reserved: Vec<String>,
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

impl Dependency {
    /// The package that it is, under whichever name the service knows it.
    fn package<'a>(&'a self, name: &'a str) -> &'a str {
        match self {
            Self::Version(_) => name,
            Self::Table(table) => table.get("package").and_then(toml::Value::as_str).unwrap_or(name),
        }
    }
}

/// A file of `files/`, `slots/` or `merge/`.
#[derive(Debug, Clone)]
pub struct LayerFile {
    /// Path in the pack, for faults and as the template's name.
    pub source: String,
    /// For `files/`: the output path (it may hold expressions). For `slots/`: the slot's full name. For `merge/`: the
    /// output path of the document.
    pub target: String,
    /// Whether it is rendered (`.tera`) or copied.
    pub rendered: bool,
    pub content: Cow<'static, [u8]>,
}

#[derive(Debug, Clone)]
pub struct Layer {
    pub name: String,
    /// Its folder in the pack: `layers/GROUP/NAME`.
    pub folder: String,
    pub title: String,
    pub description: String,
    pub when: Option<Condition>,
    pub requires: Vec<(String, Place)>,
    pub claims: Vec<Claim>,
    /// The list whose items its templates see in turn, and the name of an item there.
    pub for_each: Option<(String, String)>,
    pub dependencies: BTreeMap<String, (Dependency, Place)>,
    pub dev_dependencies: BTreeMap<String, (Dependency, Place)>,
    pub config: Vec<(Setting, Place)>,
    /// The slots in its files, by name in the layer.
    pub own_slots: BTreeMap<String, Slot>,
    /// Where its lines stand in slots of others, and where it says so.
    pub slot_order: BTreeMap<String, (i32, Place)>,
    pub contributions: Vec<Contribution>,
    pub reserved_names: Vec<String>,
    pub resources: ResourceRules,
    pub rules: Vec<FileRule>,
    pub renamed: Vec<RenamedName>,
    pub refusals: Vec<Refusal>,
    pub database: Option<DatabaseRule>,
    pub tables: Vec<TableForm>,
    /// `layer.toml` as it stands, for places in it.
    pub text: Text,
    /// What to do after creating, before the pack's own steps.
    pub next: Vec<NextStep>,
    pub services: Vec<toml::Table>,
    pub files: Vec<LayerFile>,
    pub slots: Vec<LayerFile>,
    /// Parts of documents, which are united with the files of their paths.
    pub parts: Vec<LayerFile>,
    /// What it adds to the lock file, of packages in the pack's superset.
    pub delta: Option<Text>,
    /// The same as a lock file of its own, which needs no superset.
    pub fragment: Option<Text>,
    /// Whether it depends on packages, and its part of the lock file is not from whoever says so.
    pub unlocked: bool,
}

/// Where a slot line stands that says nothing of its order.
pub const DEFAULT_ORDER: i32 = 50;

impl Layer {
    /// What it writes, and what it adds to files of others.
    pub fn all_files(&self) -> impl Iterator<Item = &LayerFile> {
        self.files.iter().chain(&self.slots).chain(&self.parts)
    }

    /// Whether something of it is rendered once a resource.
    pub fn is_for_resources(&self) -> bool {
        self.for_each.as_ref().is_some_and(|(list, _)| list == super::RESOURCES)
    }

    /// What it depends on, to run and to be tested: packages by name, and where it says so.
    pub fn packages(&self) -> impl Iterator<Item = (&str, &Place)> {
        let all = self.dependencies.iter().chain(&self.dev_dependencies);
        all.map(|(name, (dependency, place))| (dependency.package(name), place))
    }

    /// IDs of the practices that it claims, whatever the answers.
    pub fn practices(&self) -> BTreeSet<&str> {
        self.claims.iter().map(|claim| claim.id.as_str()).collect()
    }

    /// Reads `layer.toml` and checks what can be checked without the other layers.
    pub fn parse(folder: &str, text: &Text, manifest: &Manifest) -> Result<Self, Faults> {
        let names = manifest.answer_names();
        let keys: Vec<&str> = names.iter().map(String::as_str).collect();
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let take =
            |table: &mut DeTable, faults: &mut Faults| contribution::take(table, &manifest.kinds, &keys, text, faults);
        let read = text.pack_toml_without(take).map_err(|faults| whose(faults, manifest));
        let (form, contributions, mut faults): (LayerForm, _, _) = read?;
        let condition = |when: &Spanned<String>, faults: &mut Faults| {
            let place = text.place(when.span().start);
            Condition::parse(when.get_ref(), place, &keys).map_err(|fault| faults.push(fault)).ok()
        };

        let when = form.when.and_then(|when| condition(&when, &mut faults));
        let refusals = refusals(form.refuse, &names, text, &mut faults);
        let rules = file_rules(form.files, &keys, text, &manifest.delimiters, &mut faults);
        let renamed = renamed_names(form.renamed, text, &manifest.delimiters, &mut faults);
        let claims = claims(form.practice, &keys, text, &mut faults);
        let own_slots = slot::slots(form.slot, name, text, &mut faults);
        let next = steps(form.next, &names, text, &mut faults);
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
        let order = |(slot, order): (Spanned<String>, SlotOrder)| {
            let place = text.place(slot.span().start);
            (slot.into_inner(), (order.order, place))
        };
        faults.or(Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            title: form.title,
            description: form.description,
            when,
            requires: form
                .requires
                .into_iter()
                .map(|layer| (layer.get_ref().clone(), text.place(layer.span().start)))
                .collect(),
            claims,
            for_each,
            dependencies: placed(form.dependencies),
            dev_dependencies: placed(form.dev_dependencies),
            config,
            own_slots,
            slot_order: form.slots.into_iter().map(order).collect(),
            contributions,
            reserved_names: form.name_rules.reserved,
            resources: form.resources,
            rules,
            renamed,
            refusals,
            database: form.database.map(|rule| DatabaseRule::new(rule, text)),
            tables: form.table,
            text: text.clone(),
            next,
            services: form.service,
            files: Vec::new(),
            slots: Vec::new(),
            delta: None,
            parts: Vec::new(),
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
            // The name of a slot has no dot; what stands before it is the layer's.
            let end = slot.rfind('/').map_or(0, |at| at + 1);
            let end = slot[end..].find('.').map_or(slot.len(), |at| end + at);
            self.slots.push(file(&slot[..end], content));
        } else if let Some(target) = stem.strip_prefix("merge/") {
            self.parts.push(file(target, content));
        } else if manifest.lock.as_ref().is_some_and(|lock| path == lock.delta()) {
            self.delta = Some(Text::from_utf8(shown, content)?);
        } else if manifest.lock.as_ref().is_some_and(|lock| path == lock.fragment()) {
            self.fragment = Some(Text::from_utf8(shown, content)?);
        } else if path != "layer.toml" {
            return Err(Fault::at(Place::new(shown, 1, 1), "a layer has no place for this file").help(
                "files that it owns are under files/, lines for others under slots/, parts of documents under merge/",
            ));
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

/// Where a key of `pack.toml` stands in a `layer.toml`, says so; of another, names the nearest.
fn whose(mut faults: Faults, manifest: &Manifest) -> Faults {
    const OF_THE_PACK: [&str; 7] = ["question", "presets", "contribution", "lock", "format", "check", "env"];
    for fault in &mut faults.0 {
        let key = fault.message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let Some(key) = key.map(str::to_owned) else { continue };
        if key == "practices" {
            fault.help = Some("a claim names its evidence: [[practice]] with `id` and `evidence`".into());
        }
        if OF_THE_PACK.contains(&key.as_str()) {
            fault.help =
                Some("it stands in pack.toml; the layer reads the answers, and is in `when` they say so".into());
        } else if let Some(near) = nearest(&key, manifest.kinds.keys().map(String::as_str)) {
            fault.help = Some(format!("did you mean [[{near}]], which pack.toml declares under [contribution]?"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What serde says of a key that it does not know names those that it does.
    #[test]
    fn the_keys_are_those_of_the_form() {
        let error = toml::from_str::<LayerForm>("title = 'x'\nnope = 1\n").unwrap_err().message().to_owned();
        let (_, list) = error.split_once("expected one of ").unwrap();
        let mut keys: Vec<&str> = list.split(", ").map(|key| key.trim_matches('`')).collect();
        keys.sort_unstable();
        assert_eq!(keys, KEYS);
    }
}
