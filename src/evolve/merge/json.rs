//! Merging JSON by key: two routes added to one `openapi.json` are no conflict.
//!
//! Only for texts in the form that [`written`] gives, two spaces a level, as the template writes them:
//! of any other form the lines would be lost, and lines tell it better.

use serde_json::{Map, Value};

/// The merged text; none where both sides changed one value, or where a text is laid out in another way.
pub fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let (base, ours, theirs) = (read(base)?, read(ours)?, read(theirs)?);
    written(&merge_values(&base, &ours, &theirs)?)
}

fn read(text: &[u8]) -> Option<Value> {
    let value = serde_json::from_slice(text).ok()?;
    (written(&value)? == text).then_some(value)
}

fn written(value: &Value) -> Option<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value).ok()?;
    text.push(b'\n');
    Some(text)
}

fn merge_values(base: &Value, ours: &Value, theirs: &Value) -> Option<Value> {
    if ours == base || ours == theirs {
        return Some(theirs.clone());
    }
    if theirs == base {
        return Some(ours.clone());
    }
    match (base, ours, theirs) {
        (Value::Object(base), Value::Object(ours), Value::Object(theirs)) => {
            merge_objects(base, ours, theirs).map(Value::Object)
        }
        (Value::Array(base), Value::Array(ours), Value::Array(theirs)) => {
            merge_lists(base, ours, theirs).map(Value::Array)
        }
        _ => None,
    }
}

fn merge_objects(
    base: &Map<String, Value>,
    ours: &Map<String, Value>,
    theirs: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
    let (our_keys, their_keys) = (keys(ours), keys(theirs));
    let mut order = joined(&their_keys, &our_keys);
    // What is sorted stays so, however many join.
    if our_keys.is_sorted() && their_keys.is_sorted() {
        order.sort();
    }
    let mut merged = Map::new();
    for key in order {
        let value = match (base.get(&key), ours.get(&key), theirs.get(&key)) {
            (Some(base), Some(ours), Some(theirs)) => Some(merge_values(base, ours, theirs)?),
            (None, Some(ours), Some(theirs)) => (ours == theirs).then(|| Some(ours.clone()))?,
            (None, Some(side), None) | (None, None, Some(side)) => Some(side.clone()),
            // One took away what the other left as it was.
            (Some(base), Some(side), None) | (Some(base), None, Some(side)) => (base == side).then_some(None)?,
            (_, None, None) => None,
        };
        if let Some(value) = value {
            merged.insert(key, value);
        }
    }
    Some(merged)
}

/// Lists as sets: what either side added is in, what either took away is not.
fn merge_lists(base: &[Value], ours: &[Value], theirs: &[Value]) -> Option<Vec<Value>> {
    let repeats = |list: &[Value]| (1..list.len()).any(|at| list[..at].contains(&list[at]));
    if [base, ours, theirs].into_iter().any(repeats) {
        return None;
    }
    let mut merged = joined(theirs, ours);
    merged.retain(|item| !base.contains(item) || (ours.contains(item) && theirs.contains(item)));
    Some(merged)
}

/// All of `first`, and what `second` alone has, each behind the one that it follows there.
fn joined<T: PartialEq + Clone>(first: &[T], second: &[T]) -> Vec<T> {
    let mut all = first.to_vec();
    for (at, item) in second.iter().enumerate() {
        if all.contains(item) {
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| all.iter().position(|other| *other == second[before]));
        all.insert(before.map_or(0, |before| before + 1), item.clone());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(base: &Value, ours: &Value, theirs: &Value) -> Option<Value> {
        let text = |value| written(value).unwrap();
        merge(&text(base), &text(ours), &text(theirs)).map(|text| serde_json::from_slice(&text).unwrap())
    }

    fn order(value: &Value) -> Vec<&String> {
        value.as_object().unwrap().keys().collect()
    }

    #[test]
    fn keys_added_side_by_side_are_no_conflict() {
        let base = json!({"paths": {"/b": 1}, "title": "x"});
        let ours = json!({"paths": {"/b": 1, "/ours": 2}, "title": "x"});
        let theirs = json!({"paths": {"/a": 3, "/b": 1, "/z": 4}, "title": "x"});
        let merged = run(&base, &ours, &theirs).unwrap();
        assert_eq!(merged, json!({"paths": {"/a": 3, "/b": 1, "/ours": 2, "/z": 4}, "title": "x"}));
        assert_eq!(order(&merged["paths"]), ["/a", "/b", "/ours", "/z"], "sorted, as both were");
        let theirs = json!({"paths": {"/z": 4, "/b": 1, "/a": 3}, "title": "x"});
        let merged = run(&base, &ours, &theirs).unwrap();
        assert_eq!(order(&merged["paths"]), ["/z", "/b", "/ours", "/a"], "behind the one that it follows");
    }

    #[test]
    fn what_one_side_changed_or_took_away_is_so() {
        let base = json!({"a": 1, "b": {"c": 1, "d": 1}, "e": 1});
        let merged = run(&base, &json!({"b": {"c": 1, "d": 2}, "e": 1}), &json!({"a": 1, "b": {"c": 3, "d": 1}}));
        assert_eq!(merged.unwrap(), json!({"b": {"c": 3, "d": 2}}));
    }

    #[test]
    fn what_both_changed_is_left_to_lines() {
        let base = json!({"a": 1});
        assert_eq!(run(&base, &json!({"a": 2}), &json!({"a": 3})), None);
        assert_eq!(run(&base, &json!({}), &json!({"a": 3})), None);
        assert_eq!(run(&json!({}), &json!({"a": 2}), &json!({"a": 3})), None);
        assert_eq!(merge(b"{\n  \"a\": 1\n}\n", b"{ \"a\": 1, \"b\": 2 }\n", b"{\n  \"a\": 3\n}\n"), None);
    }

    #[test]
    fn lists_are_merged_by_what_is_in_them() {
        let list = |items: Value| json!({"l": items});
        let merged = run(&list(json!([1, 2, 3])), &list(json!([1, 9, 3])), &list(json!([0, 1, 2, 3])));
        assert_eq!(merged.unwrap(), list(json!([0, 1, 9, 3])));
        assert_eq!(run(&list(json!([1, 1])), &list(json!([1, 1, 2])), &list(json!([1]))), None, "no set");
    }
}
