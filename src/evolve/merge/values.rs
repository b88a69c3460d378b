//! Values of TOML that both sides changed.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::Value;

/// A value without comments and spaces, and without an order of keys.
pub fn plain(value: &Value) -> toml::Value {
    match value {
        Value::Array(array) => toml::Value::Array(array.iter().map(plain).collect()),
        Value::InlineTable(table) => {
            toml::Value::Table(table.iter().map(|(key, value)| (key.to_owned(), plain(value))).collect())
        }
        scalar => {
            let mut scalar = scalar.clone();
            scalar.decor_mut().clear();
            let text = format!("x = {}", scalar.to_string().trim());
            let read = text.parse::<toml::Table>().ok().and_then(|mut table| table.remove("x"));
            read.unwrap_or(toml::Value::String(text))
        }
    }
}

/// Values that both sides changed: lists and inline tables are merged by what is in them.
pub fn merge_values(base: &Value, ours: &Value, theirs: &Value) -> Option<Value> {
    if plain(ours) == plain(base) || plain(ours) == plain(theirs) {
        return Some(theirs.clone());
    }
    if plain(theirs) == plain(base) {
        return Some(ours.clone());
    }
    match (base, ours, theirs) {
        (Value::Array(base), Value::Array(ours), Value::Array(theirs)) => {
            merge_arrays(base, ours, theirs).map(Value::Array)
        }
        (Value::InlineTable(base), Value::InlineTable(ours), Value::InlineTable(theirs)) => {
            let mut merged = ours.clone();
            let keys: BTreeSet<&str> = base.iter().chain(theirs.iter()).map(|(key, _)| key).collect();
            for key in keys {
                let value = match (base.get(key), ours.get(key), theirs.get(key)) {
                    (Some(base), Some(ours), Some(theirs)) => Some(merge_values(base, ours, theirs)?),
                    (None, None, theirs) => theirs.cloned(),
                    (None, ours, None) => ours.cloned(),
                    (None, Some(ours), Some(theirs)) if plain(ours) == plain(theirs) => Some(ours.clone()),
                    (Some(base), Some(side), None) | (Some(base), None, Some(side)) if plain(base) == plain(side) => {
                        None
                    }
                    (Some(_), None, None) => None,
                    _ => return None,
                };
                match value {
                    Some(value) => drop(merged.insert(key, value)),
                    None => drop(merged.remove(key)),
                }
            }
            merged.fmt();
            Some(Value::InlineTable(merged))
        }
        _ => None,
    }
}

/// Lists as sets: what the template added joins after what it follows there, what it took away goes.
fn merge_arrays(
    base: &toml_edit::Array,
    ours: &toml_edit::Array,
    theirs: &toml_edit::Array,
) -> Option<toml_edit::Array> {
    let texts = |array: &toml_edit::Array| array.iter().map(|value| plain(value).to_string()).collect::<Vec<_>>();
    let (base_texts, our_texts, their_texts) = (texts(base), texts(ours), texts(theirs));
    for list in [&base_texts, &our_texts, &their_texts] {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in list {
            *counts.entry(text).or_default() += 1;
        }
        if counts.values().any(|count| *count > 1) {
            return None;
        }
    }
    let mut merged = ours.clone();
    let mut order = our_texts.clone();
    for gone in base_texts.iter().filter(|text| !their_texts.contains(text)) {
        if let Some(at) = order.iter().position(|text| text == gone) {
            order.remove(at);
            merged.remove(at);
        }
    }
    for (at, text) in their_texts.iter().enumerate() {
        if base_texts.contains(text) || order.contains(text) {
            continue;
        }
        let before = their_texts[..at].iter().rev().find_map(|text| order.iter().position(|other| other == text));
        let to = before.map_or(0, |before| before + 1);
        let mut value = theirs.get(at)?.clone();
        // As its neighbour stands: on the line, or on one of its own.
        match merged.get(to.min(merged.len().saturating_sub(1))) {
            Some(neighbour) if to > 0 || merged.len() > 1 => *value.decor_mut() = neighbour.decor().clone(),
            _ => {}
        }
        order.insert(to, text.clone());
        merged.insert_formatted(to, value);
    }
    tidy(&mut merged);
    Some(merged)
}

/// Spaces after the commas of a list that stands on one line.
fn tidy(array: &mut toml_edit::Array) {
    let spread = array.to_string().contains('\n');
    if !spread {
        array.fmt();
    }
}
