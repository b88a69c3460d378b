//! One resource, as a command changes it: fields and indexes come, change and go, and the rest stays.

use super::RepoInputs;
use crate::blueprint::{self, Blueprint, Drawn};
use crate::cli::ResourceArgs;
use crate::fault::{Fault, Faults, Stop, did_you_mean, nearest};
use crate::pack::Pack;
use crate::schema::{Access, CompositeIndex, Drafts, HEAD, Resource, Type, Written};

impl RepoInputs {
    pub(super) fn resource(
        &mut self,
        arguments: &ResourceArgs,
        pack: &Pack,
        drawn: Drawn,
    ) -> anyhow::Result<Blueprint> {
        let words: Vec<&str> = arguments.spec.iter().flat_map(|text| split(text)).collect();
        let Some((name, rest)) = words.split_first() else { return Ok(self.standing(pack, drawn)?) };
        let said = |key: &str| rest.iter().find_map(|word| word.strip_prefix(key));
        let (plural, was) = (said("plural="), said("was="));
        let is_head = |word: &str| HEAD.iter().any(|key| word.starts_with(key));
        let fields: Vec<&str> = rest.iter().copied().filter(|word| !is_head(word)).collect();
        let known = self.resources.iter().position(|resource| resource.name == *name);
        let renamed = was.and_then(|was| self.resources.iter().position(|resource| resource.name == was));
        let mut resources: Vec<Resource> = self.resources.clone();
        if let (Some(was), None, Some(_)) = (was, known, renamed) {
            // What refers to it, refers to its new name.
            let fields = resources.iter_mut().flat_map(|resource| &mut resource.fields);
            for field in fields.filter(|field| field.kind == Type::Ref(was.to_owned())) {
                field.kind = Type::Ref((*name).to_owned());
            }
        }
        let at = known.or(renamed);
        if at.is_none()
            && let Some(near) = nearest(name, self.resources.iter().map(|resource| resource.name.as_str()))
        {
            self.notes.push(format!("\"{name}\" is a new resource; there is one named \"{near}\" already"));
        }
        let old = at.map(|at| &resources[at]);
        let mut faults = Faults::default();
        let indexes = indexes(old, rest, arguments, &fields, &mut faults);
        let fields = changed(old, name, &fields, &arguments.without, &mut faults);
        faults.or(()).map_err(Stop::Usage)?;
        let same = || old.filter(|old| old.name == *name);
        let plural =
            plural.map(str::to_owned).or_else(|| same().filter(|old| old.irregular).map(|old| old.plural.clone()));
        let was = was.map(str::to_owned).or_else(|| same().and_then(|old| old.was.clone()));
        // Rules stay with the rows of a resource that is renamed.
        let rule = |key: &str, rule: fn(&Resource) -> Option<Access>| {
            said(key).map(str::to_owned).or_else(|| Some(rule(old?)?.as_str().to_owned()))
        };
        let (read, write) = (rule("read=", |old| old.access.read), rule("write=", |old| old.access.write));
        let kept = || Some(old?.retain?.to_string());
        let retain = said("retain=").map(str::to_owned).or_else(kept);
        let mut spec = vec![(*name).to_owned()];
        spec.extend(plural.map(|plural| format!("plural={plural}")));
        spec.extend(was.map(|was| format!("was={was}")));
        spec.extend(read.map(|read| format!("read={read}")));
        spec.extend(write.map(|write| format!("write={write}")));
        spec.extend(retain.map(|retain| format!("retain={retain}")));
        spec.extend(indexes.iter().map(|index| format!("index={index}")));
        spec.extend(fields);
        let mut specs: Vec<String> = resources.iter().map(ToString::to_string).collect();
        let place = at.unwrap_or(specs.len());
        if at.is_some() {
            specs.remove(place);
        }
        self.resources = judged(specs.into_iter(), Some((place, spec.join(" "))), pack).map_err(Stop::Usage)?;
        if at.is_none() {
            self.notes.extend(blueprint::unowned_references(&self.resources[place..=place], pack));
        }
        Ok(self.standing(pack, drawn)?)
    }
}

/// The fields of `old` without those that go, and with those that are `given`.
fn changed(old: Option<&Resource>, name: &str, given: &[&str], without: &[String], faults: &mut Faults) -> Vec<String> {
    let mut texts: Vec<String> = old.iter().flat_map(|old| &old.fields).map(ToString::to_string).collect();
    for gone in without {
        match texts.iter().position(|text| field_name(text) == gone) {
            Some(at) => drop(texts.remove(at)),
            None => {
                let near = did_you_mean(gone, texts.iter().map(|text| field_name(text)));
                faults.push(Fault::new(format!("--without {gone}: \"{name}\" has no such field{near}")));
            }
        }
    }
    for field in given {
        let was = former_name(field);
        let before = was.as_deref().unwrap_or(field_name(field));
        let place = texts.iter().position(|text| field_name(text) == field_name(field) || field_name(text) == before);
        match place {
            Some(place) => (*field).clone_into(&mut texts[place]),
            None => texts.push((*field).to_owned()),
        }
    }
    texts
}

/// The indexes of `old` without those that go, by the names that its fields have now, and those among the `words`.
fn indexes(
    old: Option<&Resource>,
    words: &[&str],
    arguments: &ResourceArgs,
    fields: &[&str],
    faults: &mut Faults,
) -> Vec<String> {
    let means = |text: &str, index: &CompositeIndex| old.and_then(|old| old.index(text)).as_ref() == Some(index);
    let mut all: Vec<CompositeIndex> = old.map(|old| old.indexes.clone()).unwrap_or_default();
    for gone in &arguments.without_index {
        match all.iter().position(|index| means(gone, index)) {
            Some(at) => drop(all.remove(at)),
            None => {
                let there: Vec<String> = all.iter().map(ToString::to_string).collect();
                let near = did_you_mean(gone, there.iter().map(String::as_str));
                let fault = Fault::new(format!("--without-index {gone}: there is no such index{near}"));
                faults.push(if there.is_empty() {
                    fault
                } else {
                    fault.help(format!("there are {}", there.join(" and ")))
                });
            }
        }
    }
    for gone in &arguments.without {
        for index in all.iter().filter(|index| index.columns.iter().any(|column| column.name == *gone)) {
            let fault = Fault::new(format!("--without {gone}: the index \"{index}\" needs it"));
            faults.push(fault.help(format!("take that away as well: --without-index={index}")));
        }
    }
    let mut texts: Vec<String> = words
        .iter()
        .filter_map(|word| word.strip_prefix("index="))
        .filter(|text| !all.iter().any(|index| means(text, index)))
        .map(str::to_owned)
        .collect();
    for field in fields {
        let Some(was) = former_name(field) else { continue };
        let columns = all.iter_mut().flat_map(|index| &mut index.columns);
        columns.filter(|column| column.name == was).for_each(|column| field_name(field).clone_into(&mut column.name));
    }
    texts.splice(0..0, all.iter().map(ToString::to_string));
    texts
}

/// All resources judged together; the one that the command is about stands at its place among the others.
pub(super) fn judged(
    others: impl Iterator<Item = String>,
    new: Option<(usize, String)>,
    pack: &Pack,
) -> Result<Vec<Resource>, Faults> {
    let mut specs: Vec<(String, bool)> = others.map(|spec| (spec, false)).collect();
    if let Some((at, spec)) = new {
        specs.insert(at, (spec, true));
    }
    let mut drafts = Drafts::default();
    for (number, (spec, is_new)) in (1..).zip(&specs) {
        if *is_new { drafts.arguments(spec) } else { drafts.flag(number, spec) }
    }
    blueprint::resources(drafts, pack)
}

/// A text's words; spaces inside brackets and quotes divide nothing.
fn split(text: &str) -> Vec<&str> {
    let (mut open, mut quoted, mut escaped) = (false, false, false);
    let parts = text.split(move |c: char| {
        let taken = escaped;
        escaped = quoted && !taken && c == '\\';
        match c {
            '"' if !taken => quoted = !quoted,
            '(' if !quoted => open = true,
            ')' if !quoted => open = false,
            _ => {}
        }
        c.is_whitespace() && !open && !quoted
    });
    parts.filter(|part| !part.is_empty()).collect()
}

fn field_name(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}

/// The name that a field had before, as its text says; what is wrong with it is told when all are judged.
fn former_name(text: &str) -> Option<String> {
    let field = Drafts::default().field(&Written::typed(1, text))?;
    Some(field.was?.value)
}
