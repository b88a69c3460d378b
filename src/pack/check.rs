//! `[check]` of pack.toml: what proves a service of the pack.

use serde::Deserialize;
use toml::Spanned;

use super::text::Text;
use crate::fault::{Fault, Faults, Place};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckForm {
    /// Commands that prove a service, run in one by `sh -c`.
    #[serde(default)]
    build: Vec<Spanned<String>>,
    /// Patterns of files that are not of the form that their ending promises, and are not parsed.
    #[serde(default)]
    unparsed: Vec<Spanned<String>>,
}

/// `[check]`: what `template check` is to know of the pack's services. Nothing else reads it.
#[derive(Debug, Clone, Default)]
pub struct CheckRules {
    /// Commands that prove a service, for `--build`.
    pub build: Vec<(String, Place)>,
    /// Output paths of files that are not of the form that their ending promises.
    pub unparsed: Vec<glob::Pattern>,
}

impl CheckRules {
    pub(super) fn new(form: CheckForm, text: &Text, faults: &mut Faults) -> Self {
        let mut unparsed = Vec::new();
        for pattern in form.unparsed {
            match glob::Pattern::new(pattern.get_ref()) {
                Ok(glob) => unparsed.push(glob),
                Err(error) => {
                    let place = text.place(pattern.span().start);
                    faults.push(Fault::at(place, format!("\"{}\" is no file pattern: {error}", pattern.get_ref())));
                }
            }
        }
        let build = form.build.into_iter().map(|line| (text.place(line.span().start), line.into_inner()));
        Self { build: build.map(|(place, line)| (line, place)).collect(), unparsed }
    }
}
