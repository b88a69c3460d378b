//! Resources as templates see them: `docs/packs.md` lists every key.

use std::collections::BTreeSet;

use heck::{ToKebabCase as _, ToPascalCase as _};
use serde::Serialize;
use serde_json::Value;

use super::access::{Access, AccessRules};
use super::check::Surroundings;
use super::describe::{self, FieldOwner};
use super::index::IndexColumn;
use super::model::{Index, Model};
use super::names;
use super::resource::{Field, Resource};
use super::retention::Retention;
use super::types::{Database, Type};
use super::values::FieldName;

/// How many valid values a field brings along for tests.
const EXAMPLES: u32 = 3;

/// The names of a resource, or of a table that the service has anyway.
#[derive(Debug, Clone, Serialize)]
pub struct NamesView {
    pub name: String,
    pub plural: String,
    /// A local variable, `r#type` where the name is a keyword.
    pub variable: String,
    pub plural_variable: String,
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its folder; as a Rust identifier `r#match` for a keyword.
    pub module: String,
    pub module_ident: String,
    pub table: String,
    /// The table as SQL has it, in quotes where it must be.
    pub table_sql: String,
    /// In URLs: `order-items`.
    pub path: String,
    pub words: String,
    /// With its article: `an order item`.
    pub a_words: String,
    pub plural_words: String,
    /// Whether each of them belongs to an account.
    pub owned: bool,
    /// Who may read its rows, and who may write them: `public`, `signed-in`, `owner` or `admin`.
    pub read: Access,
    pub write: Access,
}

#[derive(Debug, Clone, Serialize)]
pub struct ResourceView {
    #[serde(flatten)]
    pub names: NamesView,
    /// As `--resource` takes it.
    pub spec: String,
    pub fields: Vec<FieldView>,
    /// Those that clients decide: all but the owner.
    pub given: Vec<FieldView>,
    /// References whose rows every reader of the resource may see.
    pub relations: Vec<FieldView>,
    /// Indexes that it declares, for listings that are filtered and sorted at once.
    pub indexes: Vec<IndexView>,
    pub has_private: bool,
    /// How many days its rows are kept; null for ever.
    pub retain: Option<u32>,
    /// References to it: rows that others refer to cannot be deleted.
    pub referrers: Vec<ReferrerView>,
    /// Whether something refers to it, and whether clients may read it along with that.
    pub referenced: bool,
    pub included: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What its Rust types import and depend on, sorted.
    pub imports: Vec<&'static str>,
    pub packages: Vec<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
// Each is a key that templates ask for.
#[allow(clippy::struct_excessive_bools)]
pub struct FieldView {
    pub name: String,
    pub words: String,
    /// What it is, and what a listing narrowed to a value of it has: sentences.
    pub doc: String,
    pub filter_doc: String,
    pub spec: String,
    /// The word of its type in the grammar.
    pub kind: &'static str,
    pub column: String,
    pub column_sql: String,
    /// The Rust identifier of the column.
    pub ident: String,
    /// And that of the field, without the `_id` of a reference.
    pub name_ident: String,
    /// The Rust type of a value that is there, and with `Option` where it may be missing.
    pub rust: String,
    pub rust_full: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlx_feature: Option<&'static str>,
    pub nullable: bool,
    pub unique: bool,
    /// Whether an index of its own is made.
    pub index: bool,
    pub private: bool,
    pub sortable: bool,
    pub filterable: bool,
    /// Bounds of a number, or of the length of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<NamesView>,
    pub postgres: StorageView,
    pub sqlite: StorageView,
    pub openapi: OpenApiView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultView>,
    /// Valid values, as JSON; and one that must be refused.
    pub examples: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid: Option<Value>,
}

/// A reference to a resource.
#[derive(Debug, Clone, Serialize)]
pub struct ReferrerView {
    /// The resource that refers.
    pub name: String,
    pub table_sql: String,
    /// The name of its field.
    pub field: String,
    pub column_sql: String,
}

/// An index that a resource declares.
#[derive(Debug, Clone, Serialize)]
pub struct IndexView {
    /// As the database has it.
    pub name: String,
    /// All of them, the `id` at the end included.
    pub columns: Vec<IndexColumnView>,
    /// What a listing is narrowed by, and sorted by, that the index alone answers.
    pub filters: Vec<IndexColumnView>,
    pub sort: IndexColumnView,
    /// Whether clients can ask for that listing.
    pub listing: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct IndexColumnView {
    /// The name of the field; that of the column where every resource has it.
    pub name: String,
    pub column: String,
    pub column_sql: String,
    pub descending: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct ChoiceView {
    pub value: String,
    pub variant: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct StorageView {
    /// The type of the column.
    #[serde(rename = "type")]
    pub column: String,
    /// `type_info` in offline query data.
    pub info: &'static str,
    /// Whether sqlx's macros come to the Rust type by themselves.
    pub inferred: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The default as SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct OpenApiView {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
pub struct DefaultView {
    pub text: String,
    /// Whether the moment of the insert decides.
    pub now: bool,
    /// As the API writes it; missing with `now`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
}

/// All resources, for templates; `model` has their tables, and `accounts` says whether the service has any.
pub fn views(resources: &[Resource], around: &Surroundings, model: &Model, accounts: bool) -> Vec<ResourceView> {
    let (tables, unfiltered) = (&around.tables, &around.rules.unfiltered);
    let target = |name: &str| {
        let resource = resources.iter().find(|resource| resource.name == name);
        let table = || tables.iter().find(|table| table.name == name).map(|table| &table.plural);
        let plural = resource.map(|resource| &resource.plural).or_else(table);
        let owned = resource.is_some_and(|resource| resource.owner.is_some());
        // Tables of the service are for accounts, where there are any.
        let may =
            resource.map_or_else(|| AccessRules::default().resolve(false, accounts), |resource| resource.may(accounts));
        NamesView::new(name, plural.map_or_else(|| names::plural_of(name), Clone::clone), owned, may)
    };
    let mut views: Vec<ResourceView> =
        resources.iter().map(|resource| ResourceView::new(resource, unfiltered, &target, accounts)).collect();
    for (view, resource) in views.iter_mut().zip(resources) {
        let table = model.table(&resource.plural);
        view.indexes =
            table.into_iter().flat_map(|table| &table.index).filter_map(|index| view.index(index, resource)).collect();
    }
    let targets = |fields: fn(&ResourceView) -> &[FieldView]| -> BTreeSet<String> {
        let fields = views.iter().flat_map(fields);
        fields.filter_map(|field| field.target.as_ref().map(|target| target.name.clone())).collect()
    };
    let referrers: Vec<(String, ReferrerView)> =
        views.iter().flat_map(|view| view.fields.iter().filter_map(|field| view.refers(field))).collect();
    let (referenced, included) = (targets(|view| &view.fields), targets(|view| &view.relations));
    for view in &mut views {
        view.referenced = referenced.contains(&view.names.name);
        view.included = included.contains(&view.names.name);
        let to_it = referrers.iter().filter(|(target, _)| *target == view.names.name);
        view.referrers = to_it.map(|(_, referrer)| referrer.clone()).collect();
    }
    views
}

impl NamesView {
    fn new(name: &str, plural: String, owned: bool, [read, write]: [Access; 2]) -> Self {
        Self {
            owned,
            read,
            write,
            name: name.to_owned(),
            variable: names::rust(name),
            plural_variable: names::rust(&plural),
            type_name: name.to_pascal_case(),
            module: plural.clone(),
            module_ident: names::rust(&plural),
            table: plural.clone(),
            table_sql: names::sql(&plural),
            path: plural.to_kebab_case(),
            words: name.replace('_', " "),
            a_words: format!("{} {}", names::article(name), name.replace('_', " ")),
            plural_words: plural.replace('_', " "),
            plural,
        }
    }
}

impl ResourceView {
    fn new(resource: &Resource, unfiltered: &[String], target: &dyn Fn(&str) -> NamesView, accounts: bool) -> Self {
        let may = resource.may(accounts);
        let field = |field: &Field| {
            let view = FieldView::new(field, resource, target);
            // A parameter of the listing has its name already.
            FieldView { filterable: view.filterable && !unfiltered.contains(&view.column), ..view }
        };
        let fields: Vec<FieldView> = resource.fields.iter().map(field).collect();
        let sorted = |of: fn(&FieldView) -> Option<&'static str>| {
            let all: BTreeSet<&'static str> = fields.iter().filter_map(of).collect();
            all.into_iter().collect()
        };
        Self {
            names: NamesView::new(&resource.name, resource.plural.clone(), resource.owner.is_some(), may),
            retain: resource.retain.map(Retention::days),
            referrers: Vec::new(),
            referenced: false,
            included: false,
            // What it was called once is no matter of the files that are made of it.
            spec: resource.without_history().to_string(),
            owner: resource.owner.clone(),
            imports: sorted(|field| field.import),
            packages: sorted(|field| field.package),
            given: fields.iter().filter(|field| Some(&field.name) != resource.owner.as_ref()).cloned().collect(),
            relations: fields.iter().filter(|field| !field.private && field.is_shown_to(may[0])).cloned().collect(),
            indexes: Vec::new(),
            has_private: fields.iter().any(|field| field.private),
            fields,
        }
    }
}

impl ResourceView {
    /// The resource that a field refers to, and the reference; none for another field.
    fn refers(&self, field: &FieldView) -> Option<(String, ReferrerView)> {
        let referrer = ReferrerView {
            name: self.names.name.clone(),
            table_sql: self.names.table_sql.clone(),
            field: field.name.clone(),
            column_sql: field.column_sql.clone(),
        };
        Some((field.target.as_ref()?.name.clone(), referrer))
    }

    /// None where it is not declared.
    fn index(&self, index: &Index, resource: &Resource) -> Option<IndexView> {
        let declared = resource.indexes.get(index.declared?)?;
        let field = |name: &str| self.fields.iter().find(|field| field.name == name);
        let column = |column: &IndexColumn| {
            let name = column.name.clone();
            let field = field(&name);
            IndexColumnView {
                column: field.map_or_else(|| name.clone(), |field| field.column.clone()),
                column_sql: field.map_or_else(|| names::sql(&name), |field| field.column_sql.clone()),
                descending: column.descending,
                name,
            }
        };
        let (filters, sort) = declared.listing();
        let filtered = filters.iter().all(|column| field(&column.name).is_some_and(|field| field.filterable));
        // What is no field is a moment of the row.
        let sorted = field(&sort.name).map_or(sort.name != "id", |field| field.sortable);
        Some(IndexView {
            name: index.name.clone(),
            columns: declared.ordered().iter().map(column).collect(),
            filters: filters.iter().map(column).collect(),
            sort: column(sort),
            listing: filtered && sorted,
        })
    }
}

impl FieldView {
    /// Whether it is a reference whose rows every caller under the rule `read` may see.
    fn is_shown_to(&self, read: Access) -> bool {
        self.target.as_ref().is_some_and(|target| target.read.is_within(read))
    }

    fn new(field: &Field, resource: &Resource, target: &dyn Fn(&str) -> NamesView) -> Self {
        let owner = resource.owner.as_ref() == Some(&field.name);
        let subject = FieldOwner { name: &resource.name, plural: &resource.plural, owner };
        let named = FieldName { resource: &resource.name, field: &field.name };
        let (kind, facts, column) = (&field.kind, field.kind.facts(), field.column());
        let rust = match kind {
            Type::Enum(_) => format!("{}_{}", resource.name, field.name).to_pascal_case(),
            _ => facts.rust.to_owned(),
        };
        let (low, high) = kind.bounds();
        let (min, max) = kind.length().map_or((low, high), |(low, high)| (Some(low), Some(high)));
        let (precision, scale) = match kind {
            Type::Decimal { precision, scale } => (Some(*precision), Some(*scale)),
            _ => (None, None),
        };
        let choices = match kind {
            Type::Enum(values) => values
                .iter()
                .map(|value| ChoiceView { value: value.clone(), variant: value.to_pascal_case() })
                .collect(),
            _ => Vec::new(),
        };
        let column_sql = names::sql(&column);
        let storage = |database| StorageView {
            column: kind.column(database),
            info: kind.storage(database).info,
            inferred: kind.storage(database).inferred,
            check: kind.check(&column_sql, database),
            default: field.default.as_ref().map(|default| default.sql(database, kind)),
        };
        Self {
            words: field.name.replace('_', " "),
            doc: describe::doc(field, &subject),
            filter_doc: describe::filter_doc(field, &subject),
            spec: Field { was: None, ..field.clone() }.to_string(),
            kind: facts.word,
            ident: names::rust(&column),
            name_ident: names::rust(&field.name),
            rust_full: if field.nullable { format!("Option<{rust}>") } else { rust.clone() },
            rust,
            import: facts.import,
            package: facts.package,
            sqlx_feature: facts.sqlx_feature,
            nullable: field.nullable,
            unique: field.unique,
            index: field.has_index(),
            private: field.private,
            sortable: facts.sortable && !field.private && !field.nullable,
            filterable: facts.filterable && !field.private,
            min,
            max,
            precision,
            scale,
            choices,
            target: if let Type::Ref(name) = kind { Some(target(name)) } else { None },
            postgres: storage(Database::Postgres),
            sqlite: storage(Database::Sqlite),
            openapi: OpenApiView { kind: facts.openapi, format: facts.format },
            default: field.default.as_ref().map(|default| DefaultView {
                text: field.default_text.clone().unwrap_or_default(),
                now: default.json().is_none(),
                json: default.json(),
            }),
            examples: (0..EXAMPLES).map(|n| kind.example(named, n)).collect(),
            invalid: kind.invalid(),
            name: field.name.clone(),
            column,
            column_sql,
        }
    }
}
