//! Single values of a TOML file, changed in place.

use toml_edit::{Item, TableLike, Value};

/// Sets a key that is there or not; one that says the same already stays as it is written.
pub(super) fn set(table: &mut dyn TableLike, key: &str, new: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(there) => replace(there, new),
        None => drop(table.insert(key, Item::Value(new))),
    }
}

pub(super) fn replace(there: &mut Value, new: Value) {
    if said(there) != said(&new) {
        let decor = there.decor().clone();
        *there = new;
        *there.decor_mut() = decor;
    }
}

/// The value without spaces and comments.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", text.value()),
        other => {
            let mut plain = other.clone();
            plain.decor_mut().clear();
            plain.to_string().trim().to_owned()
        }
    }
}
