//! Contributions: what layers declare as data and the templates of the pack render. The pack declares their kinds;
//! the engine checks and orders them, and knows none of them.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Pack;
use super::condition::Condition;
use super::text::Text;
use crate::fault::{Fault, Faults, Place, did_you_mean};

/// A kind of contributions: layers declare each as `[[KIND]]`, templates see the list as `contributions.KIND`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindForm {
    /// What one of them is, for who writes a layer.
    purpose: String,
    /// The order in which templates see them.
    #[serde(default)]
    order: Order,
    /// The keys of one, by name. `when` and `with` are keys of each: the answers, and the other layers, that it needs.
    fields: BTreeMap<Spanned<String>, FieldForm>,
}

/// A key of a contribution.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldForm {
    /// What its value is.
    #[serde(rename = "type")]
    kind: FieldType,
    /// Whether it must be given.
    #[serde(default)]
    required: bool,
    /// What a text may be; any where the list is left out.
    #[serde(default)]
    choices: Vec<String>,
}

/// The order in which templates see contributions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The order of the layers, then the one in `layer.toml`.
    #[default]
    Layer,
    /// By the field `name`.
    Name,
    /// Each after those that its field `needs` names; otherwise as `layer`.
    Needs,
}

/// What the value of a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// A text; it may hold values.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// A list of texts, which may hold values.
    List,
    /// A table with any keys.
    Table,
}

impl FieldType {
    fn word(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Bool => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::List => "a list of texts",
            Self::Table => "a table",
        }
    }

    fn fits(self, value: &DeValue) -> bool {
        match self {
            Self::Text => matches!(value, DeValue::String(_)),
            Self::Bool => matches!(value, DeValue::Boolean(_)),
            Self::Integer => matches!(value, DeValue::Integer(_)),
            Self::Number => matches!(value, DeValue::Integer(_) | DeValue::Float(_)),
            Self::List => {
                matches!(value, DeValue::Array(items) if items.iter().all(|item| matches!(item.get_ref(), DeValue::String(_))))
            }
            Self::Table => matches!(value, DeValue::Table(_)),
        }
    }
}

/// `[contribution.KIND]`, checked.
#[derive(Debug, Clone)]
pub struct ContributionKind {
    pub purpose: String,
    pub order: Order,
    pub fields: BTreeMap<String, KindField>,
    pub place: Place,
}

/// A key of a contribution.
#[derive(Debug, Clone)]
pub struct KindField {
    kind: FieldType,
    required: bool,
    choices: Vec<String>,
    pub place: Place,
}

/// One contribution of a layer.
#[derive(Debug, Clone)]
pub struct Contribution {
    pub kind: String,
    /// The answers that it is in for.
    pub when: Option<Condition>,
    /// The layers that must be in.
    pub with: Vec<(String, Place)>,
    pub values: toml::Table,
    /// Where each value stands, by its key.
    places: BTreeMap<String, Place>,
    pub place: Place,
}

impl Contribution {
    /// Its name, of a kind that has names.
    pub fn name(&self) -> Option<&str> {
        self.values.get(NAME)?.as_str()
    }

    /// Where the value of a key stands.
    pub fn place_of(&self, key: &str) -> &Place {
        self.places.get(key).unwrap_or(&self.place)
    }

    /// Its texts, which may hold values.
    pub fn texts(&self) -> Vec<(String, Place)> {
        fn texts_in(value: &toml::Value, found: &mut Vec<String>) {
            match value {
                toml::Value::String(text) => found.push(text.clone()),
                toml::Value::Array(items) => items.iter().for_each(|item| texts_in(item, found)),
                toml::Value::Table(table) => table.values().for_each(|item| texts_in(item, found)),
                _ => {}
            }
        }
        let mut all = Vec::new();
        for (key, value) in &self.values {
            let mut found = Vec::new();
            texts_in(value, &mut found);
            all.extend(found.into_iter().map(|text| (text, self.place_of(key).clone())));
        }
        all
    }

    /// The names under `needs`.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let needs = self.values.get(NEEDS).and_then(toml::Value::as_array);
        needs.into_iter().flatten().filter_map(toml::Value::as_str)
    }
}

pub const NAME: &str = "name";
pub const NEEDS: &str = "needs";
const WHEN: &str = "when";
const WITH: &str = "with";

/// What templates see of each beside its fields.
pub const LAYER: &str = "layer";

/// The kinds of a `pack.toml`; `taken` are the keys that `layer.toml` has itself.
pub(super) fn kinds(
    forms: BTreeMap<Spanned<String>, KindForm>,
    taken: &[&str],
    text: &Text,
    faults: &mut Faults,
) -> BTreeMap<String, ContributionKind> {
    let mut kinds = BTreeMap::new();
    for (kind, KindForm { purpose, order, fields }) in forms {
        let place = text.place(kind.span().start);
        let kind = kind.into_inner();
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        if !is_name(&kind) {
            let message = format!("\"{kind}\" cannot name contributions: lowercase letters, digits and _ can");
            faults.push(Fault::at(place.clone(), message).help("templates see them as contributions.NAME"));
        } else if taken.contains(&kind.as_str()) {
            let message = format!("contributions cannot be called \"{kind}\": it is a key of every layer.toml");
            faults.push(Fault::at(place.clone(), message));
        }
        let mut read = BTreeMap::new();
        for (field, form) in fields {
            let place = text.place(field.span().start);
            let field = field.into_inner();
            if !is_name(&field) || [WHEN, WITH, LAYER].contains(&field.as_str()) {
                let message = format!("\"{field}\" cannot be a field: {WHEN}, {WITH} and {LAYER} are of every kind");
                faults.push(Fault::at(place.clone(), message).help("lowercase letters, digits and _"));
            }
            if !form.choices.is_empty() && form.kind != FieldType::Text {
                faults.push(Fault::at(place.clone(), format!("\"{field}\": `choices` belong to type = \"text\"")));
            }
            read.insert(field, KindField { kind: form.kind, required: form.required, choices: form.choices, place });
        }
        let typed = |name: &str, kind| read.get(name).is_some_and(|field: &KindField| field.kind == kind);
        if order != Order::Layer && !(typed(NAME, FieldType::Text) && read[NAME].required) {
            faults.push(Fault::at(place.clone(), "this order needs the field `name`, a required text"));
        }
        if order == Order::Needs && !typed(NEEDS, FieldType::List) {
            faults.push(Fault::at(place.clone(), "this order needs the field `needs`, a list"));
        }
        kinds.insert(kind, ContributionKind { purpose, order, fields: read, place });
    }
    kinds
}

/// Takes the contributions out of a `layer.toml`, each checked against its kind; the rest of the table are the keys
/// of every layer.
pub(super) fn take(
    table: &mut DeTable,
    kinds: &BTreeMap<String, ContributionKind>,
    known: &[&str],
    text: &Text,
    faults: &mut Faults,
) -> Vec<Contribution> {
    let mut all = Vec::new();
    for (kind, rules) in kinds {
        let Some((key, value)) = table.remove_entry(kind.as_str()) else { continue };
        let DeValue::Array(items) = value.into_inner() else {
            let fault = Fault::at(text.place(key.span().start), format!("\"{kind}\" is a list of tables"));
            faults.push(fault.help(format!("write [[{kind}]] for each")));
            continue;
        };
        for item in items {
            let place = text.place(item.span().start);
            match item.into_inner() {
                DeValue::Table(item) => {
                    all.push((place.line, contribution(kind, rules, item, place, known, text, faults)));
                }
                _ => faults.push(Fault::at(place, format!("an item of \"{kind}\" is a table"))),
            }
        }
    }
    all.sort_by_key(|(line, _)| *line);
    all.into_iter().map(|(_, contribution)| contribution).collect()
}

fn contribution(
    kind: &str,
    rules: &ContributionKind,
    mut table: DeTable,
    place: Place,
    known: &[&str],
    text: &Text,
    faults: &mut Faults,
) -> Contribution {
    let mut made = Contribution {
        kind: kind.to_owned(),
        when: None,
        with: Vec::new(),
        values: toml::Table::new(),
        places: BTreeMap::new(),
        place,
    };
    if let Some(when) = table.remove(WHEN) {
        let at = text.place(when.span().start);
        match when.get_ref() {
            DeValue::String(expression) => match Condition::parse(expression, at, known) {
                Ok(when) => made.when = Some(when),
                Err(fault) => faults.push(fault),
            },
            _ => faults.push(Fault::at(at, "`when` is a text: an expression over the answers")),
        }
    }
    if let Some(with) = table.remove(WITH) {
        let at = text.place(with.span().start);
        match with.get_ref() {
            DeValue::Array(layers) if FieldType::List.fits(with.get_ref()) => {
                let layer = |layer: &Spanned<DeValue>| {
                    Some((layer.get_ref().as_str()?.to_owned(), text.place(layer.span().start)))
                };
                made.with = layers.iter().filter_map(layer).collect();
            }
            _ => faults.push(Fault::at(at, "`with` is a list of names of layers")),
        }
    }
    for (key, value) in table {
        let (at, value_at) = (text.place(key.span().start), text.place(value.span().start));
        let key = key.into_inner().into_owned();
        let Some(field) = rules.fields.get(&key) else {
            let fields = || rules.fields.keys().map(String::as_str).chain([WHEN, WITH]);
            let message = format!("[[{kind}]] has no field `{key}`{}", did_you_mean(&key, fields()));
            faults
                .push(Fault::at(at, message).help(format!("its fields: {}", fields().collect::<Vec<_>>().join(", "))));
            continue;
        };
        made.places.insert(key.clone(), value_at.clone());
        if !field.kind.fits(value.get_ref()) {
            faults.push(Fault::at(value_at, format!("`{key}` of [[{kind}]] is {}", field.kind.word())));
            continue;
        }
        if let (Some(given), false) = (value.get_ref().as_str(), field.choices.is_empty())
            && !field.choices.iter().any(|choice| choice == given)
        {
            let near = did_you_mean(given, field.choices.iter().map(String::as_str));
            let message = format!("`{key}` of [[{kind}]] cannot be \"{given}\"{near}");
            faults.push(Fault::at(value_at, message).help(format!("one of: {}", field.choices.join(", "))));
            continue;
        }
        match toml::Value::deserialize(toml::de::ValueDeserializer::from(value)) {
            Ok(value) => drop(made.values.insert(key, value)),
            Err(error) => faults.push(Fault::at(at, error.message().to_owned())),
        }
    }
    for (name, field) in rules.fields.iter().filter(|(name, field)| field.required && !made.places.contains_key(*name))
    {
        faults.push(Fault::at(made.place.clone(), format!("[[{kind}]] needs `{name}`, {}", field.kind.word())));
    }
    made
}

/// That what contributions need of each other is there, in some layer. What a layer that the pack does not have would
/// bring is not missed: its folder may be deleted.
pub(super) fn check(pack: &Pack, faults: &mut Faults) {
    let ordered = pack.manifest.kinds.iter().filter(|(_, rules)| rules.order == Order::Needs);
    for (kind, _) in ordered {
        let of_kind = || {
            let all = pack.layers.iter().flat_map(|layer| &layer.contributions);
            all.filter(|contribution| contribution.kind == *kind)
        };
        for contribution in of_kind().filter(|one| one.with.iter().all(|(layer, _)| pack.layer(layer).is_some())) {
            for need in contribution.needs() {
                let names = || of_kind().filter_map(Contribution::name);
                if !names().any(|name| name == need) && !need.contains(&*pack.manifest.delimiters.variable_start) {
                    let near = did_you_mean(need, names());
                    let message = format!("`needs`: there is no [[{kind}]] \"{need}\"{near}");
                    faults.push(Fault::at(contribution.place_of(NEEDS).clone(), message));
                }
            }
        }
    }
}
