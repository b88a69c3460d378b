//! A question of a pack: what the wizard asks, a flag takes and `service.toml` holds.

use regex::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::answer::Answer;
use super::condition::Condition;
use crate::fault::{Place, did_you_mean};

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
    /// The answer where `when` does not hold; the default, where not said.
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
