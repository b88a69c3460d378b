//! `[[renamed]]`: names in the code of a service that have changed, so that people who use the old ones learn of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use tera::Delimiters;
use toml::Spanned;

use super::text::Text;
use crate::fault::{Fault, Faults, Place};

/// A name in code that has changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RenamedForm {
    /// The old name: a path such as `crate::shapes`, or an identifier. It may hold values.
    from: Spanned<String>,
    /// The new name. It may hold values.
    to: Spanned<String>,
}

/// A name in code that has changed; both may hold values.
#[derive(Debug, Clone)]
pub struct RenamedName {
    pub from: String,
    pub to: String,
    pub place: Place,
}

/// Those of one file.
pub(super) fn renamed_names(
    forms: Vec<RenamedForm>,
    text: &Text,
    delimiters: &Delimiters,
    faults: &mut Faults,
) -> Vec<RenamedName> {
    let mut seen = BTreeMap::new();
    let mut names = Vec::new();
    for RenamedForm { from, to } in forms {
        let place = text.place(from.span().start);
        let to_place = text.place(to.span().start);
        let (from, to) = (from.into_inner(), to.into_inner());
        for (name, place) in [(&from, &place), (&to, &to_place)] {
            if !name.contains(&*delimiters.variable_start)
                && let Err(fault) = check_name(name, place)
            {
                faults.push(fault);
            }
        }
        if from == to {
            faults.push(Fault::at(to_place, format!("`from` and `to` are both `{to}`")));
        }
        if let Some(before) = seen.insert(from.clone(), place.line) {
            let message = format!("`{from}` is already renamed in line {before}");
            faults.push(Fault::at(place.clone(), message).help("keep one of the two entries"));
        }
        names.push(RenamedName { from, to, place });
    }
    names
}

/// A name is one word of code.
pub fn check_name(name: &str, place: &Place) -> Result<(), Fault> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.contains(char::is_whitespace) {
        "it contains whitespace"
    } else {
        return Ok(());
    };
    let fault = Fault::at(place.clone(), format!("\"{name}\" is not a name in code: {why}"));
    Err(fault.help("a path such as crate::shapes, or an identifier such as Shape"))
}
