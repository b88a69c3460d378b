//! What the layer that is the database gives: migrations, and offline query data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::path::TreePath;
use super::tree::{Mode, Tree, TreeFile};
use crate::blueprint::{self, Blueprint, Drawn};
use crate::fault::{Fault, Faults};
use crate::pack::{DatabaseRule, Dialect, Layer, Pack, Policy};
use crate::schema::{self, Layout, Migration, MigrationFile, Model, OwnTable, QueryFile, Resource, RustSource, Type};

/// The tables of a service, and the layer that keeps them.
pub struct Database<'a> {
    /// The layer that is the database, where one is in.
    rule: Option<(&'a Layer, &'a DatabaseRule)>,
    own: Vec<OwnTable>,
    resources: &'a [Resource],
}

impl<'a> Database<'a> {
    /// What the selected layers have; references to what they have not are faults.
    pub fn of(blueprint: &'a Blueprint, pack: &'a Pack, layers: &[&'a Layer]) -> Result<Self, Faults> {
        let is_in = |name: &str| layers.iter().any(|layer| layer.name == name);
        let (own, out): (Vec<OwnTable>, Vec<OwnTable>) =
            blueprint::own_tables(pack)?.into_iter().partition(|table| is_in(&table.layer));
        let mut faults = Faults::default();
        let mut rules = layers.iter().filter_map(|layer| Some((*layer, layer.database.as_ref()?)));
        let rule = rules.next();
        if let (Some((first, _)), Some((_, second))) = (rule, rules.next()) {
            let message = format!("a service has one database, and layer \"{}\" is one already", first.name);
            faults.push(Fault::at(second.place.clone(), message).help("`when` must keep the two apart"));
        }
        let database = Self { rule, own, resources: &blueprint.resources };
        database.check_names(&mut faults);
        database.check_references(&out, pack, &mut faults);
        faults.or(database)
    }

    pub fn own_resources(&self) -> Vec<Resource> {
        self.own.iter().map(|table| table.resource.clone()).collect()
    }

    /// All tables of the service.
    pub fn model(&self) -> Model {
        Model::new(&self.own.iter().collect::<Vec<_>>(), self.resources)
    }

    pub fn dialect(&self) -> Option<Dialect> {
        self.rule.map(|(_, rule)| rule.dialect)
    }

    /// Two layers may own tables of one name, when they are never in together.
    fn check_names(&self, faults: &mut Faults) {
        for (at, table) in self.own.iter().enumerate() {
            let same = |other: &&OwnTable| {
                other.resource.name == table.resource.name || other.resource.plural == table.resource.plural
            };
            if let Some(other) = self.own[..at].iter().find(same) {
                faults.push(Fault::new(format!(
                    "the layers \"{}\" and \"{}\" both have the table \"{}\"",
                    other.layer, table.layer, table.resource.plural
                )));
            }
            let earlier = table.resource.earlier_tables();
            if let Some(other) = self.own.iter().find(|other| earlier.contains(&other.resource.plural)) {
                let message = format!(
                    "layer \"{}\" renames the table \"{}\" to \"{}\", and layer \"{}\" has a table of that name",
                    table.layer, other.resource.plural, table.resource.plural, other.layer
                );
                faults.push(Fault::new(message).help("`was` is a name that no other table has"));
            }
        }
    }

    fn check_references(&self, out: &[OwnTable], pack: &Pack, faults: &mut Faults) {
        let own = self.own.iter().map(|table| &table.resource);
        for resource in own.chain(self.resources) {
            let name = &resource.name;
            for field in &resource.fields {
                let Type::Ref(target) = &field.kind else { continue };
                if let Some(keyed) =
                    self.own.iter().find(|table| table.resource.name == *target && !table.key.is_empty())
                {
                    let message = format!("\"{name}\" refers to \"{target}\", which has no id to refer to");
                    faults.push(Fault::new(message).help(format!("its key is {}", keyed.key.join(", "))));
                } else if let Some(missing) = out.iter().find(|table| table.resource.name == *target)
                    && !self.own.iter().any(|table| table.resource.name == *target)
                {
                    let layer = &missing.layer;
                    let message = format!(
                        "\"{name}\" refers to \"{target}\", a table of layer \"{layer}\", which these answers leave out"
                    );
                    let when =
                        pack.layers.iter().find(|other| other.name == *layer).and_then(|layer| layer.when.as_ref());
                    let fault = Fault::new(message);
                    faults.push(match when {
                        Some(when) => fault.help(format!("it is in when {}", when.expression)),
                        None => fault,
                    });
                }
            }
        }
    }

    /// Settles which tables of layers are renamed from earlier names. A layer that comes in now had no table before:
    /// what has the earlier name belongs to a resource. A layer that was in had it, so that no resource can.
    fn take_over(&self, layout: &mut Layout, reached: &Layout, drawn: &Drawn, tree: &Tree) -> Result<(), Faults> {
        let mut faults = Faults::default();
        for own in &self.own {
            let Some(table) = layout.tables.iter_mut().find(|table| table.name == own.resource.plural) else {
                continue;
            };
            // Of a layer without files, the record does not say whether it was in.
            let has_files = tree.iter().any(|(_, file)| file.layer == own.layer);
            if has_files && !drawn.layers.contains(&own.layer) {
                table.was.clear();
            }
            let Some(was) = table.was.iter().find(|was| reached.table(was).is_some()) else { continue };
            if reached.table(&table.name).is_some() {
                continue;
            }
            let claims = |resource: &&Resource| {
                let is_renamed = reached.table(&resource.plural).is_none() && resource.earlier_tables().contains(was);
                resource.plural == *was || is_renamed
            };
            if let Some(resource) = self.resources.iter().find(claims) {
                let message = format!(
                    "the table \"{was}\" belongs to layer \"{}\", which renames it to \"{}\"",
                    own.layer, table.name
                );
                let help = format!(
                    "leave the resource \"{}\" out until this change is committed, and add it then",
                    resource.name
                );
                faults.push(Fault::new(message).help(help));
            }
        }
        faults.or(())
    }

    /// Adds the files of the database to a tree that is otherwise complete.
    pub fn write(&self, blueprint: &Blueprint, pack: &Pack, tree: &mut Tree) -> Result<(), Faults> {
        let drawn = &blueprint.drawn;
        let Some((layer, rule)) = self.rule else {
            // Without a database, what its migrations have reached waits for the next.
            tree.schema.clone_from(&drawn.reached);
            tree.migrations.clone_from(&drawn.migrations);
            return Ok(());
        };
        let model = self.model();
        let source = pack.shown(&format!("{}/layer.toml", layer.folder));
        let mut faults = Faults::default();
        let mut insert = |tree: &mut Tree, path: String, content: String, policy| {
            let file = TreeFile {
                content: content.into_bytes(),
                mode: Mode::Plain,
                policy,
                layer: layer.name.clone(),
                personal: false,
                moved_from: Vec::new(),
                source: source.clone(),
                overlay: None,
            };
            let wrong = |why| Fault::at(rule.place.clone(), format!("the path \"{path}\" may not be written: {why}"));
            if let Err(fault) = TreePath::new(&path).map_err(wrong).and_then(|path| tree.insert(path, file)) {
                faults.push(fault);
            }
        };
        if let Some(folder) = &rule.migrations {
            let mut layout = Layout::of(&model, rule.dialect);
            let migrations = match &drawn.reached {
                None => schema::migrations(&layout),
                Some(reached) if reached.dialect != rule.dialect => {
                    let message = format!("the migrations in {folder}/ are for another database");
                    let help = "keep that database; or begin anew: take the migrations out of the repository, and from \
                                .new-service/lock the lines that begin with `model` or `drawn migration`";
                    return Err(Fault::new(message).help(help).into());
                }
                Some(reached) => {
                    self.take_over(&mut layout, reached, drawn, tree)?;
                    layout.recall(reached, &drawn.renamed);
                    tree.migrations.clone_from(&drawn.migrations);
                    let mut steps = schema::changes(reached, &layout)?;
                    // Most commands change no table, and need not read what people wrote.
                    if !steps.is_empty() {
                        unrecorded(&steps, drawn)?;
                        let by_hand = schema::HandWritten::of(&drawn.files, rule.dialect);
                        steps = schema::changes_beside(reached, &layout, &by_hand)?;
                    }
                    let steps = named_apart(steps, &drawn.migrations);
                    tree.steps.clone_from(&steps);
                    steps
                }
            };
            let stamps = drawn.stamps(&migrations.iter().map(|migration| migration.name.as_str()).collect::<Vec<_>>());
            if let (Some(reached), Some(stamp)) = (&drawn.reached, stamps.first()) {
                let renames = schema::renames(reached, &layout).into_iter();
                tree.schema_renames = renames.map(|rename| (stamp.clone(), rename)).collect();
            }
            tree.schema = Some(layout);
            for (migration, stamp) in migrations.into_iter().zip(stamps) {
                let path = format!("{folder}/{stamp}_{}", migration.name);
                insert(tree, format!("{path}.up.sql"), migration.up, Policy::Append);
                insert(tree, format!("{path}.down.sql"), migration.down, Policy::Append);
                tree.migrations.insert(migration.name, stamp);
            }
        }
        if let Some(folder) = &rule.queries {
            let files = query_files(&model, rule.dialect, tree)?;
            for file in files {
                insert(tree, format!("{folder}/{}", file.name), file.content, Policy::Merge);
            }
        }
        faults.or(())
    }
}

/// A migration of which the repository has a file, and the record knows nothing: of another branch, most likely.
fn unrecorded(new: &[Migration], drawn: &Drawn) -> Result<(), Faults> {
    let mut faults = Faults::default();
    for migration in new.iter().filter(|migration| !drawn.migrations.contains_key(&migration.name)) {
        let has_name = |file: &&MigrationFile| file.name() == Some(&migration.name);
        if let Some(file) = drawn.files.iter().find(has_name) {
            let message = format!("{} is there, and .new-service/lock knows nothing of it", file.path);
            faults.push(Fault::new(message).help(
                "where another branch drew it, check out the merge that brought it, run `new-service apply` there, and commit; \
                 where you wrote it, give it another name",
            ));
        }
    }
    faults.or(())
}

/// Names that no migration before has had.
fn named_apart(mut new: Vec<Migration>, known: &BTreeMap<String, String>) -> Vec<Migration> {
    let mut taken: BTreeSet<String> = known.keys().cloned().collect();
    for migration in &mut new {
        let numbered = (2..).map(|number| format!("{}_{number}", migration.name));
        let mut names = std::iter::once(migration.name.clone()).chain(numbered);
        migration.name = names.find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(migration.name.clone());
    }
    new
}

/// The data of the queries in the Rust files of the tree.
fn query_files(model: &Model, dialect: Dialect, tree: &Tree) -> Result<Vec<QueryFile>, Faults> {
    let rust =
        tree.iter().filter(|(path, _)| Path::new(path.as_str()).extension().is_some_and(|ending| ending == "rs"));
    let sources: Vec<RustSource> = rust
        .filter_map(|(path, file)| {
            Some(RustSource { path: path.as_str(), text: std::str::from_utf8(&file.content).ok()?, from: &file.source })
        })
        .collect();
    schema::query_files(&sources, model, dialect)
}
