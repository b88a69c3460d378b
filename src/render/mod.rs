//! `tree = render(blueprint, pack)`: pure. No clock, no network, no environment, nothing random.

mod bounds;
mod database;
mod engine;
mod json;
mod lockfile;
mod path;
mod select;
mod slots;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tera::Context;

pub use bounds::in_time;
pub use lockfile::{join as join_locks, unasked as unasked_in_lock, unite as unite_locks};
pub use path::TreePath;
pub use select::{DependencyLine, dependencies, keep_resources, select, take_resources};
pub use tree::{Mode, RECORD, Tree, TreeFile};

use self::database::Database;
use self::engine::Engine;
use self::slots::{Contributions, Lines};
use crate::blueprint::{self, Blueprint};
use crate::fault::{Fault, Faults};
use crate::pack::visible;
use crate::pack::{
    Answer, DEFAULT_ORDER, KINDS, Layer, LayerFile, Overlay, Pack, Policy, RESOURCES, Stray, TARGETS, TEMPLATE_NAMES,
    Text,
};
use crate::schema;
use crate::template::render_text;

/// What `when`s and templates see of a blueprint.
pub fn context_of(blueprint: &Blueprint, pack: &Pack) -> Context {
    #[derive(Serialize)]
    struct Template<'a> {
        name: &'a str,
        version: &'a str,
    }
    let mut context = Context::new();
    for (key, answer) in blueprint.answers.iter() {
        context.insert(key.to_owned(), answer);
    }
    context.insert("name", &blueprint.name);
    context.insert("year", &blueprint.drawn.year);
    context.insert("template", &Template { name: &pack.manifest.name, version: &pack.manifest.version });
    let resources = schema::views(&blueprint.resources, &blueprint::surroundings(pack).tables);
    let fields = || resources.iter().flat_map(|resource| &resource.fields);
    let kinds: BTreeSet<&str> = fields().map(|field| field.kind).collect();
    context.insert(KINDS, &kinds);
    let relations = resources.iter().flat_map(|resource| &resource.relations);
    let targets: BTreeSet<&str> = relations.filter_map(|field| Some(field.target.as_ref()?.name.as_str())).collect();
    context.insert(TARGETS, &targets);
    context.insert(RESOURCES, &resources);
    context
}

/// What each template of a pack reads, by its path there. All layers are parsed together, whether
/// answers could select them together or not: every fault in them at once.
pub fn reads(pack: &Pack) -> Result<BTreeMap<String, BTreeSet<String>>, Faults> {
    let layers: Vec<&Layer> = pack.layers.iter().collect();
    let questions = pack.manifest.questions.iter().map(|question| question.key.clone());
    let names = TEMPLATE_NAMES.iter().map(|name| (*name).to_owned()).chain(questions).collect();
    let engine = Engine::new(pack, &layers, &names)?;
    let files = layers.iter().flat_map(|layer| layer.files.iter().chain(&layer.slots));
    let templates = files.filter(|file| file.rendered).map(|file| &file.source);
    Ok(templates.map(|source| (source.clone(), engine.reads(source))).collect())
}

/// Renders a whole repository in memory. All faults of the pack and the answers at once.
pub fn render(blueprint: &Blueprint, pack: &Pack) -> Result<Tree, Faults> {
    let mut context = context_of(blueprint, pack);
    let layers = select(pack, &context)?;
    select::contribute(pack, &layers, &mut context)?;
    select::keep_resources(blueprint, pack, &layers)?;
    let database = Database::of(blueprint, pack, &layers)?;
    let tables = blueprint::surroundings(pack).tables;
    let resources = schema::views(&blueprint.resources, &tables);
    context.insert("tables", &schema::views(&database.own_resources(), &tables));
    context.insert("dialect", &database.dialect());
    let names: BTreeSet<String> = TEMPLATE_NAMES
        .iter()
        .map(|name| (*name).to_owned())
        .chain(blueprint.answers.iter().map(|(key, _)| key.to_owned()))
        .collect();
    let engine = Engine::new(pack, &layers, &names)?;

    let mut rendering = Rendering {
        pack,
        engine,
        slots: Contributions::default(),
        tree: Tree::default(),
        matched: BTreeSet::new(),
        faults: Faults::default(),
    };
    for layer in &layers {
        for context in contexts(layer, blueprint, &resources, &context) {
            rendering.slot_lines(layer, &context, &layers);
        }
    }
    rendering.slots.sort();
    for layer in &layers {
        for context in contexts(layer, blueprint, &resources, &context) {
            for file in &layer.files {
                if let Err(fault) = rendering.file(layer, file, &context) {
                    rendering.faults.push(fault);
                }
            }
        }
    }
    for layer in &layers {
        let idle = contexts(layer, blueprint, &resources, &context).is_empty();
        for (number, rule) in layer.rules.iter().enumerate().filter(|_| !idle) {
            if !rendering.matched.contains(&(layer.name.clone(), number)) {
                let message = format!("no file of the layer falls under \"{}\"", rule.glob);
                rendering.faults.push(Fault::at(rule.place.clone(), message).help("it is a path in the repository"));
            }
        }
    }
    for slot in rendering.slots.unplaced() {
        let owner = &pack.manifest.slots[slot].owner;
        let files = format!("layers/{owner}/files/");
        let shadows = |overlay: &&Overlay| overlay.shadows.iter().any(|shadow| shadow.path.starts_with(&files));
        if let Some(overlay) = pack.overlays.iter().rev().find(shadows) {
            // Who stands for a whole file has decided on its slots as well.
            let message = format!("stands for a file of layer \"{owner}\", and has no slot \"{slot}\"");
            let notes = &mut rendering.tree.notes;
            notes.push(format!("the overlay \"{}\" {message}: the lines for it are left out", visible(overlay.name())));
            continue;
        }
        rendering.faults.push(
            Fault::new(format!(
                "{}: no file of layer \"{owner}\" has the slot \"{slot}\", and lines for it would be lost",
                pack.manifest.slots[slot].place.file
            ))
            .help(format!(
                "a line of its own: {} slot(\"{slot}\") {}",
                pack.manifest.delimiters.variable_start, pack.manifest.delimiters.variable_end
            )),
        );
    }
    rendering.tree.notes.extend(strays(pack, &layers));
    if let Some(file) = rendering.tree.bare_repository() {
        rendering.faults.push(Fault::new(format!("{}: its folder would be a git repository of its own", file.source)));
    }
    if rendering.faults.is_empty() {
        rendering.lock_file(&layers)?;
        database.write(blueprint, pack, &mut rendering.tree)?;
    }
    rendering.faults.or(rendering.tree)
}

/// New files of overlays, in layers that are in, that may have missed what they were to stand for.
fn strays(pack: &Pack, layers: &[&Layer]) -> Vec<String> {
    let mut notes = Vec::new();
    for overlay in &pack.overlays {
        let has = |layer: &&Layer, source: &str| layer.files.iter().any(|file| file.source == source);
        for Stray { path, near } in overlay.strays.iter().filter(|one| layers.iter().any(|layer| has(layer, &one.path)))
        {
            let (overlay, path, near) = (visible(overlay.name()), visible(path), visible(near));
            notes.push(format!(
                "the overlay \"{overlay}\": {path} joins as a new file; did you mean to stand for {near}?"
            ));
        }
    }
    notes
}

/// One context a layer, or one an item where the layer is rendered for each.
fn contexts(
    layer: &Layer,
    blueprint: &Blueprint,
    resources: &[schema::ResourceView],
    context: &Context,
) -> Vec<Context> {
    fn each<T: Serialize>(items: &[T], item_name: &str, context: &Context) -> Vec<Context> {
        items
            .iter()
            .map(|item| {
                let mut context = context.clone();
                context.insert(item_name.to_owned(), item);
                context
            })
            .collect()
    }
    let Some((list, item_name)) = &layer.for_each else { return vec![context.clone()] };
    if layer.is_for_resources() {
        return each(resources, item_name, context);
    }
    match blueprint.answers.get(list) {
        Some(Answer::List(items)) => each(items, item_name, context),
        _ => Vec::new(),
    }
}

struct Rendering<'a> {
    pack: &'a Pack,
    engine: Engine<'a>,
    slots: Contributions,
    tree: Tree,
    /// Rules of `[files."GLOB"]` that a file fell under, by layer and number.
    matched: BTreeSet<(String, usize)>,
    faults: Faults,
}

impl Rendering<'_> {
    /// Lines for slots whose owner is in; the others are dropped (design §3).
    fn slot_lines(&mut self, layer: &Layer, context: &Context, layers: &[&Layer]) {
        for file in &layer.slots {
            let owner = &self.pack.manifest.slots[&file.target].owner;
            if !layers.iter().any(|layer| layer.name == *owner) {
                continue;
            }
            match self.content(file, context) {
                Ok(content) => {
                    let order = layer.slot_order.get(&file.target).copied().unwrap_or(DEFAULT_ORDER);
                    let text = String::from_utf8_lossy(&content).into_owned();
                    self.slots.add(&file.target, Lines { order, layer: layer.name.clone(), text });
                }
                Err(fault) => self.faults.push(fault),
            }
        }
    }

    fn file(&mut self, layer: &Layer, file: &LayerFile, context: &Context) -> Result<(), Fault> {
        let unsafe_path = |path: &str, why: String| {
            let source = self.pack.shown(&file.source);
            Fault::new(format!("{source}: the path \"{}\" may not be written: {why}", crate::pack::shown(path)))
        };
        let delimiters = &self.pack.manifest.delimiters;
        let target = render_text(delimiters, &file.target, context).map_err(|why| unsafe_path(&file.target, why))?;
        let path = TreePath::new(&target).map_err(|why| unsafe_path(&target, why))?;
        let mut policy = Policy::default();
        let mut mode = Mode::Plain;
        let mut moved_from = None;
        let mut sort: &[String] = &[];
        for (number, rule) in layer.rules.iter().enumerate() {
            if !rule.glob.matches(path.as_str()) {
                continue;
            }
            self.matched.insert((layer.name.clone(), number));
            if let Some(when) = &rule.when
                && !when.holds(context)?
            {
                return Ok(());
            }
            policy = rule.policy.unwrap_or(policy);
            if let Some(from) = &rule.moved_from {
                let from = render_text(delimiters, from, context).map_err(|why| unsafe_path(from, why))?;
                moved_from = Some(TreePath::new(&from).map_err(|why| unsafe_path(&from, why))?);
            }
            if !rule.sort.is_empty() {
                sort = &rule.sort;
            }
            if rule.mode == Some(0o755) {
                mode = Mode::Executable;
            }
        }
        let (mut content, mut personal) = (self.content(file, context)?, false);
        if file.rendered {
            let (text, composed) = self.slots.expand(&String::from_utf8_lossy(&content));
            content = tidy(&text);
            personal = composed || self.engine.is_personal(layer, &file.source);
        }
        let source = self.pack.shown(&file.source);
        if !sort.is_empty() {
            content = json::sorted(&content, sort)
                .map_err(|why| Fault::new(format!("{source}: it cannot be sorted, for it is no JSON: {why}")))?;
        }
        let overlay = self.pack.overlay_of(&file.source).map(|overlay| overlay.name().to_owned());
        let layer = layer.name.clone();
        self.tree.insert(path, TreeFile { content, mode, policy, layer, personal, moved_from, source, overlay })
    }

    fn content(&self, file: &LayerFile, context: &Context) -> Result<Vec<u8>, Fault> {
        if file.rendered {
            self.engine.render(&file.source, context).map(String::into_bytes)
        } else {
            Ok(file.content.clone())
        }
    }

    /// Adds the lock file that the layers' fragments make.
    fn lock_file(&mut self, layers: &[&Layer]) -> Result<(), Faults> {
        let Some(lock) = &self.pack.manifest.lock else { return Ok(()) };
        let fragments: Vec<&Text> = layers.iter().filter_map(|layer| layer.fragment.as_ref()).collect();
        let Some(manifest) = self.tree.get(&lock.manifest) else {
            return Err(
                Fault::new(format!("{}: no layer writes \"{}\"", self.pack.shown("pack.toml"), lock.manifest)).into()
            );
        };
        let layer = manifest.layer.clone();
        let (name, version) = root_package(&String::from_utf8_lossy(&manifest.content), &manifest.source)?;
        let unlocked = layers.iter().filter(|layer| layer.unlocked).map(|layer| layer.name.clone());
        self.tree.unlocked = unlocked.collect();
        let content = lockfile::unite(&fragments, &name, &version)?.into_bytes();
        let path = TreePath::new(&lock.path).map_err(Fault::new)?;
        let source = self.pack.shown("pack.toml");
        Ok(self.tree.insert(
            path,
            TreeFile {
                content,
                mode: Mode::Plain,
                policy: Policy::Lock,
                layer,
                personal: false,
                moved_from: None,
                source,
                overlay: None,
            },
        )?)
    }
}

fn root_package(manifest: &str, source: &str) -> Result<(String, String), Faults> {
    let text = Text::new(source, manifest);
    let table: toml::Table = text.toml()?;
    let get = |key: &str| table.get("package")?.get(key)?.as_str().map(str::to_owned);
    match (get("name"), get("version")) {
        (Some(name), Some(version)) => Ok((name, version)),
        _ => Err(Fault::new(format!("{source}: a lock file needs `name` and `version` under [package]")).into()),
    }
}

/// LF line ends, and one at the end of a text that is not empty.
fn tidy(text: &str) -> Vec<u8> {
    let text = text.replace("\r\n", "\n");
    let body = text.trim_end_matches('\n');
    if body.is_empty() { Vec::new() } else { format!("{body}\n").into_bytes() }
}
