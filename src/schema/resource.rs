//! A checked resource: what it holds can be made, in every file that names it.

use std::fmt;

use super::default::Default;
use super::types::Type;

/// A resource that [`super::check`] has passed.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// In `snake_case`, as all names here.
    pub name: String,
    pub plural: String,
    /// Whether the plural is not the one that would be made of the name.
    pub irregular: bool,
    /// The name that it had before: its table is renamed, and not made anew.
    pub was: Option<String>,
    pub fields: Vec<Field>,
    /// The field that says whose it is: `owner`, a reference to the table of accounts.
    pub owner: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
// Each is a word of the grammar of its own.
#[allow(clippy::struct_excessive_bools)]
pub struct Field {
    pub name: String,
    pub kind: Type,
    pub nullable: bool,
    pub default: Option<Default>,
    /// The default as it was written.
    pub default_text: Option<String>,
    pub unique: bool,
    pub index: bool,
    /// Never leaves the service.
    pub private: bool,
    /// The name that it had before: its column is renamed, and not made anew.
    pub was: Option<String>,
}

impl Field {
    /// The name of its column, and of its key in JSON: a reference is to an id.
    pub fn column(&self) -> String {
        match self.kind {
            Type::Ref(_) => format!("{}_id", self.name),
            _ => self.name.clone(),
        }
    }

    /// Whether an index of its own is made; a unique field has that of its constraint.
    pub fn has_index(&self) -> bool {
        !self.unique && (self.index || matches!(self.kind, Type::Ref(_)))
    }
}

impl Resource {
    /// The resources that must exist before one of these can.
    pub fn needs(&self) -> impl Iterator<Item = (&Field, &str)> {
        self.fields.iter().filter_map(|field| match &field.kind {
            Type::Ref(target) if !field.nullable => Some((field, target.as_str())),
            _ => None,
        })
    }
}

/// As the grammar has it: what is printed reads back as the same field.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.kind)?;
        if self.nullable {
            f.write_str("?")?;
        }
        if let Some(text) = &self.default_text {
            let plain =
                !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || matches!(c, ':' | '"' | '\''));
            if plain {
                write!(f, "={text}")?;
            } else {
                write!(f, "=\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))?;
            }
        }
        for (set, word) in [(self.unique, "unique"), (self.index, "index"), (self.private, "private")] {
            if set {
                write!(f, ":{word}")?;
            }
        }
        if let Some(was) = &self.was {
            write!(f, ":was={was}")?;
        }
        Ok(())
    }
}

/// As `--resource` takes it.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.irregular {
            write!(f, " plural={}", self.plural)?;
        }
        if let Some(was) = &self.was {
            write!(f, " was={was}")?;
        }
        self.fields.iter().try_for_each(|field| write!(f, " {field}"))
    }
}
