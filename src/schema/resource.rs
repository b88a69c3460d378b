//! A checked resource: what it holds can be made, in every file that names it.

use std::fmt;

use super::access::{Access, AccessRules};
use super::default::Default;
use super::draft::{Drafts, RenamedChoice, Written};
use super::index::{CompositeIndex, IndexColumn};
use super::names;
use super::retention::Retention;
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
    /// The table that it had before, where migrations made one of another name.
    pub earlier_table: Option<String>,
    pub fields: Vec<Field>,
    /// Indexes over several columns.
    pub indexes: Vec<CompositeIndex>,
    /// The field that says whose it is: `owner`, a reference to the table of accounts.
    pub owner: Option<String>,
    /// Who may read and write it, as declared.
    pub access: AccessRules,
    /// Rows are deleted when they are older.
    pub retain: Option<Retention>,
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
    /// What it is, in a sentence that was written for it.
    pub doc: Option<String>,
    /// The name that it had before: its column is renamed, and not made anew.
    pub was: Option<String>,
    /// Choices that had another name before: rows that hold it keep what they mean.
    pub renamed_choices: Vec<RenamedChoice>,
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
    /// Names that its table may have had before.
    pub fn earlier_tables(&self) -> Vec<String> {
        let guessed = self.was.iter().flat_map(|was| [names::plural_of(was), was.clone()]);
        match &self.earlier_table {
            Some(known) => vec![known.clone()],
            None => guessed.collect(),
        }
    }

    /// As it is once its renames are carried out.
    #[must_use]
    pub fn without_history(&self) -> Self {
        let settled = |field: &Field| Field { was: None, renamed_choices: Vec::new(), ..field.clone() };
        let fields = self.fields.iter().map(settled).collect();
        Self { was: None, earlier_table: None, fields, ..self.clone() }
    }

    /// Who may read its rows, and who may write them; `accounts` where the service has any.
    pub fn may(&self, accounts: bool) -> [Access; 2] {
        self.access.resolve(self.owner.is_some(), accounts)
    }

    /// Reads an index over its columns, in which a reference may go by its name or by its column; none where the text
    /// is not of the form of one.
    pub fn index(&self, text: &str) -> Option<CompositeIndex> {
        let written = Drafts::default().index(&Written::typed(1, text))?;
        let columns = written.columns.into_iter().map(|column| {
            let name = column.name.value;
            let field = self.fields.iter().find(|field| field.name == name || field.column() == name);
            IndexColumn { name: field.map_or(name, |field| field.name.clone()), descending: column.descending }
        });
        Some(CompositeIndex { columns: columns.collect() })
    }

    /// The indexes over several columns that it has without a word, by names of fields.
    pub(super) fn made_indexes(&self) -> Vec<Vec<IndexColumn>> {
        let columns = |names: &[&str]| names.iter().map(|name| IndexColumn::ascending(name)).collect();
        let mut all = vec![columns(&["created_at", "id"])];
        for field in self.fields.iter().filter(|field| field.has_index()) {
            if self.owner.as_ref() == Some(&field.name) {
                all.push(columns(&[&field.name, "created_at", "id"]));
            } else if field.kind.facts().sortable {
                all.push(columns(&[&field.name, "id"]));
            }
        }
        all
    }

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
        match &self.kind {
            Type::Enum(choices) if !self.renamed_choices.is_empty() => {
                let was = |choice: &String| self.renamed_choices.iter().find(|renamed| renamed.to == *choice);
                let choice = |choice: &String| {
                    was(choice).map_or_else(|| choice.clone(), |renamed| format!("{choice}:was={}", renamed.from))
                };
                write!(f, "{}:enum({})", self.name, choices.iter().map(choice).collect::<Vec<_>>().join(","))?;
            }
            kind => write!(f, "{}:{kind}", self.name)?,
        }
        if self.nullable {
            f.write_str("?")?;
        }
        if let Some(text) = &self.default_text {
            let plain =
                !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || matches!(c, ':' | '"' | '\''));
            f.write_str("=")?;
            if plain { f.write_str(text)? } else { quoted(f, text)? }
        }
        for (set, word) in [(self.unique, "unique"), (self.index, "index"), (self.private, "private")] {
            if set {
                write!(f, ":{word}")?;
            }
        }
        if let Some(doc) = &self.doc {
            f.write_str(":doc=")?;
            quoted(f, doc)?;
        }
        if let Some(was) = &self.was {
            write!(f, ":was={was}")?;
        }
        Ok(())
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
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
        for (word, access) in self.access.by_key() {
            if let Some(access) = access {
                write!(f, " {word}={}", access.as_str())?;
            }
        }
        if let Some(retain) = self.retain {
            write!(f, " retain={retain}")?;
        }
        self.indexes.iter().try_for_each(|index| write!(f, " index={index}"))?;
        self.fields.iter().try_for_each(|field| write!(f, " {field}"))
    }
}
