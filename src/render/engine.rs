//! Tera, set up for one pack: its delimiters, partials, filters, and every name in reach.

use std::collections::BTreeSet;

use tera::{Context, ErrorKind, Tera};

use super::bounds::BoundedOutput;
use super::slots;
use crate::fault::{Fault, Faults, Place, did_you_mean};
use crate::pack::{Kind, Layer, LayerFile, Pack, Question, TEMPLATE_NAMES, Text};
use crate::template::{self, Reach, suggest};

/// The templates of the layers that are in, parsed once.
pub struct Engine<'a> {
    pack: &'a Pack,
    tera: Tera,
}

impl<'a> Engine<'a> {
    /// Parses every template of `layers`; all faults at once. `names` are the variables in reach.
    pub fn new(pack: &'a Pack, layers: &[&Layer], names: &BTreeSet<String>) -> Result<Self, Faults> {
        let mut engine = Self { pack, tera: template::engine(&pack.manifest.delimiters) };
        let mut faults = Faults::default();
        let mut templates: Vec<(&str, String)> = Vec::new();
        for (path, text) in &pack.partials {
            templates.push((path, text.content.to_string()));
        }
        for (layer, file) in rendered_files(layers) {
            match Text::from_utf8(pack.shown(&file.source), file.content.clone()) {
                Ok(text) => {
                    templates.push((&file.source, slots::mark(&text, &layer.name, pack, &mut faults)));
                }
                Err(fault) => faults.push(fault),
            }
        }
        if engine.tera.add_raw_templates(templates.iter().map(|(name, source)| (*name, source))).is_err() {
            faults.extend(engine.broken(&templates));
        }
        if faults.is_empty() {
            engine.check_names(layers, names, &templates, &mut faults);
        }
        faults.or(engine)
    }

    /// What is wrong with templates that do not load together: every broken one, and nothing that is only
    /// missing because another is broken. Partials stand first.
    fn broken(&self, templates: &[(&str, String)]) -> Faults {
        let load = |templates: &mut dyn Iterator<Item = &(&str, String)>| {
            let mut tera = template::engine(&self.pack.manifest.delimiters);
            tera.add_raw_templates(templates.map(|(name, source)| (*name, source)))
        };
        let mut faults = Faults::default();
        for template in templates {
            match load(&mut std::iter::once(template)) {
                Err(error) if matches!(error.kind(), ErrorKind::SyntaxError(_)) => {
                    faults.extend(self.faults(template.0, &error));
                }
                _ => {}
            }
        }
        if !faults.is_empty() {
            return faults;
        }
        let (partials, files) = templates.split_at(self.pack.partials.len());
        if let Err(error) = load(&mut partials.iter()) {
            return self.faults(partials.first().map_or("", |(name, _)| name), &error);
        }
        for file in files {
            if let Err(error) = load(&mut partials.iter().chain([file])) {
                // A file may include another, which was left out here.
                let left_out = |fault: &Fault| {
                    let other =
                        fault.message.strip_prefix("Unknown template `").and_then(|rest| rest.strip_suffix('`'));
                    other.is_some_and(|other| files.iter().any(|(name, _)| *name == other))
                };
                faults.0.extend(self.faults(file.0, &error).0.into_iter().filter(|fault| !left_out(fault)));
            }
        }
        faults
    }

    pub fn render(&self, template: &str, context: &Context) -> Result<String, Fault> {
        let mut output = BoundedOutput::default();
        let rendered = self.tera.render_to(template, context, &mut output);
        match rendered {
            Err(error) if !output.is_full() => Err(self.fault(template, &error)),
            _ => output
                .into_text()
                .map_err(|fault| Fault { place: Some(Place::new(self.pack.shown(template), 1, 1)), ..fault }),
        }
    }

    /// The variables that a template reads, those of what it includes with them.
    pub fn reads(&self, template: &str) -> BTreeSet<String> {
        let read = self.tera.get_template_variables(template).unwrap_or_default();
        read.into_iter().map(str::to_owned).collect()
    }

    /// Whether a template reads what its author could not format for: a text or a list that a person
    /// gave, an item of one, or what layers declare. What reads choices alone is as it was written.
    pub fn is_personal(&self, layer: &Layer, template: &str) -> bool {
        let read = self.tera.get_template_variables(template).unwrap_or_default();
        let item = layer.for_each.as_ref().map(|(_, item)| item.as_str());
        let open = |question: &Question| matches!(question.kind, Kind::Text | Kind::List);
        read.into_iter().any(|variable| {
            TEMPLATE_NAMES.contains(&variable)
                || Some(variable) == item
                || self.pack.manifest.question(variable).is_some_and(open)
        })
    }

    /// Tera takes an undefined variable in an `if` for false; here it is a fault, as anywhere else.
    fn check_names(
        &self,
        layers: &[&Layer],
        names: &BTreeSet<String>,
        templates: &[(&str, String)],
        faults: &mut Faults,
    ) {
        for (layer, file) in rendered_files(layers) {
            let item = layer.for_each.as_ref().map(|(_, item)| item.as_str());
            let read = self.tera.get_template_variables(&file.source).unwrap_or_default();
            let unknown: BTreeSet<&str> =
                read.into_iter().filter(|name| !names.contains(*name) && Some(*name) != item).collect();
            for name in unknown {
                let source = templates.iter().find(|(path, _)| *path == file.source).map_or("", |(_, source)| source);
                let place = Place::in_text(self.pack.shown(&file.source), source, find_word(source, name).unwrap_or(0));
                let reach = || names.iter().map(String::as_str).chain(item);
                let message = format!("`{name}` is not defined{}", did_you_mean(name, reach()));
                faults.push(
                    Fault::at(place, message).help(format!("in reach: {}", reach().collect::<Vec<_>>().join(", "))),
                );
            }
        }
    }

    /// Tera's error, at its place in the pack. It draws several at once, a paragraph apart, of what it does not know.
    fn faults(&self, template: &str, error: &tera::Error) -> Faults {
        match error.kind() {
            ErrorKind::SyntaxError(_) | ErrorKind::RenderingError(_) => self.fault(template, error).into(),
            other => Faults(other.to_string().split("\n\nerror: ").map(|text| self.drawn(template, text)).collect()),
        }
    }

    /// The first of them.
    fn fault(&self, template: &str, error: &tera::Error) -> Fault {
        match error.kind() {
            ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
                let span = report.span();
                let file = if report.filename().is_empty() { template } else { report.filename() };
                let fault = |message: &str| {
                    Fault::at(Place::new(self.pack.shown(file), span.start_line, span.start_col + 1), message)
                };
                match report.message().split_once(". Available variables: ") {
                    Some((what, reach)) => {
                        let name = what.split('`').nth(1).unwrap_or_default();
                        fault(&format!("{what}{}", did_you_mean(name, reach.split(", "))))
                            .help(format!("in reach: {reach}"))
                    }
                    None => fault(report.message()),
                }
            }
            _ => self.faults(template, error).0.remove(0),
        }
    }

    /// A fault that came as text: `error: WHAT\n --> FILE:LINE:COLUMN\n…`, as unknown names do.
    fn drawn(&self, template: &str, text: &str) -> Fault {
        let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let place = text.lines().find_map(|line| {
            let mut parts = line.trim().strip_prefix("--> ")?.rsplitn(3, ':');
            let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some(Place::new(self.pack.shown(parts.next()?), line, column))
        });
        let place = place.unwrap_or_else(|| Place::new(self.pack.shown(template), 1, 1));
        Fault::at(place, suggest(what, Reach::Template))
    }
}

fn rendered_files<'a>(layers: &[&'a Layer]) -> impl Iterator<Item = (&'a Layer, &'a LayerFile)> {
    layers.iter().flat_map(|layer| layer.all_files().map(move |file| (*layer, file))).filter(|(_, file)| file.rendered)
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|&at| !text[..at].ends_with(letter) && !text[at + word.len()..].starts_with(letter))
}
