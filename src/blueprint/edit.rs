//! Changing `service.toml` as its owner would by hand: what stays the same keeps every byte, comments and
//! order included. A new one is an empty one that is changed.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, RawString, Table, Value, value};

use super::definition::Blueprint;
use super::file::ServiceFile;
use super::resources::{FIRST, table_of};
use super::template;
use super::values::{replace, set};
use crate::fault::{Fault, Faults};
use crate::pack::{Answer, Kind, Pack, Question, Text};
use crate::schema::{Access, Resource};

/// What a new file begins with.
const HEADER: &str = "# The blueprint of this repository: new-service made every file from it and a template.\n\
                      # Keep it with the code; it is what later versions of the template are merged by.\n\n";

impl ServiceFile {
    /// The text that says `blueprint`, made of what this one says.
    pub fn edited(&self, blueprint: &Blueprint, pack: &Pack) -> Result<String, Faults> {
        let document = self.text().content.parse().map_err(|error: toml_edit::TomlError| {
            let place = self.text().place(error.span().map_or(0, |span| span.start));
            Faults::from(Fault::at(place, error.message().replace('\n', " ")))
        })?;
        say(document, blueprint, pack)
    }

    /// The same once the renames of resources are carried out: it says nothing of them any more.
    pub fn carried_out(&self, blueprint: &Blueprint, pack: &Pack) -> Result<String, Faults> {
        // With the old names first, by which what stands there is found.
        let edited = Text::new(self.text().file.clone(), self.edited(blueprint, pack)?);
        Self::parse(edited)?.edited(&blueprint.without_history(), pack)
    }

    /// The text of a new one: the answers to the questions that apply, in the pack's order.
    pub fn created(blueprint: &Blueprint, pack: &Pack) -> Result<String, Faults> {
        let mut document = DocumentMut::new();
        document.decor_mut().set_prefix(HEADER);
        say(document, blueprint, pack)
    }
}

fn say(mut document: DocumentMut, blueprint: &Blueprint, pack: &Pack) -> Result<String, Faults> {
    set(document.as_table_mut(), "name", blueprint.name.as_str().into());
    let template = document.entry("template").or_insert_with(|| Item::Table(Table::new()));
    if let Some(template) = template.as_table_like_mut() {
        template::write(template, pack);
    }
    answers(&mut document, blueprint, pack)?;
    resources(&mut document, &blueprint.resources);
    Ok(document.to_string())
}

/// `# Prompt (choices)`, above the answer.
fn comment(question: &Question) -> String {
    let choices: Vec<&str> = question.choices.iter().map(|choice| choice.value.as_str()).collect();
    match question.kind {
        Kind::Choice => format!("# {} ({})\n", question.prompt, choices.join(", ")),
        _ => format!("# {}\n", question.prompt),
    }
}

fn answers(document: &mut DocumentMut, blueprint: &Blueprint, pack: &Pack) -> Result<(), Faults> {
    let asked = blueprint.asked(pack)?;
    let item = document.entry("answers").or_insert_with(|| Item::Table(Table::new()));
    let Some(table) = item.as_table_mut() else {
        // One that stands on a line has no room for comments.
        let Some(table) = item.as_table_like_mut() else { return Ok(()) };
        let gone: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
        for key in gone.iter().filter(|key| !asked.iter().any(|question| question.key == **key)) {
            table.remove(key);
        }
        for question in asked {
            if let Some(answer) = blueprint.answers.get(&question.key) {
                match table.get_mut(&question.key).and_then(Item::as_value_mut) {
                    Some(there) => replace_answer(there, answer),
                    None => drop(table.insert(&question.key, value(answer.to_toml()))),
                }
            }
        }
        return Ok(());
    };
    let gone: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    let mut left_over = String::new();
    for key in gone.iter().filter(|key| !asked.iter().any(|question| question.key == **key)) {
        let question = pack.manifest.question(key);
        let comments = own_comments(prefix_of(table, key), question);
        let order: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
        let next = order.iter().skip_while(|other| *other != key).nth(1).cloned();
        table.remove(key);
        match next {
            Some(next) => {
                let prefix = format!("{comments}{}", prefix_of(table, &next));
                set_prefix(table, &next, &prefix);
            }
            None => left_over.push_str(&comments),
        }
    }
    for (number, question) in asked.iter().enumerate() {
        let Some(answer) = blueprint.answers.get(&question.key) else { continue };
        if let Some(there) = table.get_mut(&question.key).and_then(Item::as_value_mut) {
            replace_answer(there, answer);
            continue;
        }
        // After the nearest question before it that is there.
        let mut order: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
        let before = asked[..number].iter().rev().find_map(|other| order.iter().position(|key| *key == other.key));
        order.insert(before.map_or(0, |before| before + 1), question.key.clone());
        table.insert(&question.key, value(answer.to_toml()));
        set_prefix(table, &question.key, &comment(question));
        let rank = |key: &str| order.iter().position(|other| other == key);
        table.sort_values_by(|one, _, other, _| rank(one.get()).cmp(&rank(other.get())));
    }
    if !left_over.is_empty() {
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(format!("{trailing}{left_over}"));
    }
    Ok(())
}

/// Comments above an answer, without the one that `new-service` wrote.
fn own_comments(prefix: &str, question: Option<&Question>) -> String {
    let written = question.map(comment).unwrap_or_default();
    let own = |line: &&str| !line.trim().is_empty() && line.trim_end() != written.trim_end();
    prefix.split_inclusive('\n').filter(own).collect()
}

fn prefix_of<'a>(table: &'a Table, key: &str) -> &'a str {
    let prefix = table.key(key).and_then(|key| key.leaf_decor().prefix());
    prefix.and_then(RawString::as_str).unwrap_or_default()
}

fn set_prefix(table: &mut Table, key: &str, prefix: &str) {
    if let Some(mut key) = table.key_mut(key) {
        key.leaf_decor_mut().set_prefix(prefix);
    }
}

/// A list keeps what stays in it where it stands.
fn replace_answer(there: &mut Value, answer: &Answer) {
    match (there.as_array_mut(), answer) {
        (Some(array), Answer::List(items)) => keep_items(array, items, str::to_owned),
        _ => replace(there, answer.to_toml()),
    }
}

/// Makes `array` hold `items`, in their order; one that is there already, by its `name`, keeps its form.
fn keep_items(array: &mut Array, items: &[String], name: impl Fn(&str) -> String) {
    let mut old: Vec<Value> = array.iter().cloned().collect();
    let same = |value: &Value, item: &str| value.as_str() == Some(item);
    if old.len() == items.len() && old.iter().zip(items).all(|(value, item)| same(value, item)) {
        return;
    }
    let fresh = old.last().map_or_else(toml_edit::Decor::default, |value| value.decor().clone());
    let fresh_prefix = fresh.prefix().and_then(RawString::as_str).unwrap_or_default();
    // Of what stands above a line, the next one needs the line's break and its column alone.
    let line = fresh_prefix.rfind('\n').map_or(fresh_prefix, |at| &fresh_prefix[at..]).to_owned();
    let empty = old.is_empty();
    // A comment after the last item is about that one, and the next stands below it.
    let trailing = array.trailing().as_str().unwrap_or_default().to_owned();
    let comment = trailing.trim_end();
    let mut below = (!comment.is_empty()).then(|| format!("{comment}{line}"));
    array.clear();
    for item in items {
        let known = old.iter().position(|value| value.as_str().is_some_and(|text| name(text) == name(item)));
        let mut new = known.map_or_else(
            || {
                let mut value = Value::from(item.as_str());
                if !empty {
                    value.decor_mut().set_prefix(below.take().unwrap_or_else(|| line.clone()));
                }
                value
            },
            |at| old.remove(at),
        );
        replace(&mut new, item.as_str().into());
        if empty { array.push(new) } else { array.push_formatted(new) }
    }
    if below.is_none() && !comment.is_empty() {
        array.set_trailing("\n");
    }
    if !array.to_string().contains('\n') {
        array.fmt();
    }
}

fn resources(document: &mut DocumentMut, resources: &[Resource]) {
    if resources.is_empty() {
        // The comments of the last one are about it.
        document.remove("resource");
        return;
    }
    let item = document.remove("resource").unwrap_or_else(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let old = item.into_array_of_tables().unwrap_or_default();
    let mut new = ArrayOfTables::new();
    let known = |name: &str| old.iter().find(|table| table.get("name").and_then(Item::as_str) == Some(name)).cloned();
    let mut waiting = String::new();
    let gone = |name: Option<&str>| !resources.iter().any(|resource| Some(resource.name.as_str()) == name);
    for table in &old {
        let name = table.get("name").and_then(Item::as_str);
        let renamed =
            resources.iter().find(|resource| resource.was.as_deref() == name && known(&resource.name).is_none());
        let Some(resource) = resources.iter().find(|resource| Some(resource.name.as_str()) == name).or(renamed) else {
            if gone(name) {
                waiting.push_str(table.decor().prefix().and_then(RawString::as_str).unwrap_or_default());
            }
            continue;
        };
        let mut table = table.clone();
        change(&mut table, resource);
        if !waiting.is_empty() {
            let own = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default().to_owned();
            let above = std::mem::take(&mut waiting);
            table.decor_mut().set_prefix(if own.trim().is_empty() { above } else { above + &own });
        }
        new.push(table);
    }
    for resource in resources {
        let there = |table: &Table| table.get("name").and_then(Item::as_str) == Some(&resource.name);
        if !new.iter().any(there) {
            let mut table = table_of(resource);
            table.decor_mut().set_prefix(if new.is_empty() { FIRST } else { "\n" });
            new.push(table);
        }
    }
    document.insert("resource", Item::ArrayOfTables(new));
}

/// The keys of a `[[resource]]`, in their order.
const KEYS: [&str; 8] = ["name", "plural", "was", "read", "write", "retain", "fields", "indexes"];

fn change(table: &mut Table, resource: &Resource) {
    set(table, "name", resource.name.as_str().into());
    let mut added = false;
    let rule = |access: Option<Access>| access.map(Access::as_str);
    let retain = resource.retain.map(|retain| retain.to_string());
    for (key, text) in [
        ("plural", resource.irregular.then_some(resource.plural.as_str())),
        ("was", resource.was.as_deref()),
        ("read", rule(resource.access.read)),
        ("write", rule(resource.access.write)),
        ("retain", retain.as_deref()),
    ] {
        added |= text.is_some() && !table.contains_key(key);
        match text {
            Some(text) => set(table, key, text.into()),
            None => drop(table.remove(key)),
        }
    }
    if added {
        // A new key stands where a new table has it.
        let place = |key: &str| KEYS.iter().position(|known| *known == key);
        table.sort_values_by(|one, _, other, _| place(one).cmp(&place(other)));
    }
    indexes(table, resource);
    let fields: Vec<String> = resource.fields.iter().map(ToString::to_string).collect();
    match table.get_mut("fields").and_then(Item::as_array_mut) {
        Some(array) => {
            let name = |text: &str| text.trim().split(':').next().unwrap_or_default().to_owned();
            // What a person wrote in other words says the same.
            let kept: Vec<String> = fields
                .iter()
                .map(|field| {
                    let written = array.iter().filter_map(Value::as_str).find(|text| name(text) == name(field));
                    written.filter(|text| is_same_field(text, field)).map_or_else(|| field.clone(), str::to_owned)
                })
                .collect();
            keep_items(array, &kept, name);
        }
        None => {
            if let Some(fields) = table_of(resource).remove("fields") {
                table.insert("fields", fields);
            }
        }
    }
}

/// An index that is there already, in whatever words, keeps them.
fn indexes(table: &mut Table, resource: &Resource) {
    if resource.indexes.is_empty() {
        table.remove("indexes");
        return;
    }
    let Some(array) = table.get_mut("indexes").and_then(Item::as_array_mut) else {
        if let Some(indexes) = table_of(resource).remove("indexes") {
            table.insert("indexes", indexes);
        }
        return;
    };
    let written: Vec<String> = array.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let kept: Vec<String> = resource
        .indexes
        .iter()
        .map(|index| {
            let same = written.iter().find(|text| resource.index(text).as_ref() == Some(index));
            same.cloned().unwrap_or_else(|| index.to_string())
        })
        .collect();
    keep_items(array, &kept, str::to_owned);
}

/// Whether two texts are one field.
fn is_same_field(written: &str, field: &str) -> bool {
    let mut drafts = crate::schema::Drafts::default();
    let read = |drafts: &mut crate::schema::Drafts, text: &str| {
        let place = |_| crate::fault::Place::new("", 1, 1);
        let field = drafts.field(&crate::schema::Written::in_file(text, place))?;
        let on = |mark: &Option<crate::schema::Mark>| mark.is_some();
        Some((
            field.name.value,
            field.kind?.value,
            field.nullable,
            field.default.map(|default| default.value),
            on(&field.unique),
            on(&field.index),
            field.private,
            field.doc.map(|doc| crate::schema::sentence(&doc.value)),
            field.was.map(|was| was.value),
            field.renamed_choices,
        ))
    };
    matches!((read(&mut drafts, written), read(&mut drafts, field)), (Some(one), Some(other)) if one == other)
}
