//! `tree = render(blueprint, pack)`: pure. No clock, no network, no environment, nothing random.

mod bounds;
mod contributions;
mod database;
mod engine;
mod json;
pub mod lockfile;
mod next;
mod path;
mod renames;
mod rendering;
mod select;
mod siblings;
mod slots;
mod sources;
mod tree;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use tera::{Context, Value};

pub use next::NextSteps;
pub use path::TreePath;
pub use renames::{Rename, Renames};
pub use select::{DependencyLine, dependencies, keep_resources, select, take_resources};
pub use tree::{Mode, RECORD, Tree, TreeFile};

use self::database::Database;
use self::engine::Engine;
use self::rendering::{Contexts, Rendering, Work};
use crate::blueprint::{self, Blueprint};
use crate::fault::{Fault, Faults};
use crate::pack::{
    Answer, CONTRIBUTIONS, KINDS, Layer, Pack, RESOURCES, RETAINED, Stray, TARGETS, TEMPLATE_NAMES, visible,
};
use crate::schema::{self, Model, Resource};
use crate::template::Texts;

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
    let model = Model::new(&[], &blueprint.resources);
    let resources = schema::views(&blueprint.resources, &blueprint::surroundings(pack), &model, true);
    let fields = || resources.iter().flat_map(|resource| &resource.fields);
    let kinds: BTreeSet<&str> = fields().map(|field| field.kind).collect();
    context.insert(KINDS, &kinds);
    let relations = resources.iter().flat_map(|resource| &resource.relations);
    let targets: BTreeSet<&str> = relations.filter_map(|field| Some(field.target.as_ref()?.name.as_str())).collect();
    context.insert(TARGETS, &targets);
    let is_retained = |name: &&String| blueprint.resources.iter().any(|one| one.name == **name && one.retain.is_some());
    let retained = model.tables.iter().rev().map(|table| &table.resource).filter(is_retained);
    context.insert(RETAINED, &retained.collect::<Vec<_>>());
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
    let files = layers.iter().flat_map(|layer| layer.all_files());
    let templates = files.filter(|file| file.rendered).map(|file| &file.source);
    Ok(templates.map(|source| (source.clone(), engine.reads(source))).collect())
}

/// As [`render`], given up where it takes too long, or too much memory.
pub fn render_in_time(blueprint: &Blueprint, pack: &Arc<Pack>) -> Result<Tree, Faults> {
    let (blueprint, pack) = (blueprint.clone(), Arc::clone(pack));
    bounds::in_time(move || render(&blueprint, &pack))
}

/// Renders a whole repository in memory. All faults of the pack and the answers at once.
pub fn render(blueprint: &Blueprint, pack: &Pack) -> Result<Tree, Faults> {
    let blueprint = &*with_earlier_tables(blueprint);
    let mut context = context_of(blueprint, pack);
    let layers = select(pack, &context)?;
    select::contribute(pack, &layers, &mut context)?;
    let next = NextSteps::new(pack, &layers, &context)?;
    context.insert("next", &next);
    select::keep_resources(blueprint, pack, &layers)?;
    let database = Database::of(blueprint, pack, &layers)?;
    let around = blueprint::surroundings(pack);
    let accounts = blueprint::has_accounts(&layers);
    let model = database.model();
    let resources: Vec<Value> =
        schema::views(&blueprint.resources, &around, &model, accounts).iter().map(Value::from_serializable).collect();
    context.insert_value(RESOURCES, Value::from(resources.clone()));
    context.insert("tables", &schema::views(&database.own_resources(), &around, &model, accounts));
    context.insert("dialect", &database.dialect());
    let names: BTreeSet<String> = TEMPLATE_NAMES
        .iter()
        .map(|name| (*name).to_owned())
        .chain(blueprint.answers.iter().map(|(key, _)| key.to_owned()))
        .collect();
    let former = former_views(blueprint, &around, accounts);
    let mut items: Vec<_> = layers.iter().map(|layer| items(layer, blueprint, &resources, &former, &context)).collect();
    let first = works(&layers, items, &context);
    let contributed = Value::from_serializable(&contributions::gather(pack, &first)?);
    items = first.into_iter().map(|work| work.items).collect();
    for contexts in items.iter_mut().flatten() {
        contexts.now.to_mut().insert_value(CONTRIBUTIONS, contributed.clone());
    }
    context.insert_value(CONTRIBUTIONS, contributed);
    let works = works(&layers, items, &context);
    let (graph, engine) = rayon::join(|| lockfile::graph(pack, &layers), || Engine::new(pack, &layers, &names));
    let engine = engine?;
    let texts = Texts::new(&pack.manifest.delimiters);
    let mut rendering = Rendering::new(pack, &engine, &texts);
    rendering.slot_lines(&works);
    rendering.parts(&works);
    rendering.files(&works);
    rendering.rules(&works);
    rendering.unplaced();
    let (mut tree, mut faults) = rendering.done();
    match Renames::of(pack, &texts, &works, &context) {
        Ok(renames) => tree.renames = renames,
        Err(more) => faults.extend(more),
    }
    tree.layers = layers.iter().map(|layer| layer.name.clone()).collect();
    tree.strays = strays(pack, &layers);
    tree.next = next;
    tree.drawn = select::drawn_settings(&layers);
    if let Some(file) = tree.bare_repository() {
        faults.push(Fault::new(format!("{}: its folder would be a git repository of its own", file.source)));
    }
    faults.or(())?;
    let graph = graph?;
    let finish = || {
        lockfile::add(&mut tree, pack, &layers, graph)?;
        database.write(blueprint, pack, &mut tree)
    };
    // Parsed templates and what they saw are many small pieces of memory: nobody waits for their end.
    rayon::join(|| drop((engine, works)), finish).1?;
    Ok(tree)
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

/// With the tables that the migrations made for its resources, where those have other names now.
fn with_earlier_tables(blueprint: &Blueprint) -> Cow<'_, Blueprint> {
    let Some(reached) = &blueprint.drawn.reached else { return Cow::Borrowed(blueprint) };
    let earlier = |resource: &Resource| reached.earlier_table(resource, &blueprint.resources).map(str::to_owned);
    let earlier: Vec<Option<String>> = blueprint.resources.iter().map(earlier).collect();
    if earlier.iter().all(Option::is_none) {
        return Cow::Borrowed(blueprint);
    }
    let mut blueprint = blueprint.clone();
    for (resource, earlier_table) in blueprint.resources.iter_mut().zip(earlier) {
        resource.earlier_table = earlier_table;
    }
    Cow::Owned(blueprint)
}

/// What each resource was before it was called as it is, by its number: with each plural that it may have had.
fn former_views(
    blueprint: &Blueprint,
    around: &schema::Surroundings,
    accounts: bool,
) -> Vec<Vec<schema::ResourceView>> {
    let mut former = vec![Vec::new(); blueprint.resources.len()];
    let earlier: Vec<Vec<String>> = blueprint.resources.iter().map(Resource::earlier_tables).collect();
    for attempt in 0..earlier.iter().map(Vec::len).max().unwrap_or(0) {
        let named = |(resource, earlier): (&Resource, &Vec<String>)| match earlier.get(attempt) {
            Some(plural) => {
                let name = resource.was.as_ref().unwrap_or(&resource.name).clone();
                Resource { name, plural: plural.clone(), ..resource.clone() }
            }
            None => resource.clone(),
        };
        let before: Vec<Resource> = blueprint.resources.iter().zip(&earlier).map(named).collect();
        let views = schema::views(&before, around, &Model::new(&[], &before), accounts);
        for (number, view) in views.into_iter().enumerate().filter(|(at, _)| earlier[*at].len() > attempt) {
            former[number].push(view);
        }
    }
    former
}

/// The layers, each with what its templates see.
fn works<'a>(layers: &[&'a Layer], items: Vec<Vec<Contexts<'static>>>, context: &'a Context) -> Vec<Work<'a>> {
    let once = || Contexts { now: Cow::Borrowed(context), former: Vec::new() };
    layers.iter().zip(items).map(|(layer, items)| Work { layer, once: once(), items }).collect()
}

/// What the templates of a layer with `for_each` see of each item.
fn items(
    layer: &Layer,
    blueprint: &Blueprint,
    resources: &[Value],
    former: &[Vec<schema::ResourceView>],
    context: &Context,
) -> Vec<Contexts<'static>> {
    let Some((list, item_name)) = &layer.for_each else { return Vec::new() };
    let with = |item: &dyn Fn(&mut Context)| {
        let mut context = context.clone();
        item(&mut context);
        context
    };
    if layer.is_for_resources() {
        // The layers share the values of a resource.
        let now = |view: &Value| with(&|context| context.insert_value(item_name.clone(), view.clone()));
        let former_view = |view: &schema::ResourceView| with(&|context| context.insert(item_name.clone(), view));
        let each = resources.iter().zip(former);
        return each
            .map(|(view, former)| Contexts {
                now: Cow::Owned(now(view)),
                former: former.iter().map(former_view).collect(),
            })
            .collect();
    }
    match blueprint.answers.get(list) {
        Some(Answer::List(items)) => items
            .iter()
            .map(|item| with(&|context| context.insert(item_name.clone(), item)))
            .map(|context| Contexts { now: Cow::Owned(context), former: Vec::new() })
            .collect(),
        _ => Vec::new(),
    }
}
