//! JSON that several layers have written: parts united, in one order.

use serde_json::{Map, Value};

use crate::fault::{Fault, Place};
use crate::pack::Text;

/// What a layer adds to a document of another.
#[derive(Debug)]
pub struct DocumentPart {
    text: Text,
    members: Map<String, Value>,
}

impl DocumentPart {
    pub fn read(text: Text) -> Result<Self, Fault> {
        match serde_json::from_str(&text.content) {
            Ok(Value::Object(members)) => Ok(Self { text, members }),
            Ok(_) => Err(Fault::at(Place::new(text.file, 1, 1), "a part of a document is a JSON object")),
            Err(error) => {
                let place = Place::new(text.file, error.line(), error.column().max(1));
                Err(Fault::at(place, format!("this part is no JSON once it is rendered: {error}")))
            }
        }
    }
}

impl DocumentPart {
    pub fn place(&self) -> Place {
        self.text.place(0)
    }
}

/// The document `content`, of the file `source`, with the parts in it: members of objects join, items of lists follow,
/// and two other values at one place are a fault.
pub fn unite(content: &[u8], parts: &[DocumentPart], source: &str) -> Result<Vec<u8>, Fault> {
    let no_json = |why: String| Fault::new(format!("{source}: parts cannot join it, for it is no JSON object: {why}"));
    let whole: Value = serde_json::from_slice(content).map_err(|error| no_json(error.to_string()))?;
    let Value::Object(mut whole) = whole else { return Err(no_json("another value".to_owned())) };
    for part in parts {
        join(&mut whole, part.members.clone(), "").map_err(|pointer| {
            let last = pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
            let at = part.text.content.find(&format!("\"{last}\"")).unwrap_or(0);
            let message = format!("another part of the document has another value at {pointer}");
            Fault::at(part.text.place(at), message).help("one layer says it, or both say the same")
        })?;
    }
    let mut text = serde_json::to_vec_pretty(&Value::Object(whole)).map_err(|error| no_json(error.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

/// The error is the pointer to the first place where both have a value, and not the same.
fn join(into: &mut Map<String, Value>, part: Map<String, Value>, at: &str) -> Result<(), String> {
    for (key, value) in part {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match (into.get_mut(&key), value) {
            (None, value) => drop(into.insert(key, value)),
            (Some(Value::Object(into)), Value::Object(part)) => join(into, part, &pointer)?,
            (Some(Value::Array(into)), Value::Array(part)) => into.extend(part),
            (Some(there), value) if *there == value => {}
            _ => return Err(pointer),
        }
    }
    Ok(())
}

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

    fn part(text: &str) -> DocumentPart {
        DocumentPart::read(Text::new("layers/x/merge/a.json", text.to_owned())).unwrap()
    }

    #[test]
    fn members_join_and_items_follow() {
        let whole = br#"{"paths": {"/b": {}}, "tags": [{"name": "b"}], "openapi": "3.1.0"}"#;
        let parts =
            [part(r#"{"paths": {"/a": {"get": 1}}, "openapi": "3.1.0"}"#), part(r#"{"tags": [{"name": "a"}]}"#)];
        let united: Value = serde_json::from_slice(&unite(whole, &parts, "a.json").unwrap()).unwrap();
        let expected =
            r#"{"paths": {"/b": {}, "/a": {"get": 1}}, "tags": [{"name": "b"}, {"name": "a"}], "openapi": "3.1.0"}"#;
        assert_eq!(united, serde_json::from_str::<Value>(expected).unwrap());
    }

    #[test]
    fn unequal_values_are_a_fault_at_their_place() {
        let fault = unite(br#"{"paths": {"/a": 1}}"#, &[part("{\n  \"paths\": {\"/a\": 2}}")], "a.json").unwrap_err();
        assert_eq!(fault.message, "another part of the document has another value at /paths/~1a");
        let fault = DocumentPart::read(Text::new("a.json", "{\n \"a\": 1,\n}")).unwrap_err();
        assert_eq!(fault.place.map(|place| place.line), Some(3));
    }

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
