//! What of a pack is used, and by what.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use tera::Delimiters;

use super::parts::{is_rendered, is_written};
use super::rows::{Row, Rows};
use crate::fault::{Fault, Faults, Place};
use crate::pack::{
    Answer, CONTRIBUTIONS, Condition, Layer, LayerFile, NextStep, Pack, Policy, Proof, RenamedName, Stray,
    TEMPLATE_NAMES, Text,
};
use crate::render::{Tree, context_of, select};
use crate::template;

/// What a file that is written once may read: an answer that could change would never reach it.
const LASTING: [&str; 3] = ["name", "year", "author"];

/// What each template reads, by its path in the pack.
pub type Reads = BTreeMap<String, BTreeSet<String>>;

/// What can be told of a pack as it lies there.
pub fn faults(pack: &Pack, reads: &Reads) -> Faults {
    let mut faults = short_texts(pack);
    let used = names_read(pack, reads);
    for question in pack.manifest.questions.iter().filter(|question| question.is_open()) {
        if !used.contains(&question.key) {
            let message = format!("\"{}\" is asked, and nothing reads the answer", question.key);
            faults.push(
                Fault::at(question.place.clone(), message)
                    .help("leave the question out, or use it in a template or a `when`"),
            );
        }
    }
    slots(pack, &mut faults);
    kinds(pack, &mut faults);
    partials(pack, &mut faults);
    strays(pack, &mut faults);
    faults
}

/// Values in the marks that Tera has where nothing is said, in a pack with others: they are written as they stand.
/// That may be meant, where what is written is a template itself.
pub fn notes(pack: &Pack) -> Vec<String> {
    let open = &pack.manifest.delimiters.variable_start;
    let usual = Delimiters::default().variable_start;
    let names = pack.manifest.questions.iter().map(|question| question.key.as_str()).chain(TEMPLATE_NAMES);
    let names = names.map(regex::escape).collect::<Vec<_>>().join("|");
    // `${{ name }}` is an expression of GitHub's.
    let value = Regex::new(&format!(r"(?m)(?:^|[^$\{{]){}-?\s*({names})\b", regex::escape(&usual)));
    let (Ok(value), true) = (value, *open != usual) else { return Vec::new() };
    let mut notes = Vec::new();
    for file in pack.layers.iter().flat_map(Layer::all_files).filter(|file| file.rendered) {
        let text = String::from_utf8_lossy(&file.content);
        if let Some(name) = value.captures(&text).and_then(|found| found.get(1)) {
            let place = Place::in_text(pack.shown(&file.source), &text, name.start());
            let (name, close) = (name.as_str(), &pack.manifest.delimiters.variable_end);
            notes
                .push(format!("{place}: `{usual} {name}` is written as it stands; a value is `{open} {name} {close}`"));
        }
    }
    notes
}

/// Every short text of a layer that may hold values, with its place.
fn texts_of(layer: &Layer, pack: &Pack) -> Vec<(String, Place)> {
    let mut texts = Vec::new();
    for file in &layer.files {
        texts.push((file.target.clone(), Place::new(pack.shown(&file.source), 1, 1)));
    }
    for rule in &layer.rules {
        texts.push((rule.pattern.clone(), rule.place.clone()));
        texts.extend(rule.moved_from.iter().flatten().map(|text| (text.clone(), rule.moved_from_place.clone())));
    }
    for evidence in layer.claims.iter().flat_map(|claim| &claim.evidence) {
        texts.push((evidence.path.clone(), evidence.place.clone()));
        if let Proof::Value(pointer, _) = &evidence.proof {
            texts.push((pointer.clone(), evidence.place.clone()));
        }
    }
    texts.extend(texts_of_names(&layer.renamed));
    for (setting, place) in &layer.config {
        texts.extend(setting.values().filter_map(|value| Some((value.as_str()?.to_owned(), place.clone()))));
    }
    for one in &layer.contributions {
        texts.extend(one.texts());
    }
    texts.extend(texts_of_steps(&layer.next));
    texts
}

fn texts_of_steps(steps: &[NextStep]) -> impl Iterator<Item = (String, Place)> {
    steps.iter().map(|step| (step.run.clone(), step.place.clone()))
}

fn texts_of_names(names: &[RenamedName]) -> impl Iterator<Item = (String, Place)> {
    names.iter().flat_map(|name| [&name.from, &name.to].map(|text| (text.clone(), name.place.clone())))
}

/// Every short text of the pack that may hold values.
fn short_texts_of(pack: &Pack) -> impl Iterator<Item = (String, Place)> {
    let next = &pack.manifest.next;
    let steps = texts_of_steps(&next.steps).chain(texts_of_steps(&next.meanwhile));
    pack.layers
        .iter()
        .flat_map(|layer| texts_of(layer, pack))
        .chain(texts_of_names(&pack.manifest.renamed))
        .chain(steps)
}

/// Paths and settings are parsed when they are drawn; here, all of them.
fn short_texts(pack: &Pack) -> Faults {
    let mut faults = Faults::default();
    for (text, place) in short_texts_of(pack) {
        if let Err(why) = template::variables_of(&pack.manifest.delimiters, &text) {
            faults.push(Fault::at(place, format!("\"{}\": {why}", crate::pack::shown(&text))));
        }
    }
    faults
}

/// All names that anything in the pack reads.
fn names_read(pack: &Pack, reads: &Reads) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = reads.values().flatten().cloned().collect();
    let conditions = super::conditions::all(pack);
    names.extend(conditions.iter().flat_map(|judged| judged.condition.reads()));
    let read = |text: &str| template::variables_of(&pack.manifest.delimiters, text).unwrap_or_default();
    for question in &pack.manifest.questions {
        for value in [&question.default, &question.otherwise].into_iter().flatten() {
            if let Answer::Text(text) = value {
                names.extend(read(text));
            }
        }
    }
    for layer in &pack.layers {
        names.extend(layer.for_each.iter().map(|(list, _)| list.clone()));
    }
    let next = &pack.manifest.next;
    let steps = pack.layers.iter().flat_map(|layer| &layer.next).chain(&next.steps).chain(&next.meanwhile);
    names.extend(steps.flat_map(|step| &step.when).flat_map(Condition::reads));
    names.extend(short_texts_of(pack).flat_map(|(text, _)| read(&text)));
    names
}

fn slots(pack: &Pack, faults: &mut Faults) {
    let delimiters = &pack.manifest.delimiters;
    for (full, slot) in pack.slots.iter().filter(|(full, _)| pack.files_of_slot(full).is_empty()) {
        let name = full.rsplit('/').next().unwrap_or(full);
        let message = format!("no file of layer \"{}\" has the slot \"{name}\"", slot.owner);
        let line = format!("{} slot(\"{name}\") {}", delimiters.variable_start, delimiters.variable_end);
        faults.push(Fault::at(slot.place.clone(), message).help(format!("a line of its own: {line}")));
    }
    // Lines for a layer that is deleted are dropped, and so would be lines for one that is misspelt.
    for layer in &pack.layers {
        let orders = layer.slot_order.iter().map(|(name, (_, place))| (name.as_str(), place.clone()));
        let lines = layer.slots.iter().map(|file| (file.target.as_str(), Place::new(pack.shown(&file.source), 1, 1)));
        let owners = orders.chain(lines).filter_map(|(name, place)| Some((name.split_once('/')?.0, place)));
        let partners = layer.contributions.iter().flat_map(|one| &one.with);
        let named = owners.chain(partners.map(|(name, place)| (name.as_str(), place.clone())));
        for (name, place) in named.filter(|(name, _)| pack.layer(name).is_none()) {
            let near = crate::fault::did_you_mean(name, pack.layers.iter().map(|layer| layer.name.as_str()));
            faults.push(Fault::at(place, format!("there is no layer \"{name}\"{near}")));
        }
    }
}

/// Kinds of contributions, and fields of them, that no template reads: nobody would miss them.
fn kinds(pack: &Pack, faults: &mut Faults) {
    let files = pack.layers.iter().flat_map(Layer::all_files).filter(|file| file.rendered);
    let files = files.map(|file| String::from_utf8_lossy(&file.content));
    let texts: Vec<_> = files.chain(pack.partials.iter().map(|(_, text)| text.content.clone())).collect();
    for (kind, rules) in &pack.manifest.kinds {
        let list = format!("{CONTRIBUTIONS}.{kind}");
        let readers: Vec<_> = texts.iter().filter(|text| text.contains(&list)).collect();
        if readers.is_empty() {
            let message = format!("no template reads {list}");
            faults.push(Fault::at(rules.place.clone(), message).help("a kind that nothing renders is left out"));
            continue;
        }
        for (name, field) in rules.fields.iter().filter(|(name, _)| *name != "needs") {
            let key = format!(".{name}");
            let reads = |text: &str| {
                let ends = |at: usize| !text[at..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
                text.match_indices(&key).any(|(at, _)| ends(at + key.len()))
            };
            if !readers.iter().any(|text| reads(text)) {
                let message = format!("no template that reads {list} reads its `{name}`");
                faults.push(Fault::at(field.place.clone(), message));
            }
        }
    }
}

/// New files of overlays with a path that is nearly another's, and what they would leave out and is not there.
fn strays(pack: &Pack, faults: &mut Faults) {
    for Stray { path, near } in pack.overlays.iter().flat_map(|overlay| &overlay.strays) {
        let message = format!("it joins as a new file; did you mean to stand for {near}?");
        let help = "a file stands for the one of the same path; who has both in the overlay means both";
        faults.push(Fault::at(Place::new(pack.shown(path), 1, 1), message).help(help));
    }
    pack.overlays.iter().flat_map(|overlay| &overlay.missing).for_each(|fault| faults.push(fault.clone()));
}

/// A component of a partial; its body reaches to the next.
struct Component<'a> {
    name: &'a str,
    partial: &'a (String, Text),
    at: usize,
    body: &'a str,
}

/// Components that no file comes to, itself or through another.
fn partials(pack: &Pack, faults: &mut Faults) {
    let start = regex::escape(&pack.manifest.delimiters.block_start);
    let definition = format!(r"{start}-?\s*component\s+([A-Za-z_][\w.]*)");
    let (Ok(definition), Ok(call)) = (Regex::new(&definition), Regex::new(r"<\s*([A-Za-z_][\w.]*)")) else { return };
    let mut components = Vec::new();
    for partial in &pack.partials {
        let text = &partial.1.content;
        let found: Vec<_> = definition.captures_iter(text).filter_map(|found| found.get(1)).collect();
        for (number, name) in found.iter().enumerate() {
            let end = found.get(number + 1).map_or(text.len(), regex::Match::start);
            components.push(Component { name: name.as_str(), partial, at: name.start(), body: &text[name.end()..end] });
        }
    }
    let files = pack.layers.iter().flat_map(Layer::all_files);
    let files: Vec<_> = files.filter(|file| file.rendered).map(|file| String::from_utf8_lossy(&file.content)).collect();
    let mut open: Vec<&str> = files.iter().map(AsRef::as_ref).collect();
    let included = |path: &str| files.iter().any(|text| text.contains(&format!("\"{path}\"")));
    // What is included as a whole speaks for itself.
    let whole = pack.partials.iter().filter(|(path, _)| included(path));
    open.extend(whole.map(|(_, text)| &*text.content));
    let mut called = BTreeSet::new();
    while let Some(text) = open.pop() {
        for name in call.captures_iter(text).filter_map(|found| found.get(1)) {
            if called.insert(name.as_str().to_owned()) {
                open.extend(components.iter().filter(|one| one.name == name.as_str()).map(|one| one.body));
            }
        }
    }
    for component in components.iter().filter(|component| !called.contains(component.name)) {
        let place = component.partial.1.place(component.at);
        faults.push(Fault::at(place, format!("no file calls the component \"{}\"", component.name)));
    }
    for (path, text) in &pack.partials {
        let defines = components.iter().any(|component| component.partial.0 == *path);
        if !defines && !included(path) {
            faults.push(Fault::at(text.place(0), "nothing includes it, and it defines no component"));
        }
    }
}

/// What services have used so far.
#[derive(Debug, Default)]
pub struct Used {
    /// Paths in the pack.
    sources: BTreeSet<String>,
    /// Files whose policy asks something of them.
    policies: BTreeMap<String, Policy>,
}

impl Used {
    /// Takes in what one service has used.
    pub fn take(&mut self, pack: &Pack, row: &Row, tree: &Tree) {
        let label = pack.shown("");
        for (_, file) in tree.iter() {
            if let Some(source) = file.source.strip_prefix(&label) {
                self.sources.insert(source.to_owned());
                self.policies.insert(source.to_owned(), file.policy);
            }
        }
        let Ok(layers) = select(pack, &context_of(&row.blueprint, pack)) else { return };
        for layer in layers.iter().filter(|layer| is_rendered(layer, row)) {
            let is_in = |name: &str| layers.iter().any(|layer| layer.name == name);
            let placed =
                layer.slots.iter().filter(|lines| pack.slots.get(&lines.target).is_some_and(|slot| is_in(&slot.owner)));
            let united = layer.parts.iter().filter(|part| tree.get(&part.target).is_some());
            self.sources.extend(placed.chain(united).map(|file| file.source.clone()));
        }
    }

    /// Files under a policy that is not theirs to have.
    pub fn policies(&self, pack: &Pack, reads: &Reads) -> Faults {
        let mut faults = Faults::default();
        let nothing = BTreeSet::new();
        for layer in &pack.layers {
            for file in &layer.files {
                let place = Place::new(pack.shown(&file.source), 1, 1);
                match self.policies.get(&file.source) {
                    Some(Policy::Once) => {
                        let read = reads.get(&file.source).unwrap_or(&nothing);
                        let mut more: Vec<&str> =
                            read.iter().map(String::as_str).filter(|name| !LASTING.contains(name)).collect();
                        if file.rendered && String::from_utf8_lossy(&file.content).contains("slot(\"") {
                            more.push("a slot");
                        }
                        if !more.is_empty() {
                            let message = format!("it is written once, and reads what may change: {}", more.join(", "));
                            let help =
                                format!("a file under `once` reads {} alone; leave the policy out", LASTING.join(", "));
                            faults.push(Fault::at(place, message).help(help));
                        }
                    }
                    Some(Policy::Lock) => {
                        let fault = Fault::at(place, "`lock` is for the file that [lock] in pack.toml makes");
                        faults.push(fault.help("`merge` brings it along, and `once` leaves it to the team"));
                    }
                    _ => {}
                }
            }
        }
        faults
    }

    /// Files and lines that no answers bring into a service.
    pub fn dead(&self, pack: &Pack, rows: &Rows) -> Faults {
        let mut faults = Faults::default();
        for layer in &pack.layers {
            let idle: Vec<&LayerFile> = layer.all_files().filter(|file| !self.sources.contains(&file.source)).collect();
            if idle.is_empty() {
                continue;
            }
            let context = |row: &Row| context_of(&row.blueprint, pack);
            let has = |row: &&Row| {
                is_rendered(layer, row)
                    && select(pack, &context(row))
                        .is_ok_and(|layers| layers.iter().any(|other| other.name == layer.name))
            };
            let inside: Vec<&Row> = rows.chosen.iter().filter(has).collect();
            if inside.is_empty() {
                if layer.when.is_none() {
                    let place = Place::new(pack.shown(&format!("{}/layer.toml", layer.folder)), 1, 1);
                    faults.push(Fault::at(place, "the layer is never in"));
                }
                // With a `when`, it was told as that.
                continue;
            }
            for file in idle {
                let is_slot = layer.slots.iter().any(|slot| slot.source == file.source);
                let is_part = layer.parts.iter().any(|part| part.source == file.source);
                if !is_slot && !is_part && inside.iter().any(|row| is_written(layer, file, &context(row))) {
                    continue;
                }
                let place = Place::new(pack.shown(&file.source), 1, 1);
                faults.push(if is_slot {
                    let owner = file.target.split('/').next().unwrap_or_default();
                    if pack.layer(owner).is_none() {
                        continue;
                    }
                    Fault::at(place, format!("its lines are never placed: layer \"{owner}\" is never in with this one"))
                } else if is_part {
                    Fault::at(
                        place,
                        format!("{} is never there with this layer: the part is never joined", file.target),
                    )
                } else {
                    Fault::at(place, "no answers bring this file into a service")
                        .help("the rules of its layer that it falls under contradict each other")
                });
            }
        }
        faults
    }
}
