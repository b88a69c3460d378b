//! Answers to a pack's questions.

use std::collections::BTreeMap;

use serde::Serialize;

/// One answer; its shape follows the question's kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Text(String),
    Bool(bool),
    Integer(i64),
    List(Vec<String>),
}

impl Answer {
    /// A TOML value as an answer; the error says which shapes there are.
    pub fn from_toml(value: &toml::Value) -> Result<Self, String> {
        const SHAPES: &str = "an answer is a text, true or false, a whole number, or a list of texts";
        match value {
            toml::Value::String(text) => Ok(Self::Text(text.clone())),
            toml::Value::Boolean(flag) => Ok(Self::Bool(*flag)),
            toml::Value::Integer(number) => Ok(Self::Integer(*number)),
            toml::Value::Array(items) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>();
                texts.map(Self::List).ok_or_else(|| SHAPES.to_owned())
            }
            _ => Err(SHAPES.to_owned()),
        }
    }

    pub fn to_toml(&self) -> toml_edit::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Bool(flag) => (*flag).into(),
            Self::Integer(number) => (*number).into(),
            Self::List(items) => toml_edit::Value::Array(items.iter().map(String::as_str).collect()),
        }
    }

    pub fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "a number",
            Self::List(_) => "a list",
        }
    }
}

/// As a person reads it: `a, b` for a list, nothing for an empty text.
impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

/// Answers by question key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<String, Answer>);

impl Answers {
    pub fn insert(&mut self, key: &str, answer: Answer) {
        self.0.insert(key.to_owned(), answer);
    }

    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    pub fn get(&self, key: &str) -> Option<&Answer> {
        self.0.get(key)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Answer)> {
        self.0.iter().map(|(key, answer)| (key.as_str(), answer))
    }

    /// Takes over all of `other`; what both answer is `other`'s.
    pub fn extend(&mut self, other: Answers) {
        self.0.extend(other.0);
    }
}
