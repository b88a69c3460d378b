//! `[[table]]` of the layers: tables that the service has of its own, in the grammar of resources.

use toml::Spanned;

use super::spans::{draft, inside, marked};
use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::{Layer, Pack, TableForm, Text};
use crate::schema::{self, Draft, Drafts, Known, OwnTable, Resource, Surroundings, Type};

/// The tables of all layers, whether the answers select them or not; all faults at once.
pub fn own_tables(pack: &Pack) -> Result<Vec<OwnTable>, Faults> {
    let mut faults = Faults::default();
    let mut tables = Vec::new();
    for layer in pack.layers.iter().filter(|layer| !layer.tables.is_empty()) {
        // Layers that are never in together may own tables of one name.
        let ours = |name: &str| layer.tables.iter().any(|form| form.name.get_ref() == name);
        let others = pack.layers.iter().filter(|other| other.name != layer.name).flat_map(known);
        let around = Surroundings { tables: others.filter(|other| !ours(&other.name)).collect(), ..Default::default() };
        match schema::check(drafts(layer), &around) {
            Ok(resources) => {
                for (form, resource) in layer.tables.iter().zip(resources) {
                    tables.push(own_table(form, resource, layer, &mut faults));
                }
            }
            Err(more) => faults.extend(more),
        }
    }
    faults.or(tables)
}

/// What the fields of `layer`'s tables may refer to, before anything is judged.
pub(super) fn known(layer: &Layer) -> impl Iterator<Item = Known> + '_ {
    layer.tables.iter().map(|form| {
        let name = form.name.get_ref().clone();
        let plural = form.plural.as_ref().map_or_else(|| schema::plural_of(&name), |plural| plural.get_ref().clone());
        let was = form.was.as_ref().map(|was| was.get_ref().clone());
        Known { name, plural, was, accounts: form.accounts }
    })
}

fn drafts(layer: &Layer) -> Drafts {
    let mut drafts = Drafts::default();
    for form in &layer.tables {
        let own: &'static [&'static str] = match (form.key.is_empty(), form.plain) {
            (true, false) => &schema::OWN_COLUMNS,
            (true, true) => &schema::OWN_COLUMNS[..1],
            (false, false) => &schema::OWN_COLUMNS[1..],
            (false, true) => &[],
        };
        let draft = draft(&form.name, form.plural.as_ref(), &form.fields, &layer.text, &mut drafts);
        let was = form.was.as_ref().map(|was| marked(was, &layer.text));
        drafts.push(Draft { was, own, ..draft });
    }
    drafts
}

fn own_table(form: &TableForm, resource: Resource, layer: &Layer, faults: &mut Faults) -> OwnTable {
    let mut reader = TableReader { resource: &resource, form, text: &layer.text, faults };
    let key = reader.key();
    let unique = reader.lists(&form.unique, "key");
    let index = reader.lists(&form.index, "idx");
    let cascade = reader.cascade();
    OwnTable {
        key,
        unique,
        index,
        cascade,
        plain: form.plain,
        accounts: form.accounts,
        layer: layer.name.clone(),
        resource,
    }
}

struct TableReader<'a> {
    resource: &'a Resource,
    form: &'a TableForm,
    text: &'a Text,
    faults: &'a mut Faults,
}

impl TableReader<'_> {
    fn fault(&mut self, at: &Spanned<String>, message: String, help: &str) {
        let place = inside(self.text, at).mark(0, 0).place;
        self.faults.push(Fault::at(place, message).help(help));
    }

    fn key(&mut self) -> Vec<String> {
        let form = self.form;
        for name in &form.key {
            if self.resource.fields.iter().any(|field| field.name == *name.get_ref() && field.nullable) {
                let message = format!("the key \"{}\" may be empty", name.get_ref());
                self.fault(name, message, "leave out its `?`");
            }
        }
        form.key.iter().filter_map(|name| self.column(name, true)).collect()
    }

    fn lists(&mut self, lists: &[Vec<Spanned<String>>], ending: &str) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for names in lists {
            let columns: Vec<String> = names.iter().filter_map(|name| self.column(name, false)).collect();
            let made = format!("{}_{}_{ending}", self.resource.plural, columns.join("_"));
            if let Some(first) = names.first()
                && made.len() > schema::MAX_IDENTIFIER
            {
                let message = format!(
                    "its name would be \"{made}\", longer than the {} characters that PostgreSQL keeps",
                    schema::MAX_IDENTIFIER
                );
                self.fault(first, message, "fewer columns, or shorter names");
            }
            all.push(columns);
        }
        all.retain(|columns| !columns.is_empty());
        all
    }

    fn cascade(&mut self) -> Vec<String> {
        let form = self.form;
        let mut columns = Vec::new();
        for name in &form.cascade {
            let field = self.resource.fields.iter().find(|field| field.name == *name.get_ref());
            match field {
                Some(field) if !matches!(field.kind, Type::Ref(_)) => {
                    let message = format!("\"{}\" is no reference, and so goes with nothing", name.get_ref());
                    self.fault(name, message, "`cascade` names fields of the type `ref`");
                }
                _ => columns.extend(self.column(name, true)),
            }
        }
        columns
    }

    /// The column of a field; of what the table has anyway, too, unless only `fields` will do.
    fn column(&mut self, name: &Spanned<String>, fields_only: bool) -> Option<String> {
        let own = self.form.key.is_empty().then_some("id").into_iter();
        let own = own.chain(schema::OWN_COLUMNS[1..].iter().copied().filter(|_| !self.form.plain));
        let own: Vec<&str> = own.filter(|_| !fields_only).collect();
        if own.contains(&name.get_ref().as_str()) {
            return Some(name.get_ref().clone());
        }
        let Some(field) = self.resource.fields.iter().find(|field| field.name == *name.get_ref()) else {
            let names = self.resource.fields.iter().map(|field| field.name.as_str()).chain(own);
            let near = did_you_mean(name.get_ref(), names);
            let message = format!("the table \"{}\" has no field \"{}\"{near}", self.resource.name, name.get_ref());
            self.fault(name, message, "these lists hold names of fields, without their types");
            return None;
        };
        if let Some(why) = field.kind.unindexable() {
            self.fault(name, format!("the field \"{}\" cannot have an index", name.get_ref()), &why);
        }
        Some(field.column())
    }
}
