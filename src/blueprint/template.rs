//! `[template]` of `service.toml`: what the repository is made of.
//!
//! ```toml
//! [template]
//! name = "axum"
//! version = "0.1.0"
//! source = "https://host/pack#v1"    # left out for what new-service carries
//! commit = "…"                       # of a git repository; new-service writes it
//!
//! [[template.overlay]]               # in the order in which they lie over it
//! source = "../platform-overlay"     # a folder is named from this file's
//! digest = "sha256:…"                # new-service writes it
//! ```

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml_edit::{ArrayOfTables, Item, Table, TableLike, Value};

use super::values::set;
use crate::fault::{Fault, Faults};
use crate::git;
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
    /// Where it is from: a folder, seen from this file, or a git repository. Left out for what new-service carries.
    source: Option<Spanned<String>>,
    /// The commit of it, for a repository; new-service writes it.
    commit: Option<Spanned<String>>,
    /// What lies over it, in this order: a later one stands for an earlier one.
    #[serde(default)]
    overlay: Vec<OverlaySourceForm>,
}

/// An overlay: a folder whose files lie over those of the template.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverlaySourceForm {
    /// Where it is from: a folder, seen from this file, or a git repository.
    source: Spanned<String>,
    /// The commit of it, for a repository; new-service writes it.
    commit: Option<Spanned<String>>,
    /// Of its files, when they were last taken in; new-service writes it.
    digest: Option<String>,
}

impl TemplateForm {
    pub fn overlays(&self) -> usize {
        self.overlay.len()
    }

    /// Whether it says more than which built-in template is meant.
    pub fn names_a_place(&self) -> bool {
        self.source.is_some() || !self.overlay.is_empty()
    }
}

/// What a repository is made of, as its `service.toml` says.
#[derive(Debug)]
pub struct TemplateRef {
    pub sources: Sources,
    /// The digests of the overlays when they were last taken in.
    pub digests: Vec<Option<String>>,
}

/// What `form`, of the file `text` in `root`, names. `given` is a template that is used instead of the one that is
/// named there; an `update` goes to it, and to the newest commits. All faults at once.
pub(super) fn resolve(
    form: &TemplateForm,
    text: &Text,
    root: &Path,
    given: Option<Source>,
    update: bool,
) -> Result<TemplateRef, Faults> {
    let mut reader = SourceReader { text, update, faults: Faults::default() };
    let template = match (given, &form.source) {
        (Some(given), _) if update => Some(given.into()),
        (Some(given), source) => {
            let commit = form.commit.clone().map(Spanned::into_inner);
            Some(Wanted { source: given, written: source.clone().map(Spanned::into_inner), commit })
        }
        (None, Some(source)) => reader.wanted(source, form.commit.as_ref(), |text| Source::parse(text, root)),
        (None, None) => Source::is_built_in(&form.name).then(|| Source::BuiltIn(form.name.clone()).into()),
    };
    if template.is_none() && form.source.is_none() {
        let message = format!("this repository was made from the template \"{}\", which is not built in", form.name);
        reader.faults.push(Fault::new(message).help("name its folder: --template FOLDER"));
    }
    let (mut overlays, mut digests) = (Vec::new(), Vec::new());
    for OverlaySourceForm { source, commit, digest } in &form.overlay {
        overlays.extend(reader.wanted(source, commit.as_ref(), |text| Source::parse_overlay(text, root)));
        digests.push(digest.clone());
    }
    match template {
        Some(template) if reader.faults.is_empty() => {
            Ok(TemplateRef { sources: Sources { template, overlays }, digests })
        }
        _ => Err(reader.faults),
    }
}

struct SourceReader<'a> {
    text: &'a Text,
    update: bool,
    faults: Faults,
}

impl SourceReader<'_> {
    /// A source at its place in the file, pinned to its commit unless a newer one is wanted.
    fn wanted(
        &mut self,
        written: &Spanned<String>,
        commit: Option<&Spanned<String>>,
        parse: impl Fn(&str) -> Result<Source, Fault>,
    ) -> Option<Wanted> {
        let place = |span: std::ops::Range<usize>| Some(self.text.place(span.start));
        let mut source = match parse(written.get_ref()) {
            Ok(source) => source,
            Err(fault) => {
                self.faults.push(Fault { place: place(written.span()), ..fault });
                return None;
            }
        };
        if let Some(wrong) = commit.filter(|commit| !git::remote::is_commit(commit.get_ref())) {
            let fault = Fault::new("a commit is named by all of its letters, 40 or 64 of 0-9 and a-f");
            self.faults.push(Fault { place: place(wrong.span()), ..fault });
            return None;
        }
        let commit = commit.map(|commit| commit.get_ref().clone());
        if let Source::Git(remote) = &mut source
            && !self.update
        {
            let Some(commit) = &commit else {
                let fault = Fault::new(format!("\"{}\" is not taken in yet", crate::pack::shown(written.get_ref())));
                let fault = fault.help("`new-service update` takes it in, and notes its commit");
                self.faults.push(Fault { place: place(written.span()), ..fault });
                return None;
            };
            remote.commit = Some(commit.clone());
        }
        Some(Wanted { source, written: Some(written.get_ref().clone()), commit })
    }
}

impl TemplateRef {
    /// The same as it is named from elsewhere: by what it was found to be, and not by the words of its file.
    #[must_use]
    pub(super) fn without_words(mut self) -> Self {
        let sources = &mut self.sources;
        std::iter::once(&mut sources.template).chain(&mut sources.overlays).for_each(|wanted| wanted.written = None);
        self
    }
}

impl From<Sources> for TemplateRef {
    fn from(sources: Sources) -> Self {
        Self { sources, digests: Vec::new() }
    }
}

/// Says what `pack` is, in a table that may say something already; what stays the same keeps its form.
pub(super) fn write(table: &mut dyn TableLike, pack: &Pack) {
    set(table, "name", pack.manifest.name.as_str().into());
    set(table, "version", pack.manifest.version.as_str().into());
    write_source(table, &pack.origin);
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
    write_source(table, origin);
    set(table, "digest", origin.digest.as_str().into());
}

fn write_source(table: &mut dyn TableLike, origin: &Origin) {
    for (key, text) in [("source", &origin.written), ("commit", &origin.commit)] {
        match text {
            Some(text) => set(table, key, text.as_str().into()),
            None => drop(table.remove(key)),
        }
    }
}
