//! Forms whose files must still be read after a merge: that they parse, and repeat no key.

use std::collections::BTreeSet;
use std::fmt;

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    Toml,
    Yaml,
    Json,
}

impl Syntax {
    /// By the ending of a path.
    pub fn of(path: &str) -> Option<Self> {
        let ending = path.rsplit('/').next()?.rsplit_once('.')?.1;
        match ending {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The documents of a text; none where it is not of this form.
    pub fn documents(self, text: &str) -> Option<Vec<Value>> {
        match self {
            Self::Toml => Some(vec![toml::from_str(text).ok()?]),
            Self::Yaml => Some(Yaml::load_from_str(text).ok()?.iter().map(json).collect()),
            Self::Json => Some(vec![serde_json::from_str(text).ok()?]),
        }
    }

    /// Whether `content` is of this form; if not, why.
    pub fn check(self, content: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(content).map_err(|error| error.to_string())?;
        match self {
            Self::Toml => text.parse::<toml::Table>().map(drop).map_err(|error| error.message().to_owned()),
            Self::Yaml => Yaml::load_from_str(text).map(drop).map_err(|error| error.to_string()),
            Self::Json => serde_json::from_str::<Unrepeated>(text).map(drop).map_err(|error| error.to_string()),
        }
    }
}

/// A document of YAML as JSON has it; keys are texts there.
fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => value.into_inner().into(),
        Yaml::Value(Scalar::String(text)) | Yaml::Representation(text, ..) => text.as_ref().into(),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(members) => {
            let key = |key: &Yaml| match json(key) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            members.iter().map(|(name, member)| (key(name), json(member))).collect::<serde_json::Map<_, _>>().into()
        }
        Yaml::Tagged(_, value) => json(value),
        Yaml::Value(Scalar::Null) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}

/// Whether two TOML texts say the same, whatever their order and comments.
pub fn same_toml(one: &[u8], other: &[u8]) -> bool {
    let read = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<toml::Table>().ok();
    matches!((read(one), read(other)), (Some(one), Some(other)) if one == other)
}

/// Any JSON in which no object has a key twice, which `serde_json::Value` would pass over.
struct Unrepeated;

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Unrepeated)
    }
}

impl<'de> Visitor<'de> for Unrepeated {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<Self>()?;
            if let Some(key) = seen.replace(key) {
                return Err(de::Error::custom(format!("the key \"{key}\" stands twice")));
            }
        }
        Ok(self)
    }
}
