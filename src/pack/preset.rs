//! Presets of a pack: `[presets.NAME]`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::answer::{Answer, Answers};
use super::question::Question;
use super::text::Text;
use crate::fault::{Fault, Faults, did_you_mean};

/// By name, as pack.toml has them.
pub(super) type PresetForms = BTreeMap<Spanned<String>, PresetForm>;

/// Answers under one name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PresetForm {
    /// What it is for.
    #[serde(default)]
    help: String,
    /// Answers that differ from the defaults, by key. A preset without any is the defaults, under a name.
    answers: BTreeMap<Spanned<String>, toml::Value>,
}

/// Answers under one name: `--preset NAME`.
#[derive(Debug, Clone)]
pub struct Preset {
    pub name: String,
    pub help: String,
    /// What differs from the defaults.
    pub answers: Answers,
}

impl Preset {
    /// Whether it is the defaults themselves, under a name.
    pub fn is_default(&self) -> bool {
        self.answers.is_empty()
    }

    /// Its help, with a word where it stands for itself.
    pub fn shown(&self) -> String {
        let parts =
            [Some(self.help.as_str()).filter(|help| !help.is_empty()), self.is_default().then_some("[default]")];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Adds the presets of one `pack.toml`, in the order in which they stand; one stands for that of its name.
pub(super) fn read(
    forms: PresetForms,
    presets: &mut Vec<Preset>,
    questions: &[Question],
    text: &Text,
    faults: &mut Faults,
) {
    let mut forms: Vec<_> = forms.into_iter().collect();
    forms.sort_by_key(|(name, _)| name.span().start);
    for (name, form) in forms {
        let place = text.place(name.span().start);
        let mut answers = Answers::default();
        let before = faults.0.len();
        for (key, value) in form.answers {
            let place = text.place(key.span().start);
            let Some(question) = questions.iter().find(|question| question.key == *key.get_ref()) else {
                let near = did_you_mean(key.get_ref(), questions.iter().map(|question| question.key.as_str()));
                faults.push(Fault::at(place, format!("no question \"{}\"{near}", key.get_ref())));
                continue;
            };
            match Answer::from_toml(&value).and_then(|answer| question.check(&answer).map(|()| answer)) {
                Ok(answer) => answers.insert(&question.key, answer),
                Err(why) => faults.push(Fault::at(place, format!("\"{}\": {why}", question.key))),
            }
        }
        let preset = Preset { name: name.into_inner(), help: form.help, answers };
        let whole = faults.0.len() == before;
        let twin = |other: &&Preset| whole && other.name != preset.name && other.answers == preset.answers;
        if let Some(twin) = presets.iter().find(twin) {
            let message = format!("the preset \"{}\" has the answers of \"{}\"", preset.name, twin.name);
            faults.push(Fault::at(place, message).help("leave one out"));
        }
        match presets.iter_mut().find(|other| other.name == preset.name) {
            Some(other) => *other = preset,
            None => presets.push(preset),
        }
    }
}
