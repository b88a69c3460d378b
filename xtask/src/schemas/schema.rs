//! JSON Schema (draft 7, which editors of TOML read) of a table.

use serde_json::{Map, Value, json};

use super::types::{Key, Shape, Table};

/// The schema of the file `title`; `others` says what its other keys hold.
pub fn of(title: &str, table: &Table, others: Option<&str>) -> Value {
    let mut schema = self::table(table);
    if let Some(doc) = others {
        schema["additionalProperties"] = json!({ "type": "array", "items": { "type": "object" }, "description": doc });
    }
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(title);
    schema["description"] = json!(table.doc);
    schema
}

fn table(table: &Table) -> Value {
    let properties: Map<String, Value> = table.keys.iter().map(|key| (key.name.clone(), property(key))).collect();
    let required: Vec<&str> = table.keys.iter().filter(|key| key.required).map(|key| key.name.as_str()).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = shape(&key.shape);
    let meanings = match &key.shape {
        Shape::Word(words) => words.iter().map(|(word, doc)| format!("\n- `{word}`: {doc}")).collect(),
        _ => String::new(),
    };
    schema["description"] = json!(format!("{}{meanings}", key.doc));
    schema
}

fn shape(of: &Shape) -> Value {
    match of {
        Shape::Any => json!({}),
        Shape::Text => json!({ "type": "string" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Integer { signed: true } => json!({ "type": "integer" }),
        Shape::Integer { signed: false } => json!({ "type": "integer", "minimum": 0 }),
        Shape::List(items, None) => json!({ "type": "array", "items": shape(items) }),
        Shape::List(items, Some(length)) => {
            json!({ "type": "array", "items": shape(items), "minItems": length, "maxItems": length })
        }
        Shape::Map(values) => json!({ "type": "object", "additionalProperties": shape(values) }),
        Shape::Table(inner) => table(inner),
        Shape::Word(words) => json!({ "enum": words.iter().map(|(word, _)| word).collect::<Vec<_>>() }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(shape).collect::<Vec<_>>() }),
    }
}
