//! Resources in a blueprint: `[[resource]]` of `service.toml`, read with places and written back.
//!
//! ```toml
//! [[resource]]
//! name = "person"
//! plural = "people"                                # left out where it is the one that would be made
//! read = "signed-in"                               # who may read: public, signed-in, owner or admin
//! write = "admin"                                  # who may write
//! retain = "365d"                                  # how long rows are kept
//! fields = ["name:string(1..200)", "note:text?"]   # the grammar of `--resource`, a text a field
//! indexes = ["name,-created_at"]                   # over several columns
//! ```

use serde::Deserialize;
use toml::Spanned;
use toml_edit::{Array, Table, value};

use super::spans::{draft, inside, marked};
use super::tables;
use crate::fault::Faults;
use crate::pack::{Layer, Pack, Text};
use crate::schema::{self, Access, Draft, Drafts, Field, Known, Resource, Surroundings, Type};

/// A resource: a table, and everything that serves it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceForm {
    /// Its name, in the singular: `order_item`.
    name: Spanned<String>,
    /// Its plural, which names the table, the module and the path; left out: made of the name.
    plural: Option<Spanned<String>>,
    /// Its name before, so that it is renamed with all that is in it.
    was: Option<Spanned<String>>,
    /// Who may read its rows: `public`, `signed-in`, `owner` or `admin`. Left out: the owner, or every account where
    /// the resource has no owner.
    read: Option<Spanned<String>>,
    /// Who may write its rows. Left out: the owner, or administrators where the resource has no owner.
    write: Option<Spanned<String>>,
    /// How long its rows are kept, in whole days: `365d`. The service deletes older ones, by `created_at`. Left out: for
    /// ever.
    retain: Option<Spanned<String>>,
    /// Its fields, a text each: NAME:TYPE, then `?` where it may be empty, `=DEFAULT`, `:unique`, `:index`,
    /// `:private`, `:doc="A sentence."`.
    fields: Vec<Spanned<String>>,
    /// Indexes over several columns, a text each: names of fields, `created_at`, `updated_at` or `id`, with `-` before a
    /// descending one, as in `"status,-created_at"`.
    #[serde(default)]
    indexes: Vec<Spanned<String>>,
}

/// What resources of this template's services must get along with.
pub fn surroundings(pack: &Pack) -> Surroundings {
    let mut tables: Vec<Known> = pack.layers.iter().flat_map(tables::known).collect();
    // One that two layers have, never both of them in, is one.
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    tables.dedup_by(|one, other| one.name == other.name);
    Surroundings { tables, rules: pack.manifest.resources.clone() }
}

/// Whether the service has accounts, with these layers.
pub fn has_accounts(layers: &[&Layer]) -> bool {
    layers.iter().flat_map(|layer| tables::known(layer)).any(|table| table.accounts)
}

/// What refers to an account without belonging to it, which is easily taken for an owner: a note each.
pub fn unowned_references(resources: &[Resource], pack: &Pack) -> Vec<String> {
    let tables = surroundings(pack).tables;
    let mut notes = Vec::new();
    for resource in resources.iter().filter(|resource| resource.owner.is_none()) {
        let to_account = |field: &&Field| {
            let Type::Ref(target) = &field.kind else { return false };
            tables.iter().any(|table| table.accounts && table.name == *target)
        };
        let Some(field) = resource.fields.iter().find(to_account) else { continue };
        let [read, write] = resource.may(true).map(Access::as_str);
        notes.push(format!(
            "{}: {} refers to an account and makes no owner of it (read={read}, write={write}); for rows that belong to \
             their account: owner:{}",
            resource.name, field.name, field.kind
        ));
    }
    notes
}

/// Judges all resources, from wherever they came; all faults at once.
pub fn resources(drafts: Drafts, pack: &Pack) -> Result<Vec<Resource>, Faults> {
    let manifest = &pack.manifest;
    match schema::unwanted(&drafts, &format!("{} {}", manifest.name, manifest.version)) {
        Some(fault) if !pack.takes_resources() => Err(fault.into()),
        _ => schema::check(drafts, &surroundings(pack)),
    }
}

pub(super) fn read(forms: &[ResourceForm], text: &Text) -> Drafts {
    let mut drafts = Drafts::default();
    for form in forms {
        let draft = draft(&form.name, form.plural.as_ref(), &form.fields, text, &mut drafts);
        let was = form.was.as_ref().map(|was| marked(was, text));
        let [read, write, retain] =
            [&form.read, &form.write, &form.retain].map(|rule| rule.as_ref().map(|rule| marked(rule, text)));
        let indexes = form.indexes.iter().filter_map(|index| drafts.index(&inside(text, index))).collect();
        drafts.push(Draft { was, read, write, retain, indexes, ..draft });
    }
    drafts
}

/// What stands above the first `[[resource]]`.
pub(super) const FIRST: &str =
    "\n# Each field: NAME:TYPE, then ? (may be empty), =DEFAULT, :unique, :index, :private, :doc=\"…\"\n";

/// One `[[resource]]`.
pub(super) fn table_of(resource: &Resource) -> Table {
    let mut table = Table::new();
    table["name"] = value(&resource.name);
    if resource.irregular {
        table["plural"] = value(&resource.plural);
    }
    if let Some(was) = &resource.was {
        table["was"] = value(was);
    }
    for (key, access) in resource.access.by_key() {
        if let Some(access) = access {
            table[key] = value(access.as_str());
        }
    }
    if let Some(retain) = resource.retain {
        table["retain"] = value(retain.to_string());
    }
    let mut fields = Array::new();
    for field in &resource.fields {
        fields.push_formatted(toml_edit::Value::from(field.to_string()).decorated("\n    ", ""));
    }
    fields.set_trailing("\n");
    fields.set_trailing_comma(true);
    table["fields"] = value(fields);
    if !resource.indexes.is_empty() {
        table["indexes"] = value(resource.indexes.iter().map(ToString::to_string).collect::<Array>());
    }
    table
}
