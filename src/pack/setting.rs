//! `[[config]]`: a setting of the service, declared once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::layer::Layer;
use super::manifest::Manifest;
use crate::fault::{Fault, Faults, Place};

/// A setting of the service, declared once (practice app.config).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Its name in the environment: capitals, digits and `_`.
    pub env: String,
    /// What its value is.
    pub kind: SettingKind,
    /// Its value where none is set. Texts may hold values, as in `{= name =}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<toml::Value>,
    /// Its value on a developer's machine, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dev: Option<toml::Value>,
    /// Its value on a developer's machine, drawn when a repository is created, into the file of `[env]` in pack.toml:
    /// 32 random bytes in base64 stand for `{}`. The setting is a required secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<String>,
    /// Its value in deployed environments, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prod: Option<toml::Value>,
    /// Its value in the service's own tests, where they need one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<toml::Value>,
    /// The smallest value, of an integer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// The largest value, of an integer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// What it may be, of a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Whether the service refuses to start without it.
    #[serde(default)]
    pub required: bool,
    /// Whether it is printed as `[redacted]`, and read from the file that `NAME_FILE` names, too.
    #[serde(default)]
    pub secret: bool,
    /// What it is for, in a sentence.
    pub doc: String,
}

/// What a setting's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SettingKind {
    /// Any text.
    String,
    /// An address to listen at, as in `127.0.0.1:8080`.
    Addr,
    /// A URL.
    Url,
    /// A time, as in `30s`.
    Duration,
    /// A whole number.
    Integer,
    /// From 0 to 1.
    Ratio,
    /// `true` or `false`.
    Bool,
    /// Texts, with commas between them.
    List,
    /// One of `choices`.
    Choice,
}

impl SettingKind {
    /// What a value of it looks like, for a message; nothing where any will do.
    fn example(self) -> &'static str {
        match self {
            Self::Addr => ", as in \"127.0.0.1:8080\"",
            Self::Url => ", as in \"https://host/path\"",
            Self::Duration => ", as in \"30s\": ms, s, m or h",
            Self::Ratio => ", as in 0.5",
            Self::Bool => ", as in true",
            Self::List => ", as in [\"one\", \"two\"]",
            Self::String | Self::Integer | Self::Choice => "",
        }
    }
}

impl Setting {
    /// Its values, whichever it has.
    pub fn values(&self) -> impl Iterator<Item = &toml::Value> {
        [&self.default, &self.dev, &self.prod, &self.test].into_iter().flatten()
    }
}

/// A declaration that contradicts itself would give a service that cannot start.
pub(super) fn check_setting(setting: &Setting, place: &Place, manifest: &Manifest, faults: &mut Faults) {
    let name = &setting.env;
    let mut fault = |why: String| faults.push(Fault::at(place.clone(), format!("the setting {name}: {why}")));
    if !name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        || !name.starts_with(|c: char| c.is_ascii_uppercase())
    {
        fault("a name is capitals, digits and _".into());
    }
    if (setting.kind == SettingKind::Choice) == setting.choices.is_empty() {
        fault("`choices` belong to kind = \"choice\", and only there".into());
    }
    if setting.kind != SettingKind::Integer && (setting.min.is_some() || setting.max.is_some()) {
        fault("`min` and `max` belong to kind = \"integer\", and only there".into());
    }
    if setting.secret && (setting.default.is_some() || setting.prod.is_some()) {
        fault("a secret has no default".into());
    }
    if setting.required && setting.default.is_some() {
        fault("what has a default is not required".into());
    }
    if let Some(draw) = &setting.draw {
        let plain = |c: char| c.is_ascii_alphanumeric() || ":,._/-".contains(c);
        if draw.matches("{}").count() != 1 || !draw.replace("{}", "").chars().all(plain) {
            fault("`draw` is letters, digits and :,._/- around one `{}`, where the drawn text goes".into());
        }
        if !setting.secret || !setting.required || setting.dev.is_some() {
            fault("`draw` belongs to a required secret without `dev`".into());
        }
        if manifest.env.is_none() {
            fault("`draw` needs `[env]` in pack.toml, which names the file for its value".into());
        }
    }
    for value in setting.values() {
        // What holds values is known only when they are.
        let text = value.as_str().map(|text| (text, text.contains(&*manifest.delimiters.variable_start)));
        let text_is = |fits: fn(&str) -> bool| text.is_some_and(|(text, open)| open || fits(text));
        let fits = match setting.kind {
            SettingKind::Integer => value
                .as_integer()
                .is_some_and(|n| setting.min.is_none_or(|min| n >= min) && setting.max.is_none_or(|max| n <= max)),
            SettingKind::Ratio => value.as_float().is_some_and(|ratio| (0.0..=1.0).contains(&ratio)),
            SettingKind::Bool => value.is_bool(),
            SettingKind::List => value.is_array(),
            SettingKind::Choice => {
                text.is_some_and(|(text, open)| open || setting.choices.iter().any(|choice| choice == text))
            }
            SettingKind::Addr => text_is(|text| text.parse::<SocketAddr>().is_ok()),
            SettingKind::Url => text_is(|text| text.contains("://")),
            SettingKind::Duration => text_is(is_duration),
            SettingKind::String => value.is_str(),
        };
        if !fits {
            fault(format!("the value {value} does not fit its kind or bounds{}", setting.kind.example()));
        }
    }
}

/// A whole number and its unit.
fn is_duration(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && ["ms", "s", "m", "h"].contains(&unit)
}

/// Settings that two layers declare differently, each named once.
pub fn conflicting_settings(layers: &[&Layer]) -> Faults {
    let mut faults = Faults::default();
    let mut seen: BTreeMap<&str, (&Setting, &Layer)> = BTreeMap::new();
    let mut named = BTreeSet::new();
    for layer in layers {
        for (setting, place) in &layer.config {
            if let Some((first, owner)) = seen.insert(&setting.env, (setting, layer))
                && first != setting
                && named.insert(&setting.env)
            {
                let message = format!("the setting {} is declared otherwise by layer \"{}\"", setting.env, owner.name);
                faults.push(Fault::at(place.clone(), message).help("declare it in one of the two"));
            }
        }
    }
    faults
}
