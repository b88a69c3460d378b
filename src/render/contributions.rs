//! What layers contribute as data, as templates see it: `contributions.KIND`, a list of tables.

use std::collections::BTreeMap;

use tera::{Context, Delimiters};
use toml::Value;

use super::rendering::{Work, names};
use crate::fault::{Fault, Faults, Place};
use crate::pack::{Contribution, LAYER, NAME, Order, Pack};
use crate::template::render_text;

/// One contribution with the values in it.
struct Contributed<'a> {
    from: &'a Contribution,
    layer: &'a str,
    values: toml::Table,
}

impl Contributed<'_> {
    fn name(&self) -> &str {
        self.values.get(NAME).and_then(Value::as_str).unwrap_or_default()
    }

    fn needs(&self) -> impl Iterator<Item = &str> {
        let needs = self.values.get("needs").and_then(Value::as_array);
        needs.into_iter().flatten().filter_map(Value::as_str)
    }
}

/// All contributions of the layers that are in, by kind, each list in its order. Kinds that nobody contributes to are
/// empty lists. All faults at once.
pub fn gather(pack: &Pack, works: &[Work]) -> Result<BTreeMap<String, Vec<toml::Table>>, Faults> {
    let mut faults = Faults::default();
    let delimiters = &pack.manifest.delimiters;
    let is_in = |name: &str| works.iter().any(|work| work.layer.name == name);
    let mut items: BTreeMap<&str, Vec<Contributed>> = BTreeMap::new();
    for (work, from) in works.iter().flat_map(|work| work.layer.contributions.iter().map(move |from| (work, from))) {
        if !from.with.iter().all(|(name, _)| is_in(name)) {
            continue;
        }
        for contexts in work.contexts(|item| from.texts().iter().any(|(text, _)| names(delimiters, text, item))) {
            let holds = from.when.as_ref().map_or(Ok(true), |when| when.holds(&contexts.now));
            let made = holds.and_then(|holds| holds.then(|| drawn(from, delimiters, &contexts.now)).transpose());
            match made {
                Ok(None) => {}
                Ok(Some(values)) => {
                    items.entry(&from.kind).or_default().push(Contributed { from, layer: &work.layer.name, values });
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
    let mut all = BTreeMap::new();
    for (kind, rules) in &pack.manifest.kinds {
        let mut items = items.remove(kind.as_str()).unwrap_or_default();
        duplicates(&items, &mut faults);
        match rules.order {
            Order::Layer => {}
            Order::Name => items.sort_by(|one, other| one.name().cmp(other.name())),
            Order::Needs => match after_needs(items) {
                Ok(ordered) => items = ordered,
                Err(fault) => {
                    faults.push(fault);
                    continue;
                }
            },
        }
        let table = |item: Contributed| {
            let mut values = item.values;
            values.insert(LAYER.to_owned(), item.layer.into());
            values
        };
        all.insert(kind.clone(), items.into_iter().map(table).collect());
    }
    faults.or(all)
}

/// The values of a contribution, with the values in its texts.
fn drawn(from: &Contribution, delimiters: &Delimiters, context: &Context) -> Result<toml::Table, Fault> {
    fn draw(value: &mut Value, render: &dyn Fn(&str) -> Result<String, String>) -> Result<(), String> {
        match value {
            Value::String(text) => *text = render(text)?,
            Value::Array(items) => items.iter_mut().try_for_each(|item| draw(item, render))?,
            Value::Table(table) => table.iter_mut().try_for_each(|(_, item)| draw(item, render))?,
            _ => {}
        }
        Ok(())
    }
    let mut values = from.values.clone();
    for (key, value) in &mut values {
        draw(value, &|text| render_text(delimiters, text, context))
            .map_err(|why| Fault::at(from.place_of(key).clone(), format!("`{key}` of [[{}]]: {why}", from.kind)))?;
    }
    Ok(values)
}

/// Two of one name are a fault.
fn duplicates(items: &[Contributed], faults: &mut Faults) {
    let mut seen: BTreeMap<&str, &Contributed> = BTreeMap::new();
    for item in items.iter().filter(|item| !item.name().is_empty()) {
        if let Some(first) = seen.insert(item.name(), item) {
            let message = format!("[[{}]] \"{}\" is already in layer \"{}\"", item.from.kind, item.name(), first.layer);
            let help = "a name is given once; with `when` or `with`, the answers choose between two";
            faults.push(Fault::at(place(item, NAME), message).help(help));
        }
    }
}

fn place(item: &Contributed, key: &str) -> Place {
    item.from.place_of(key).clone()
}

/// Each after those that it needs: the first, again and again, of which all needs are met, so that a new one moves no
/// other.
fn after_needs(mut waiting: Vec<Contributed>) -> Result<Vec<Contributed>, Fault> {
    for item in &waiting {
        if let Some(need) = item.needs().find(|need| waiting.iter().all(|other| other.name() != *need)) {
            let message =
                format!("[[{}]] \"{}\" needs \"{need}\", which these answers leave out", item.from.kind, item.name());
            let help = "say so by `when` or `with`, or let the layer require the one that brings it";
            return Err(Fault::at(place(item, "needs"), message).help(help));
        }
    }
    let mut ordered: Vec<Contributed> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let met = |item: &Contributed| item.needs().all(|need| ordered.iter().any(|other| other.name() == need));
        let Some(next) = waiting.iter().position(met) else {
            let names: Vec<&str> = waiting.iter().map(Contributed::name).collect();
            let message = format!("[[{}]]: each of these needs another: {}", waiting[0].from.kind, names.join(", "));
            return Err(Fault::at(place(&waiting[0], "needs"), message));
        };
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}
