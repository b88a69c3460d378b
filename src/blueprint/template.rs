//! `[template]` of `service.toml`: what the repository is made of.
//!
//! ```toml
//! [template]
//! name = "axum"
//! version = "0.1.0"
//! source = "../pack"                 # left out for what new-service carries
//!
//! [[template.overlay]]               # in the order in which they lie over it
//! source = "../platform-overlay"     # a folder is named from this file's
//! digest = "sha256:…"                # new-service writes it
//! ```

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml_edit::{ArrayOfTables, Item, Table, TableLike, Value};

use super::edit::set;
use crate::fault::{Fault, Faults};
use crate::pack::{Origin, Pack, Source, Sources, Text, Wanted};

/// What a repository is made from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateForm {
    /// Name of the template.
    pub name: String,
    /// Its version, which `new-service update` raises.
    #[serde(rename = "version")]
    _version: Option<String>,
    /// The folder it is from, seen from this file. Left out for what new-service carries.
    source: Option<Spanned<String>>,
    /// What lies over it, in this order: a later one stands for an earlier one.
    #[serde(default)]
    overlay: Vec<OverlayForm>,
}

/// An overlay: a folder whose files lie over those of the template.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverlayForm {
    /// The folder it is from, seen from this file.
    source: Spanned<String>,
    /// Of its files, when they were last taken in; new-service writes it.
    digest: Option<String>,
}

#[derive(Deserialize)]
struct Form {
    template: Option<TemplateForm>,
}

/// What a repository is made of, as its `service.toml` says.
#[derive(Debug)]
pub struct Made {
    pub sources: Sources,
    /// The digests of the overlays when they were last taken in.
    pub digests: Vec<Option<String>>,
}

/// Reads it, before any pack is known; none where nothing is said. `given` stands for the template that is
/// named there. All faults at once.
pub fn made_of(text: &Text, root: &Path, given: Option<Wanted>) -> Result<Option<Made>, Faults> {
    let form: Form = text.toml()?;
    let Some(form) = form.template else { return Ok(given.map(|template| Made::of(template))) };
    let mut faults = Faults::default();
    let at = |source: &Spanned<String>, fault: Fault| Fault { place: Some(text.place(source.span().start)), ..fault };
    let template = match (given, &form.source) {
        (Some(given), source) => {
            // What is named there already stays, unless it is another.
            let written = source.as_ref().map(|source| source.get_ref().clone());
            Some(Wanted { written: given.written.or(written), ..given })
        }
        (None, Some(source)) => match Source::parse(source.get_ref(), root) {
            Ok(found) => Some(Wanted { source: found, written: Some(source.get_ref().clone()) }),
            Err(fault) => {
                faults.push(at(source, fault));
                None
            }
        },
        (None, None) if Source::is_built_in(&form.name) => Some(Source::BuiltIn(form.name).into()),
        (None, None) => {
            let message =
                format!("this repository was made from the template \"{}\", which is not built in", form.name);
            faults.push(Fault::new(message).help("name its folder: --template FOLDER"));
            None
        }
    };
    let (mut overlays, mut digests) = (Vec::new(), Vec::new());
    for OverlayForm { source, digest } in form.overlay {
        match Source::parse_overlay(source.get_ref(), root) {
            Ok(found) => overlays.push(Wanted { source: found, written: Some(source.into_inner()) }),
            Err(fault) => faults.push(at(&source, fault)),
        }
        digests.push(digest);
    }
    match template {
        Some(template) if faults.is_empty() => Ok(Some(Made { sources: Sources { template, overlays }, digests })),
        _ => Err(faults),
    }
}

impl Made {
    fn of(template: Wanted) -> Self {
        Self { sources: Sources { template, overlays: Vec::new() }, digests: Vec::new() }
    }
}

/// Says what `pack` is, in a table that may say something already; what stays the same keeps its form.
pub(super) fn write(table: &mut dyn TableLike, pack: &Pack) {
    set(table, "name", pack.manifest.name.as_str().into());
    set(table, "version", pack.manifest.version.as_str().into());
    if let Some(source) = &pack.origin.written {
        set(table, "source", source.as_str().into());
    }
    if pack.overlays.is_empty() {
        return;
    }
    let origins = pack.overlays.iter().map(|overlay| &overlay.origin);
    match table.get_mut("overlay") {
        Some(Item::ArrayOfTables(there)) => {
            there.iter_mut().zip(origins).for_each(|(one, origin)| write_overlay(one, origin));
        }
        Some(Item::Value(Value::Array(there))) => {
            let there = there.iter_mut().filter_map(Value::as_inline_table_mut);
            there.zip(origins).for_each(|(one, origin)| write_overlay(one, origin));
        }
        _ => {
            let mut all = ArrayOfTables::new();
            for origin in origins {
                let mut one = Table::new();
                write_overlay(&mut one, origin);
                all.push(one);
            }
            table.insert("overlay", Item::ArrayOfTables(all));
        }
    }
}

fn write_overlay(table: &mut dyn TableLike, origin: &Origin) {
    if let Some(source) = &origin.written {
        set(table, "source", source.as_str().into());
    }
    set(table, "digest", origin.digest.as_str().into());
}
