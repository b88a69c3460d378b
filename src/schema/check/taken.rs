//! Names that cannot be had: each is refused where it stands, for the one reason that applies.

use std::collections::BTreeMap;

use heck::{ToKebabCase as _, ToPascalCase as _};

use super::{Checker, plural};
use crate::pack::{DEVICE_NAMES, shown};
use crate::schema::draft::{Draft, DraftField, Marked};
use crate::schema::names;
use crate::schema::resource::Field;
use crate::schema::types::Type;

const OTHER_PLURAL: &str = "say another: `plural=…` after the name, or `plural = \"…\"` in service.toml";

/// Who has a schema of the API's description.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    Service,
    /// A resource, or the field of one: `order.status`.
    Given(String),
}

impl Owner {
    fn given(name: &str) -> Self {
        Self::Given(name.to_owned())
    }

    fn shown(&self) -> String {
        match self {
            Self::Service => "the service".into(),
            Self::Given(name) => format!("\"{name}\""),
        }
    }
}

impl Checker<'_> {
    /// The names of resources, and everything that is made of them.
    pub(super) fn names(&mut self) {
        let around = self.around;
        let mut plurals: BTreeMap<String, String> =
            around.tables.iter().map(|table| (table.plural.clone(), table.name.clone())).collect();
        let mut schemas: BTreeMap<String, Owner> =
            around.rules.schemas.iter().map(|schema| (schema.clone(), Owner::Service)).collect();
        let mut taken = Vec::new();
        for draft in self.drafts {
            let Marked { value: name, mark } = &draft.name;
            if !self.well_formed("resource", &draft.name) {
                continue;
            }
            let schema = name.to_pascal_case();
            let mut help = "choose another name";
            let message = if around.tables.iter().any(|table| names::same(&table.name, name)) {
                format!("the service has \"{name}\" already")
            } else {
                match schemas.insert(schema.clone(), Owner::given(name)) {
                    None => {
                        self.plural(draft, &mut plurals);
                        taken.push(&draft.name);
                        continue;
                    }
                    Some(Owner::Given(other)) => {
                        help = "rename one, or leave one out";
                        if other == *name {
                            format!("the resource \"{name}\" stands twice")
                        } else {
                            format!("the resources \"{other}\" and \"{name}\" would both be the type {schema}")
                        }
                    }
                    Some(Owner::Service) => {
                        schemas.insert(schema.clone(), Owner::Service);
                        format!("\"{name}\" needs the schema {schema}, and the service already has one")
                    }
                }
            };
            self.fault(mark, message, help);
        }
        self.made_types(&taken, &mut schemas);
        self.enums(&mut schemas);
    }

    /// What the template makes of each of the names, which were not refused.
    fn made_types(&mut self, names: &[&Marked<String>], schemas: &mut BTreeMap<String, Owner>) {
        for name in names {
            for pattern in &self.around.rules.types {
                let made = pattern.replace("{}", &name.value.to_pascal_case());
                let other = schemas.insert(made.clone(), Owner::given(&name.value));
                let same = |other: &Owner| matches!(other, Owner::Given(other) if names::same(other, &name.value));
                if let Some(other) = other.filter(|other| !same(other)) {
                    let message =
                        format!("\"{}\" brings the type {made}, which {} has already", name.value, other.shown());
                    self.fault(&name.mark, message, "rename one");
                }
            }
        }
    }

    /// Types of choices; after all resources, so that it is the choice that is told.
    fn enums(&mut self, schemas: &mut BTreeMap<String, Owner>) {
        for draft in self.drafts {
            for field in &draft.fields {
                let Some(Marked { value: Type::Enum(_), .. }) = &field.kind else { continue };
                let made = format!("{}_{}", draft.name.value, field.name.value).to_pascal_case();
                let own = Owner::given(&format!("{}.{}", draft.name.value, field.name.value));
                if self.around.rules.reserved_types.contains(&made) {
                    let message =
                        format!("its choices would be the type {made}, which is the name of a library's type");
                    self.fault(&field.name.mark, message, "rename the field, or the resource");
                } else if let Some(other) = schemas.insert(made.clone(), own.clone())
                    && other != own
                {
                    let message = format!("its choices would be the type {made}, which {} has already", other.shown());
                    self.fault(&field.name.mark, message, "rename the field, or the other");
                }
            }
        }
    }

    fn plural(&mut self, draft: &Draft, plurals: &mut BTreeMap<String, String>) {
        let name = &draft.name.value;
        let plural = plural(draft);
        let rules = &self.around.rules;
        if let Some(given) = &draft.plural
            && !self.well_formed("plural", given)
        {
            return;
        }
        let message = if rules.paths.contains(&plural) {
            format!("the API already serves the path /{}", plural.to_kebab_case())
        } else if rules.reserved.contains(&plural) {
            format!("\"{plural}\" is a name that the service uses itself")
        } else if let Some((prefix, database)) = names::of_a_database(&plural) {
            format!("{database} reserves table names that begin with \"{prefix}\", as \"{plural}\" does")
        } else if DEVICE_NAMES.contains(&plural.as_str()) {
            format!("the plural \"{plural}\" cannot name a folder: it is a device name on Windows")
        } else if let Some(other) = plurals.insert(plural.clone(), name.clone()) {
            format!("\"{other}\" and \"{name}\" would both be the table \"{plural}\"")
        } else {
            return;
        };
        let mark = draft.plural.as_ref().map_or(&draft.name.mark, |plural| &plural.mark);
        self.fault(mark, message, OTHER_PLURAL);
    }

    /// The name of a field, whose column has one made of it.
    pub(super) fn field_name(&mut self, draft: &Draft, field: &DraftField, column: &str) {
        let Marked { value: name, mark } = &field.name;
        if !self.well_formed("field", &field.name) {
            return;
        }
        if draft.own.contains(&name.as_str()) {
            let message = format!("every resource has \"{name}\" already");
            self.fault(mark, message, "leave it out, or choose another name");
        } else if self.around.rules.reserved_fields.contains(name) {
            let message = format!("\"{name}\" is a name that the service uses itself");
            self.fault(mark, message, "choose another name");
        } else if names::SYSTEM_COLUMNS.contains(&column) {
            let message = format!("\"{column}\" is a system column of every table in PostgreSQL");
            self.fault(mark, message, format!("choose another name: `{name}_value`, say"));
        }
    }

    /// A reference is a key of its own in JSON, beside that of its column.
    pub(super) fn keys(&mut self, draft: &Draft, fields: &[Field]) {
        for field in fields.iter().filter(|field| matches!(field.kind, Type::Ref(_))) {
            let Some(other) = fields.iter().find(|other| other.column() == field.name && other.name != field.name)
            else {
                continue;
            };
            let Some(written) = draft.fields.iter().find(|written| written.name.value == field.name) else { continue };
            let (one, name) = (&other.name, &field.name);
            let message = format!("the fields \"{one}\" and \"{name}\" would both be the key \"{name}\" in JSON");
            self.fault(&written.name.mark, message, "rename one");
        }
    }

    /// The name that something had before: of the form of one, and nothing's name now.
    pub(super) fn was<'b>(
        &mut self,
        what: &str,
        was: &Marked<String>,
        mut now: impl Iterator<Item = &'b Marked<String>>,
    ) -> Option<String> {
        if !self.well_formed(what, was) {
            return None;
        }
        if now.any(|name| name.value == was.value) {
            let message = format!("it was \"{0}\", and there is a {what} \"{0}\"", was.value);
            self.fault(&was.mark, message, "a name that has gone to another cannot be told apart: rename in two steps");
            return None;
        }
        Some(was.value.clone())
    }

    /// Whether a name has the form of one.
    fn well_formed(&mut self, what: &str, name: &Marked<String>) -> bool {
        let Err(why) = names::check(&name.value) else { return true };
        let help = names::suggestion(&name.value)
            .map_or_else(|| "choose another name".to_owned(), |better| format!("`{better}` would do"));
        self.fault(&name.mark, format!("the {what} \"{}\": {why}", shown(&name.value)), help);
        false
    }
}
