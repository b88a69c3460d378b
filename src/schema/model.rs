//! The tables of a service as a database has them: those of its layers and those of its resources,
//! each after what it refers to.

use std::collections::BTreeSet;

use super::check::{MAX_IDENTIFIER, OWN_COLUMNS};
use super::default::Default;
use super::draft::RenamedChoice;
use super::index::{IndexColumn, listed};
use super::resource::{Field, Resource};
use super::types::Type;

/// A table that a layer owns: a resource, and what resources cannot say.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnTable {
    pub resource: Resource,
    pub layer: String,
    /// Columns of the primary key; none is `id`.
    pub key: Vec<String>,
    pub unique: Vec<Vec<String>>,
    pub index: Vec<Vec<String>>,
    /// Columns of references whose rows go with what they refer to.
    pub cascade: Vec<String>,
    pub plain: bool,
    pub accounts: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub name: String,
    /// Why it is there, for the first line of its migration.
    pub purpose: String,
    /// Names that it may have had before.
    pub was: Vec<String>,
    /// The resource that it is of, or what it is called in the singular.
    pub resource: String,
    pub columns: Vec<Column>,
    pub key: Vec<String>,
    pub unique: Vec<Named>,
    pub index: Vec<Index>,
    pub references: Vec<Reference>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub kind: Type,
    pub nullable: bool,
    pub default: Option<Default>,
    /// The name of the field that it was before.
    pub was: Option<String>,
    pub renamed_choices: Vec<RenamedChoice>,
}

/// Columns under the name of a constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub name: String,
    pub columns: Vec<IndexColumn>,
    pub why: String,
    /// Its number among those that the resource declares.
    pub declared: Option<usize>,
}

impl Index {
    fn new(name: String, columns: &[&str], why: &str) -> Self {
        let columns = columns.iter().map(|name| IndexColumn::ascending(name)).collect();
        Self { name, columns, why: why.to_owned(), declared: None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub column: String,
    /// The table that it refers to, by its `id`.
    pub table: String,
    pub nullable: bool,
    pub cascade: bool,
}

/// All tables, in the order that they can be created in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    pub tables: Vec<Table>,
}

impl Model {
    /// Every reference must be to one of them: [`super::check`] and the selection of layers see to it.
    pub fn new(own: &[&OwnTable], resources: &[Resource]) -> Self {
        let all = || own.iter().map(|table| &table.resource).chain(resources);
        let plural = |name: &str| {
            let found = all().find(|resource| resource.name == name);
            found.map_or_else(|| name.to_owned(), |resource| resource.plural.clone())
        };
        let mut taken: BTreeSet<String> = all().map(|resource| resource.plural.clone()).collect();
        let mut tables: Vec<Table> = own.iter().map(|table| of_layer(table, &plural, &mut taken)).collect();
        tables.extend(resources.iter().map(|resource| of_resource(resource, &plural, &mut taken)));
        // After all others, whose names so do not depend on them.
        for resource in resources {
            if let Some(table) = tables.iter_mut().find(|table| table.name == resource.plural) {
                table.index.extend(declared(resource, &mut taken));
            }
        }
        Self { tables: in_order(tables) }
    }

    /// By its name in SQL, whose case does not matter.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))
    }
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

fn of_resource(resource: &Resource, plural: &dyn Fn(&str) -> String, taken: &mut BTreeSet<String>) -> Table {
    let purpose = format!("Resource {}.", resource.name.replace('_', " "));
    let mut table = start(resource, purpose, plural);
    finish(&mut table, resource, true, taken);
    table
}

fn of_layer(own: &OwnTable, plural: &dyn Fn(&str) -> String, taken: &mut BTreeSet<String>) -> Table {
    let mut table = start(&own.resource, format!("Layer {}.", own.layer), plural);
    if !own.key.is_empty() {
        table.columns.remove(0);
        table.key.clone_from(&own.key);
    }
    for reference in &mut table.references {
        reference.cascade = own.cascade.contains(&reference.column);
    }
    finish(&mut table, &own.resource, !own.plain, taken);
    for columns in &own.unique {
        let name = free(&format!("{}_{}_key", table.name, columns.join("_")), taken);
        table.unique.push(Named { name, columns: columns.clone() });
    }
    for columns in &own.index {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        table.index.push(Index::new(index_name(&table.name, &columns, taken), &columns, ""));
    }
    table
}

/// The id, the fields and what they refer to.
fn start(resource: &Resource, purpose: String, plural: &dyn Fn(&str) -> String) -> Table {
    let id = Column {
        name: "id".into(),
        kind: Type::Uuid,
        nullable: false,
        default: None,
        was: None,
        renamed_choices: Vec::new(),
    };
    let fields = resource.fields.iter().map(|field| Column {
        name: field.column(),
        kind: field.kind.clone(),
        nullable: field.nullable,
        default: field.default.clone(),
        was: field.was.clone(),
        renamed_choices: field.renamed_choices.clone(),
    });
    let references = resource.fields.iter().filter_map(|field| match &field.kind {
        Type::Ref(target) => {
            Some(Reference { column: field.column(), table: plural(target), nullable: field.nullable, cascade: false })
        }
        _ => None,
    });
    Table {
        name: resource.plural.clone(),
        purpose,
        was: resource.earlier_tables(),
        resource: resource.name.clone(),
        columns: std::iter::once(id).chain(fields).collect(),
        key: vec!["id".into()],
        unique: Vec::new(),
        index: Vec::new(),
        references: references.collect(),
    }
}

/// The columns that every resource has, and what the words of the fields ask for.
fn finish(table: &mut Table, resource: &Resource, listed: bool, taken: &mut BTreeSet<String>) {
    taken.insert(format!("{}_pkey", table.name));
    for field in resource.fields.iter().filter(|field| field.unique) {
        let column = field.column();
        let name = free(&format!("{}_{column}_key", table.name), taken);
        table.unique.push(Named { name, columns: vec![column] });
    }
    if listed {
        let [_, created_at, updated_at, version] = OWN_COLUMNS;
        for moment in [created_at, updated_at] {
            table.columns.push(own_column(moment, Type::DateTime, Default::Now));
        }
        table.columns.push(own_column(version, Type::BigInt { min: None, max: None }, Default::Int(1)));
        if table.key == ["id"] {
            let columns = [created_at, "id"];
            let name = index_name(&table.name, &columns, taken);
            table.index.push(Index::new(name, &columns, "The default listing: newest first, page by page."));
        }
    }
    for field in resource.fields.iter().filter(|field| field.has_index()) {
        let column = field.column();
        let (others, why): (&[&str], _) = match &resource.owner {
            // Of all that an account has, and in order: else each page would sort the whole of it.
            Some(owner) if listed && *owner == field.name => {
                (&[OWN_COLUMNS[1], "id"], "An account's own listing: newest first, page by page.")
            }
            _ => index_of(field, table),
        };
        let name = index_name(&table.name, &[&column], taken);
        let columns = [&[column.as_str()], others].concat();
        table.index.push(Index::new(name, &columns, why));
    }
}

fn own_column(name: &str, kind: Type, default: Default) -> Column {
    Column { name: name.into(), kind, nullable: false, default: Some(default), was: None, renamed_choices: Vec::new() }
}

/// What an index of a field is over beside its column, and what for.
fn index_of(field: &Field, table: &Table) -> (&'static [&'static str], &'static str) {
    if matches!(field.kind, Type::Ref(_)) {
        return (&[], "Lookups by the reference, and deletes of what it refers to.");
    }
    if field.kind.facts().sortable && table.key == ["id"] {
        return (&["id"], "Filters, and listings sorted by it.");
    }
    (&[], "Filters by it.")
}

fn index_name(table: &str, columns: &[&str], taken: &mut BTreeSet<String>) -> String {
    free(&format!("{table}_{}_idx", columns.join("_")), taken)
}

/// The indexes that a resource declares, by columns.
fn declared(resource: &Resource, taken: &mut BTreeSet<String>) -> Vec<Index> {
    let column = |column: &IndexColumn| {
        let field = resource.fields.iter().find(|field| field.name == column.name);
        IndexColumn { name: field.map_or_else(|| column.name.clone(), Field::column), ..column.clone() }
    };
    let index = |(number, index): (usize, &super::index::CompositeIndex)| {
        let columns: Vec<IndexColumn> = index.ordered().iter().map(column).collect();
        let (filters, sort) = index.listing();
        let filters: Vec<&str> = filters.iter().map(|column| column.name.as_str()).collect();
        let by = if filters.is_empty() { String::new() } else { format!(" filtered by {},", filters.join(", ")) };
        Index {
            name: declared_name(&resource.plural, &columns[..index.columns.len()], taken),
            columns,
            why: format!("For the listing{by} sorted by {sort}."),
            declared: Some(number),
        }
    };
    resource.indexes.iter().enumerate().map(index).collect()
}

/// `orders_status_created_at_desc_idx`; where that is too long, or another's, with a hash of what it is over.
fn declared_name(table: &str, columns: &[IndexColumn], taken: &mut BTreeSet<String>) -> String {
    const HASH: usize = 8;
    let direction = |column: &IndexColumn| if column.descending { "_desc" } else { "" };
    let words: Vec<String> = columns.iter().map(|column| format!("{}{}", column.name, direction(column))).collect();
    let words = format!("{table}_{}", words.join("_"));
    let mut name = format!("{words}_idx");
    if name.len() > MAX_IDENTIFIER || taken.contains(&name) {
        let hash = crate::pack::hash(format!("{table} {}", listed(columns)).as_bytes());
        name.truncate((MAX_IDENTIFIER - "__idx".len() - HASH).min(words.len()));
        name = format!("{}_{}_idx", name.trim_end_matches('_'), &hash[..HASH]);
    }
    free(&name, taken)
}

/// `name`, or with a number where two tables come to the same: `a_b` has a column `c`, and `a` has `b_c`.
fn free(name: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let free = free.unwrap_or_default();
    taken.insert(free.clone());
    free
}

/// Each after what it refers to; in a circle, one that may wait is taken, and its reference is added later.
fn in_order(mut waiting: Vec<Table>) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = |may_wait: bool| {
            waiting.iter().position(|table| {
                table.references.iter().all(|reference| {
                    let there = !waiting.iter().any(|other| other.name == reference.table);
                    there || reference.table == table.name || (may_wait && reference.nullable)
                })
            })
        };
        let next = ready(false).or_else(|| ready(true)).unwrap_or(0);
        ordered.push(waiting.remove(next));
    }
    ordered
}
