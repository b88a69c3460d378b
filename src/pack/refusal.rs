//! `[[refuse]]`: answers that make no sense together, and why.

use serde::Deserialize;
use toml::Spanned;

use super::condition::Condition;
use super::text::Text;
use crate::fault::Faults;

/// Answers that make no sense together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefuseForm {
    /// An expression over the answers: they are refused where it holds.
    when: Spanned<String>,
    /// Why, for the person who gave them.
    reason: String,
}

#[derive(Debug, Clone)]
pub struct Refusal {
    pub when: Condition,
    pub reason: String,
}

/// Those of one file; `known` is what their conditions may read.
pub(super) fn refusals(forms: Vec<RefuseForm>, known: &[String], text: &Text, faults: &mut Faults) -> Vec<Refusal> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut refusals = Vec::new();
    for RefuseForm { when, reason } in forms {
        match Condition::parse(when.get_ref(), text.place(when.span().start), &known) {
            Ok(when) => refusals.push(Refusal { when, reason }),
            Err(fault) => faults.push(fault),
        }
    }
    refusals
}
