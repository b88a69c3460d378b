//! From what was written to what can be made: all resources are judged together, all faults at once.

mod indexes;
mod taken;

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, AccessRules};
use super::default::Default;
use super::describe;
use super::draft::{Draft, DraftField, Drafts, Mark, Marked};
use super::names;
use super::resource::{Field, Resource};
use super::retention::Retention;
use super::types::Type;
use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::{ResourceRules, check_plain, shown};

const MAX_RESOURCES: usize = 100;
const MAX_FIELDS: usize = 60;
/// Bytes of a name in `PostgreSQL`, which cuts what is longer without a word.
pub const MAX_IDENTIFIER: usize = 63;

/// Columns that every resource has.
pub const OWN_COLUMNS: [&str; 4] = ["id", "created_at", "updated_at", "version"];

/// The field that says whose a resource is.
const OWNER: &str = "owner";

/// What is there beside the resources.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Tables that the service has anyway, and that may be referred to.
    pub tables: Vec<Known>,
    /// What the template says of their names.
    pub rules: ResourceRules,
}

/// A table of the service's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub name: String,
    pub plural: String,
    /// Its name in an earlier version of the template.
    pub was: Option<String>,
    /// Whether its rows are those who log in: `owner:ref(…)` to it makes a resource theirs.
    pub accounts: bool,
}

/// Judges all drafts; faults of their form come with those of their meaning, in the order of the text.
pub fn check(drafts: Drafts, around: &Surroundings) -> Result<Vec<Resource>, Faults> {
    let Drafts { drafts, faults } = drafts;
    let mut checker = Checker { drafts: &drafts, around, faults };
    checker.count();
    checker.names();
    let resources: Vec<Resource> = drafts.iter().map(|draft| checker.resource(draft)).collect();
    checker.cycles(&resources);
    let mut faults = checker.faults;
    faults.0.sort_by(|one, other| one.place.cmp(&other.place));
    faults.or(resources)
}

struct Checker<'a> {
    drafts: &'a [Draft],
    around: &'a Surroundings,
    faults: Faults,
}

fn plural(draft: &Draft) -> String {
    draft.plural.as_ref().map_or_else(|| names::plural_of(&draft.name.value), |plural| plural.value.clone())
}

impl Checker<'_> {
    fn fault(&mut self, mark: &Mark, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(mark.fault(message, help));
    }

    fn count(&mut self) {
        if let Some(draft) = self.drafts.get(MAX_RESOURCES) {
            let message = format!("{} resources are too many: at most {MAX_RESOURCES}", self.drafts.len());
            self.fault(&draft.name.mark, message, "make two services of them");
        }
    }

    fn resource(&mut self, draft: &Draft) -> Resource {
        let name = &draft.name.value;
        if draft.fields.is_empty() && !draft.broken {
            self.fault(
                &draft.name.mark,
                format!("the resource \"{name}\" has no fields"),
                "as in `name:string(1..200)`",
            );
        }
        if let Some(field) = draft.fields.get(MAX_FIELDS) {
            let message = format!("{} fields are too many: at most {MAX_FIELDS}", draft.fields.len());
            self.fault(&field.name.mark, message, "make two resources of them");
        }
        let mut columns: BTreeMap<String, String> = BTreeMap::new();
        let fields: Vec<Field> =
            draft.fields.iter().filter_map(|field| self.field(draft, field, &mut columns)).collect();
        self.keys(draft, &fields);
        let theirs = |field: &&Field| {
            let Type::Ref(target) = &field.kind else { return false };
            let accounts = self.around.tables.iter().any(|table| table.accounts && table.name == *target);
            field.name == OWNER && accounts && !field.nullable
        };
        let owner = fields.iter().find(theirs).map(|field| field.name.clone());
        if owner.is_some() && fields.len() == 1 && draft.fields.len() == 1 {
            let message = format!("the resource \"{name}\" has an owner and nothing else");
            self.fault(&draft.name.mark, message, "as in `name:string(1..200)`");
        }
        let plural = plural(draft);
        let irregular = plural != names::plural_of(name);
        let was =
            draft.was.as_ref().and_then(|was| self.was("resource", was, self.drafts.iter().map(|draft| &draft.name)));
        let access = AccessRules {
            read: self.access(draft, draft.read.as_ref(), owner.is_some()),
            write: self.access(draft, draft.write.as_ref(), owner.is_some()),
        };
        if let (Some(write), Some(Access::Public), true) = (&draft.write, access.write, owner.is_some()) {
            let message = format!("each {name} belongs to an account, and a caller without one cannot create it");
            self.fault(&write.mark, message, "write=signed-in lets every account write");
        }
        let indexes = Vec::new();
        let resource = Resource {
            name: name.clone(),
            plural,
            irregular,
            was,
            earlier_table: None,
            fields,
            indexes,
            owner,
            access,
            retain: draft.retain.as_ref().and_then(|retain| self.retain(retain)),
        };
        Resource { indexes: self.indexes(draft, &resource), ..resource }
    }

    /// Who may read or write; None where nothing is declared, and after a fault.
    fn access(&mut self, draft: &Draft, declared: Option<&Marked<String>>, owned: bool) -> Option<Access> {
        let Marked { value, mark } = declared?;
        let access = Access::parse(value);
        if access.is_none() {
            let words = || Access::ALL.map(Access::as_str);
            let message = format!("no access rule \"{}\"{}", shown(value), did_you_mean(value, words()));
            self.fault(mark, message, format!("there are {}", words().join(", ")));
        }
        if access == Some(Access::Owner) && !owned {
            let message = format!("the resource \"{}\" has no owner", draft.name.value);
            let accounts = self.around.tables.iter().find(|table| table.accounts).map_or("user", |table| &table.name);
            self.fault(mark, message, format!("add the field {OWNER}:ref({accounts}), or choose another rule"));
        }
        access
    }

    /// How long rows are kept; None after a fault.
    fn retain(&mut self, Marked { value, mark }: &Marked<String>) -> Option<Retention> {
        let read = Retention::parse(value);
        if let Err(near) = &read {
            let message = format!("\"{}\" is not a number of days", shown(value));
            self.fault(mark, message, format!("rows are kept for whole days, as in retain={near}"));
        }
        read.ok()
    }

    fn field(&mut self, draft: &Draft, field: &DraftField, columns: &mut BTreeMap<String, String>) -> Option<Field> {
        let Marked { value: name, mark } = &field.name;
        let kind = field.kind.as_ref();
        let made = Field {
            name: name.clone(),
            kind: kind.map_or(Type::Text, |kind| kind.value.clone()),
            nullable: field.nullable,
            default: None,
            default_text: field.default.as_ref().map(|default| default.value.clone()),
            unique: field.unique.is_some(),
            index: field.index.is_some(),
            private: field.private,
            doc: field.doc.as_ref().and_then(|doc| self.doc(name, doc)),
            was: field
                .was
                .as_ref()
                .and_then(|was| self.was("field", was, draft.fields.iter().map(|field| &field.name))),
            renamed_choices: field.renamed_choices.clone(),
        };
        let column = made.column();
        self.field_name(draft, field, &column);
        if let Some(other) = columns.insert(column.clone(), name.clone()) {
            let message = if other == *name {
                format!("the field \"{name}\" stands twice")
            } else {
                format!("the fields \"{other}\" and \"{name}\" would both be the column \"{column}\"")
            };
            self.fault(mark, message, "rename one, or leave one out");
        } else if let Some((_, other)) =
            columns.iter().find(|(known, _)| **known != column && names::same(known, &column))
        {
            let message = format!("the fields \"{other}\" and \"{name}\" are one name in other cases");
            self.fault(mark, message, "rename one");
        }
        let longest = format!("{}_{column}_check", plural(draft)).len();
        if longest > MAX_IDENTIFIER {
            let message = format!("names made of \"{}\" and \"{column}\" are too long together", plural(draft));
            self.fault(
                mark,
                message,
                format!("{} letters less: a name in PostgreSQL has {MAX_IDENTIFIER}", longest - MAX_IDENTIFIER),
            );
        }
        let kind = kind?;
        if let (Some(index), Some(why)) = (field.unique.as_ref().or(field.index.as_ref()), kind.value.unindexable()) {
            self.fault(index, format!("the field \"{name}\" cannot have an index"), why);
        }
        if let Type::Ref(target) = &kind.value {
            self.target(target, &field.arguments);
        }
        let default = field.default.as_ref().and_then(|default| self.default(name, &kind.value, default));
        Some(Field { default, ..made })
    }

    /// One line of plain text, as a sentence.
    fn doc(&mut self, name: &str, doc: &Marked<String>) -> Option<String> {
        let long = doc.value.chars().count();
        let why = match check_plain(&doc.value) {
            Err(why) => why,
            Ok(()) if doc.value.trim().is_empty() => "it is empty".into(),
            Ok(()) if long > describe::MAX_DOC => {
                format!("it has {long} characters, and at most {} are allowed", describe::MAX_DOC)
            }
            Ok(()) => return Some(describe::sentence(&doc.value)),
        };
        self.fault(&doc.mark, format!("the description of \"{name}\": {why}"), "one line, one or two sentences");
        None
    }

    fn default(&mut self, name: &str, kind: &Type, default: &Marked<String>) -> Option<Default> {
        let read = check_plain(&default.value).and_then(|()| Default::read(kind, &default.value));
        read.map_err(|why| {
            let message = format!("the default of \"{name}\", which is {kind}: {why}");
            self.fault(&default.mark, message, "give one that the type takes, or none");
        })
        .ok()
    }

    fn target(&mut self, target: &str, mark: &Mark) {
        let known = || {
            let tables = self.around.tables.iter().map(|table| table.name.as_str());
            self.drafts.iter().map(|draft| draft.name.value.as_str()).chain(tables)
        };
        if known().any(|name| name == target) {
            return;
        }
        let singular = known().find(|name| names::plural_of(name) == target);
        let renamed = self.around.tables.iter().find(|table| table.was.as_deref() == Some(target));
        let near = match (renamed, singular) {
            (Some(_), _) => String::new(),
            (None, Some(name)) => format!(" (did you mean \"{name}\"?)"),
            (None, None) => did_you_mean(target, known()),
        };
        let message = format!("no resource \"{}\" to refer to{near}", shown(target));
        // What else there is are the service's own books.
        let own = |name: &&str| self.around.tables.iter().any(|table| table.name == *name && !table.accounts);
        let names: BTreeSet<&str> = known().filter(|name| !own(name)).collect();
        let help = match renamed {
            Some(table) => format!("it is called \"{0}\" now: ref({0})", table.name),
            None => format!("there are {}", names.into_iter().collect::<Vec<_>>().join(", ")),
        };
        self.faults.push(mark.fault(message, help));
    }

    /// A circle of references that may not be empty: none of its resources could be the first.
    fn cycles(&mut self, resources: &[Resource]) {
        let mut told: BTreeSet<Vec<&str>> = BTreeSet::new();
        for start in resources {
            let Some(circle) = circle_from(start, resources) else { continue };
            let mut members: Vec<&str> = circle.clone();
            members.sort_unstable();
            if !told.insert(members) {
                continue;
            }
            let first = circle[0];
            let next = circle.get(1).copied().unwrap_or(first);
            let draft = self.drafts.iter().find(|draft| draft.name.value == first);
            let field = draft.and_then(|draft| {
                let to_next = |field: &&DraftField| {
                    !field.nullable && matches!(&field.kind, Some(kind) if kind.value == Type::Ref(next.to_owned()))
                };
                draft.fields.iter().find(to_next)
            });
            let Some(field) = field else { continue };
            let mut path = circle.clone();
            path.push(first);
            let message = format!("no {first} could ever be created: {}", path.join(" needs "));
            let help = format!("let one be empty: `{}:ref({next})?`", field.name.value);
            self.faults.push(field.arguments.fault(message, help));
        }
    }
}

/// The shortest way from a resource to itself along what it needs; its names, the first once.
fn circle_from<'a>(start: &'a Resource, resources: &'a [Resource]) -> Option<Vec<&'a str>> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut ways: std::collections::VecDeque<Vec<&str>> = [vec![start.name.as_str()]].into();
    while let Some(way) = ways.pop_front() {
        let last = way.last()?;
        let Some(resource) = resources.iter().find(|resource| resource.name == **last) else { continue };
        for (_, target) in resource.needs() {
            if target == start.name {
                return Some(way);
            }
            if seen.insert(target) {
                let mut longer = way.clone();
                longer.push(target);
                ways.push_back(longer);
            }
        }
    }
    None
}

/// The fault for all drafts where `template` has no layer for resources; none where there are no drafts.
pub fn unwanted(drafts: &Drafts, template: &str) -> Option<Fault> {
    let help = "a template makes something of them in a layer with `for_each = \"resources\"`";
    let message = format!("this template, {template}, makes nothing of resources");
    match drafts.first() {
        Some(draft) => Some(draft.name.mark.fault(message, help)),
        None if drafts.is_empty() => None,
        None => Some(Fault::new(message).help(help)),
    }
}
