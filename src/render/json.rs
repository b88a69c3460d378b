//! JSON that several layers have written, in one order.

use serde_json::Value;

/// `content` in the form of `serde_json`, with the members of the objects that `pointers` lead to (RFC 6901) in
/// the order of their names. A pointer that leads to no object changes nothing.
///
/// # Errors
/// `content` is no JSON, with what is wrong and where.
pub fn sorted(content: &[u8], pointers: &[String]) -> Result<Vec<u8>, String> {
    let mut value: Value = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    for pointer in pointers {
        if let Some(Value::Object(members)) = value.pointer_mut(pointer) {
            members.sort_keys();
        }
    }
    let mut text = serde_json::to_vec_pretty(&value).map_err(|error| error.to_string())?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_sorted() {
        let text = r#"{"b": {"z": 1, "a": {"y": [], "x": 2.0}}, "a": {"d": 1, "c": 2}}"#;
        let sorted = sorted(text.as_bytes(), &["/b".into(), "/none".into()]).unwrap();
        let expected = "{\n  \"b\": {\n    \"a\": {\n      \"y\": [],\n      \"x\": 2.0\n    },\n    \"z\": 1\n  },\n  \
                        \"a\": {\n    \"d\": 1,\n    \"c\": 2\n  }\n}\n";
        assert_eq!(String::from_utf8(sorted).unwrap(), expected);
        assert!(super::sorted(b"{\"a\": 1,}", &[]).unwrap_err().contains("line 1 column 9"));
    }
}
