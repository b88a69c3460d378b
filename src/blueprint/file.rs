//! `service.toml`: written for people, read with places.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;
use toml_edit::{DocumentMut, Item, Table, value};

use super::Blueprint;
use super::resources::{self, ResourceForm};
use super::template::{self, TemplateForm};
use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::{Answer, Answers, Kind, Pack, Question, Text};
use crate::schema::Drafts;

pub const FILE_NAME: &str = "service.toml";

/// `service.toml`: the blueprint of a repository. It is yours to edit; `new-service apply` carries it out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
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

/// What a blueprint file gives; it may leave things out (`--from`).
#[derive(Debug, Default)]
pub struct Given {
    pub name: Option<String>,
    pub answers: Answers,
    /// To be judged together with those of other sources ([`super::resources`]).
    pub resources: Drafts,
    /// Answers to what this pack does not ask, where they may be.
    pub unknown: Vec<String>,
}

/// Reads a blueprint file for `pack`. All faults at once, each with line and column.
pub fn read(text: &Text, pack: &Pack) -> Result<Given, Faults> {
    read_with(text, pack, false)
}

/// Reads one that may be for an earlier pack, which asked what this one no longer asks.
pub fn read_older(text: &Text, pack: &Pack) -> Result<Given, Faults> {
    read_with(text, pack, true)
}

fn read_with(text: &Text, pack: &Pack, older: bool) -> Result<Given, Faults> {
    let form: Form = text.toml()?;
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
    for (key, value) in form.answers {
        let place = text.place(key.span().start);
        let Some(question) = pack.manifest.question(key.get_ref()) else {
            if older {
                unknown.push(key.into_inner());
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
                faults.push(Fault::at(text.place(value.span().start), format!("answer \"{}\": {why}", question.key)));
            }
        }
    }
    let resources = resources::read(form.resource, text);
    if !faults.is_empty() {
        faults.extend(resources.into_faults());
        return Err(faults);
    }
    Ok(Given { name: form.name, answers, resources, unknown })
}

/// The text of `service.toml`: the answers to the questions that apply, in the pack's order.
pub fn write(blueprint: &Blueprint, pack: &Pack) -> Result<String, Faults> {
    let mut document = DocumentMut::new();
    document.decor_mut().set_prefix(
        "# The blueprint of this repository: new-service made every file from it and a template.\n\
         # Keep it with the code; it is what later versions of the template are merged by.\n\n",
    );
    document["name"] = value(&blueprint.name);

    let mut template = Table::new();
    template::write(&mut template, pack);
    document["template"] = Item::Table(template);

    let mut answers = Table::new();
    for question in blueprint.asked(pack)? {
        let Some(answer) = blueprint.answers.get(&question.key) else { continue };
        answers.insert(&question.key, value(answer.to_toml()));
        if let Some(mut key) = answers.key_mut(&question.key) {
            key.leaf_decor_mut().set_prefix(comment(question));
        }
    }
    document["answers"] = Item::Table(answers);
    if let Some(resources) = resources::write(&blueprint.resources) {
        document["resource"] = resources;
    }
    Ok(document.to_string())
}

/// `# Prompt (choices)`, above the answer.
pub(super) fn comment(question: &Question) -> String {
    let choices: Vec<&str> = question.choices.iter().map(|choice| choice.value.as_str()).collect();
    match question.kind {
        Kind::Choice => format!("# {} ({})\n", question.prompt, choices.join(", ")),
        _ => format!("# {}\n", question.prompt),
    }
}
