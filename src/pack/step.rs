//! Steps after creating: commands that are printed and that templates repeat, each pasted as it stands.

use serde::Deserialize;
use toml::Spanned;

use super::condition::Condition;
use super::text::Text;
use crate::fault::{Faults, Place};

/// A command, or a table with one and its condition.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum StepForm {
    /// A command. It may hold values.
    Always(String),
    /// A command for some services.
    Sometimes(ConditionalStep),
}

/// A command for some services.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionalStep {
    /// The command. It may hold values.
    run: String,
    /// An expression over the answers and `services`: the step is left out unless it holds.
    when: String,
}

#[derive(Debug, Clone)]
pub struct NextStep {
    /// The command, with the templates in it.
    pub run: String,
    pub when: Option<Condition>,
    pub place: Place,
}

/// Beside the answers, what the condition of a step may read.
const SERVICES: &str = "services";

/// The steps of one list; `known` are the names of the answers.
pub(super) fn steps(
    forms: Vec<Spanned<StepForm>>,
    known: &[String],
    text: &Text,
    faults: &mut Faults,
) -> Vec<NextStep> {
    let known: Vec<&str> = known.iter().map(String::as_str).chain([SERVICES]).collect();
    let mut steps = Vec::new();
    for form in forms {
        let place = text.place(form.span().start);
        let (run, when) = match form.into_inner() {
            StepForm::Always(run) => (run, None),
            StepForm::Sometimes(ConditionalStep { run, when }) => (run, Some(when)),
        };
        match when.map(|when| Condition::parse(&when, place.clone(), &known)).transpose() {
            Ok(when) => steps.push(NextStep { run, when, place }),
            Err(fault) => faults.push(fault),
        }
    }
    steps
}
