//! A question of a pack: what the wizard asks, a flag takes and `service.toml` holds.

use std::collections::BTreeSet;

use regex::Regex;
use serde::Deserialize;
use tera::Delimiters;
use toml::Spanned;

use super::answer::Answer;
use super::condition::Condition;
use super::text::Text;
use crate::fault::{Fault, Faults, Place, did_you_mean};
use crate::template;

/// The longest text an answer may be, in characters; a README and a label in YAML both bear it.
const MAX_TEXT: usize = 200;

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A line of text.
    Text,
    /// One of `choices`.
    Choice,
    /// Yes or no.
    Bool,
    /// A whole number.
    Integer,
    /// A list of texts.
    List,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "ChoiceForm")]
pub struct Choice {
    pub value: String,
    pub help: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ChoiceForm {
    /// The answer.
    Plain(String),
    /// The answer, with a word about it.
    Full {
        /// The answer.
        value: String,
        /// What it means.
        #[serde(default)]
        help: String,
    },
}

impl From<ChoiceForm> for Choice {
    fn from(form: ChoiceForm) -> Self {
        match form {
            ChoiceForm::Plain(value) => Self { value, help: String::new() },
            ChoiceForm::Full { value, help } => Self { value, help },
        }
    }
}

/// What is asked of who makes a service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuestionForm {
    /// Its name in templates and in `service.toml`: lowercase letters, digits and `_`. The flag has `-` for `_`.
    pub key: Spanned<String>,
    /// The question, for people.
    pub prompt: String,
    /// More about it.
    #[serde(default)]
    pub help: String,
    /// What an answer is.
    pub kind: Kind,
    /// What may be chosen, for the kind `choice`. With one choice, nothing is asked.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// The answer where none is given. A text may hold the answers before it; values, no blocks. Left out:
    /// somebody has to answer.
    pub default: Option<Spanned<toml::Value>>,
    /// The answer where `when` does not hold, and after an `add` that makes it hold; the default, where not said.
    pub otherwise: Option<Spanned<toml::Value>>,
    /// An expression over the answers before it: asked where it holds. Left out: always.
    pub when: Option<Spanned<String>>,
    /// A regular expression that a text, or each item of a list, matches.
    pub pattern: Option<Spanned<String>>,
    /// The pattern in words, for who is refused.
    pub pattern_help: Option<String>,
    /// The smallest number.
    pub min: Option<i64>,
    /// The largest number, or the most characters of a text; 200 of them where not said.
    pub max: Option<i64>,
}

/// A checked question.
#[derive(Debug, Clone)]
pub struct Question {
    pub key: String,
    /// Where pack.toml asks it.
    pub place: Place,
    pub prompt: String,
    pub help: String,
    pub kind: Kind,
    pub choices: Vec<Choice>,
    /// For text, a template over the answers before it.
    pub default: Option<Answer>,
    /// The answer where `when` does not hold; without it, the default.
    pub otherwise: Option<Answer>,
    pub when: Option<Condition>,
    pub pattern: Option<Regex>,
    pub pattern_help: String,
    pub min: Option<i64>,
    pub max: Option<i64>,
    /// The `pack.toml` that asks it, for faults.
    pub file: String,
}

impl Question {
    /// `--flag-name`
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// A question with one choice has nothing to ask.
    pub fn is_open(&self) -> bool {
        self.kind != Kind::Choice || self.choices.len() > 1
    }

    /// What a person typed → an answer, or what is wrong with it.
    /// A list is given one item at a time, or separated by commas.
    pub fn read(&self, text: &str) -> Result<Answer, String> {
        let answer = match self.kind {
            Kind::Text | Kind::Choice => Answer::Text(text.to_owned()),
            Kind::Bool => match text {
                "true" | "yes" | "y" => Answer::Bool(true),
                "false" | "no" | "n" => Answer::Bool(false),
                _ => return Err(format!("\"{}\" is neither true nor false", shown(text))),
            },
            Kind::Integer => {
                Answer::Integer(text.trim().parse().map_err(|_| format!("\"{}\" is no whole number", shown(text)))?)
            }
            Kind::List => Answer::List(
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect(),
            ),
        };
        self.check(&answer).map(|()| answer)
    }

    /// Whether `answer` is one that this question takes.
    pub fn check(&self, answer: &Answer) -> Result<(), String> {
        match (self.kind, answer) {
            (Kind::Text, Answer::Text(text)) => self.check_text(text),
            (Kind::List, Answer::List(items)) => items.iter().try_for_each(|item| self.check_text(item)),
            (Kind::Bool, Answer::Bool(_)) => Ok(()),
            (Kind::Integer, Answer::Integer(number)) => match (self.min, self.max) {
                (Some(min), _) if *number < min => Err(format!("{number} is below {min}")),
                (_, Some(max)) if *number > max => Err(format!("{number} is above {max}")),
                _ => Ok(()),
            },
            (Kind::Choice, Answer::Text(text)) => {
                let values = || self.choices.iter().map(|choice| choice.value.as_str());
                if values().any(|value| value == text) {
                    return Ok(());
                }
                let near = did_you_mean(text, values());
                Err(format!("\"{}\" is not one of {}{near}", shown(text), values().collect::<Vec<_>>().join(", ")))
            }
            (kind, other) => Err(format!("{} is expected, and this is {}", kind.noun(), other.noun())),
        }
    }

    fn check_text(&self, text: &str) -> Result<(), String> {
        check_plain(text)?;
        let limit = self.max.and_then(|max| usize::try_from(max).ok()).unwrap_or(MAX_TEXT);
        let length = text.chars().count();
        if length > limit {
            return Err(format!("{length} characters are too many: at most {limit}"));
        }
        match &self.pattern {
            Some(pattern) if !pattern.is_match(text) => Err(format!("\"{text}\" is not {}", self.pattern_help)),
            _ => Ok(()),
        }
    }
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Choice => "one of the choices",
            Self::Bool => "true or false",
            Self::Integer => "a whole number",
            Self::List => "a list of texts",
        }
    }
}

/// Refuses what no file could hold honestly: line breaks and other controls, the characters
/// that turn the direction of text round (rustc refuses them too: "Trojan Source",
/// CVE-2021-42574), and the private ones that the renderer uses for its own marks.
pub fn check_plain(text: &str) -> Result<(), String> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok(());
    }
    for c in text.chars() {
        let what = match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => "a line break: one line is expected",
            c if c.is_control() => "a control character",
            '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                "a character that turns the direction of text; plain right-to-left letters are fine"
            }
            '\u{E000}'..='\u{F8FF}' => "a private-use character",
            '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => "a byte-order mark or no character at all",
            _ => continue,
        };
        return Err(format!("it holds U+{:04X}, {what}", u32::from(c)));
    }
    Ok(())
}

/// A given text as it may be printed: cut where it is long.
pub fn shown(text: &str) -> String {
    let mut out = visible(&text.chars().take(60).collect::<String>());
    if text.chars().count() > 60 {
        out.push('…');
    }
    out
}

/// A text with what [`check_plain`] refuses escaped, so that a terminal shows it and does not obey it.
pub fn visible(text: &str) -> String {
    let escaped = |c: char| match check_plain(c.encode_utf8(&mut [0; 4])) {
        Ok(()) => c.to_string(),
        Err(_) => c.escape_default().to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Adds the questions of one `pack.toml` to those that were there.
pub(super) fn read(
    forms: Vec<QuestionForm>,
    questions: &mut Vec<Question>,
    delimiters: &Delimiters,
    text: &Text,
    faults: &mut Faults,
) {
    let mut asked: Vec<String> = vec!["name".into()];
    for form in forms {
        let place = text.place(form.key.span().start);
        let key = form.key.get_ref().clone();
        // One that stands for another has its place, and reads the answers before that.
        let at = questions.iter().position(|question| question.key == key);
        let before = questions.iter().take(at.unwrap_or(questions.len())).map(|question| question.key.clone());
        let known: Vec<String> = std::iter::once("name".to_owned()).chain(before).collect();
        if !is_key(&key) {
            let message = format!("the key \"{}\" must be lowercase letters, digits and _", shown(&key));
            faults.push(Fault::at(place.clone(), message).help("it begins with a letter, and does not end in _"));
        } else if Condition::parse(&key, place.clone(), &[&key]).is_err() || !is_variable(&key) {
            faults.push(Fault::at(place.clone(), format!("the key \"{key}\" is a word of the template language")));
        }
        if super::TEMPLATE_NAMES.contains(&key.as_str()) {
            faults.push(Fault::at(
                place.clone(),
                format!("the key \"{key}\" is a name that every template sees already"),
            ));
        } else if asked.contains(&key) {
            faults.push(Fault::at(place.clone(), format!("the key \"{key}\" is asked twice")));
        }
        if (form.kind == Kind::Choice) == form.choices.is_empty() {
            faults.push(Fault::at(
                place.clone(),
                format!("\"{key}\": `choices` belong to kind = \"choice\", and only there"),
            ));
        }
        check_bounds(&form, &place, faults);
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        for value in [&form.default, &form.otherwise].into_iter().flatten().filter(|_| form.kind == Kind::Text) {
            check_default(value, &key, &names, delimiters, text, faults);
        }
        let when = form.when.and_then(|when| {
            Condition::parse(when.get_ref(), text.place(when.span().start), &names)
                .map_err(|fault| faults.push(fault))
                .ok()
        });
        let pattern = form.pattern.and_then(|pattern| regex(&pattern, text, faults));
        let mut question = Question {
            key: key.clone(),
            place: place.clone(),
            prompt: form.prompt,
            help: form.help,
            kind: form.kind,
            choices: form.choices,
            default: None,
            otherwise: None,
            when,
            pattern,
            pattern_help: form.pattern_help.unwrap_or_else(|| "of the form that is asked for".into()),
            min: form.min,
            max: form.max,
            file: text.file.clone(),
        };
        let mut answer = |what: &str, value: Option<Spanned<toml::Value>>| {
            let value = value?;
            let fits = |answer: &Answer| match question.kind {
                // A text may be a template: it is checked when it is drawn.
                Kind::Text => Ok(()),
                _ => question.check(answer),
            };
            Answer::from_toml(value.get_ref())
                .and_then(|answer| fits(&answer).map(|()| answer))
                .map_err(|why| {
                    let message = format!("{what} of \"{key}\": {why}");
                    faults.push(Fault::at(text.place(value.span().start), message));
                })
                .ok()
        };
        (question.default, question.otherwise) =
            (answer("the default", form.default), answer("`otherwise`", form.otherwise));
        asked.push(key);
        match at {
            Some(at) => questions[at] = question,
            None => questions.push(question),
        }
    }
}

/// As a flag and as a variable, both.
fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && !key.ends_with('_')
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Whether Tera reads a variable where `key` stands, and not a word of its own (`true`, `not`).
fn is_variable(key: &str) -> bool {
    let source = format!("{{{{ {key} }}}}");
    template::variables_of(&Delimiters::default(), &source).is_ok_and(|read| read.contains(key))
}

/// What says nothing, or what no answer could keep to.
fn check_bounds(form: &QuestionForm, place: &Place, faults: &mut Faults) {
    let mut fault = |why: &str| faults.push(Fault::at(place.clone(), format!("\"{}\": {why}", form.key.get_ref())));
    let texts = matches!(form.kind, Kind::Text | Kind::List);
    if form.min.zip(form.max).is_some_and(|(min, max)| min > max) {
        fault("`min` is above `max`");
    }
    if form.min.is_some() && form.kind != Kind::Integer {
        fault("`min` belongs to kind = \"integer\"");
    }
    if form.max.is_some() && !texts && form.kind != Kind::Integer {
        fault("`max` belongs to numbers and texts");
    }
    if form.pattern.is_some() && !texts {
        fault("`pattern` belongs to texts");
    }
    let values: BTreeSet<&str> = form.choices.iter().map(|choice| choice.value.as_str()).collect();
    if values.len() < form.choices.len() {
        fault("two choices are the same");
    }
}

/// A text that is drawn from a template: told when the pack is read, and not when it is first drawn.
fn check_default(
    value: &Spanned<toml::Value>,
    key: &str,
    known: &[&str],
    delimiters: &Delimiters,
    text: &Text,
    faults: &mut Faults,
) {
    let Some(default) = value.get_ref().as_str() else { return };
    let place = text.place(value.span().start);
    match template::variables_of(delimiters, default) {
        Err(why) => faults.push(Fault::at(place, format!("the default of \"{key}\": {why}"))),
        Ok(read) => {
            for name in read.iter().filter(|name| !known.contains(&name.as_str())) {
                let near = did_you_mean(name, known.iter().copied());
                let message = format!("the default of \"{key}\" reads `{name}`, which is no answer{near}");
                faults.push(Fault::at(place.clone(), message).help(format!("in reach here: {}", known.join(", "))));
            }
        }
    }
}

/// The pattern, if it is one; else a fault at its place.
pub(super) fn regex(pattern: &Spanned<String>, text: &Text, faults: &mut Faults) -> Option<Regex> {
    Regex::new(pattern.get_ref())
        .map_err(|error| {
            // The last line says what; those before draw where.
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            faults.push(Fault::at(text.place(pattern.span().start), format!("no regular expression: {why}")));
        })
        .ok()
}
