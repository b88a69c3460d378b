//! `service.toml`: written for people, read with places.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::resources::{self, ResourceForm};
use super::template::{self, TemplateForm, TemplateRef};
use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::{Answer, Answers, Pack, Source, Text};
use crate::schema::Drafts;

pub const FILE_NAME: &str = "service.toml";

/// `service.toml`: the blueprint of a repository. It is yours to edit; `new-service apply` carries it out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceForm {
    /// Name of the service.
    name: Option<String>,
    /// What the repository is made from.
    template: Option<Spanned<TemplateForm>>,
    /// Answers to the template's questions, by key. `new-service catalog` lists them.
    #[serde(default)]
    answers: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
    /// The resources of the service.
    #[serde(default)]
    resource: Vec<ResourceForm>,
}

/// A `service.toml` as it stands, parsed once. All that it says is read from here, and each edit is made here.
#[derive(Debug)]
pub struct ServiceFile {
    text: Text,
    form: ServiceForm,
}

/// What a blueprint file gives; it may leave things out (`--from`).
#[derive(Debug, Default)]
pub struct PartialBlueprint {
    pub name: Option<String>,
    pub answers: Answers,
    /// To be judged together with those of other sources ([`super::resources`]).
    pub resources: Drafts,
    /// Answers to what this pack does not ask, where they may be.
    pub unknown: Vec<String>,
}

/// Reads a blueprint file for `pack`. All faults at once, each with line and column.
pub fn read(text: &Text, pack: &Pack) -> Result<PartialBlueprint, Faults> {
    ServiceFile::parse(text.clone())?.read(pack)
}

impl ServiceFile {
    pub fn parse(text: Text) -> Result<Self, Faults> {
        Ok(Self { form: text.toml()?, text })
    }

    pub fn text(&self) -> &Text {
        &self.text
    }

    /// What the repository in `root` is made of; none where nothing is said. `given` is a template that is used instead
    /// of the one that is named; an `update` goes to it, and to the newest commits. All faults at once.
    pub fn template(&self, root: &Path, given: Option<Source>, update: bool) -> Result<Option<TemplateRef>, Faults> {
        let Some(form) = &self.form.template else {
            return Ok(given.map(|template| TemplateRef::from(crate::pack::Sources::from(template))));
        };
        template::resolve(form.get_ref(), &self.text, root, given, update).map(Some)
    }

    /// The same for a new service that takes its answers from this file, which lies in `folder`: none where it names no
    /// place of its own.
    pub fn template_elsewhere(&self, folder: &Path, given: Option<Source>) -> Result<Option<TemplateRef>, Faults> {
        if !self.form.template.as_ref().is_some_and(|form| form.get_ref().names_a_place()) {
            return Ok(None);
        }
        Ok(self.template(folder, given, false)?.map(TemplateRef::without_words))
    }

    /// What it says to `pack`. All faults at once, each with line and column.
    pub fn read(&self, pack: &Pack) -> Result<PartialBlueprint, Faults> {
        self.read_with(pack, false)
    }

    /// The same of one that may be for an earlier pack, which asked what this one no longer asks.
    pub fn read_older(&self, pack: &Pack) -> Result<PartialBlueprint, Faults> {
        self.read_with(pack, true)
    }

    fn read_with(&self, pack: &Pack, older: bool) -> Result<PartialBlueprint, Faults> {
        let Self { text, form } = self;
        let mut faults = Faults::default();
        if let Some(template) = &form.template
            && template.get_ref().name != pack.manifest.name
        {
            let place = text.place(template.span().start);
            let message = format!(
                "this is a blueprint for the template \"{}\", and \"{}\" is in use",
                template.get_ref().name,
                pack.manifest.name
            );
            return Err(Fault::at(place, message).help("name its template with --template").into());
        }
        if let Some(template) = &form.template
            && template.get_ref().overlays() != pack.overlays.len()
        {
            let fault =
                Fault::at(text.place(template.span().start), "this is a blueprint with overlays that are not in use");
            return Err(fault.help("name each of them, in order, with --overlay").into());
        }
        let mut answers = Answers::default();
        let mut unknown = Vec::new();
        for (key, value) in &form.answers {
            let place = text.place(key.span().start);
            let Some(question) = pack.manifest.question(key.get_ref()) else {
                if older {
                    unknown.push(key.get_ref().clone());
                    continue;
                }
                let keys = pack.manifest.questions.iter().map(|question| question.key.as_str());
                faults.push(Fault::at(
                    place,
                    format!("unknown answer \"{}\"{}", key.get_ref(), did_you_mean(key.get_ref(), keys)),
                ));
                continue;
            };
            match Answer::from_toml(value.get_ref()).and_then(|answer| question.check(&answer).map(|()| answer)) {
                Ok(answer) => answers.insert(&question.key, answer),
                Err(why) => {
                    faults
                        .push(Fault::at(text.place(value.span().start), format!("answer \"{}\": {why}", question.key)));
                }
            }
        }
        let resources = resources::read(&form.resource, text);
        if !faults.is_empty() {
            faults.extend(resources.into_faults());
            return Err(faults);
        }
        Ok(PartialBlueprint { name: form.name.clone(), answers, resources, unknown })
    }
}
