//! Keys of entries.

use std::fmt;

/// Key of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Kind of entity; a label of the metrics.
    pub name: &'static str,
    kind: Kind,
    id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Entity,
    List,
}

impl Kind {
    fn as_text(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::List => "list",
        }
    }
}

impl Key {
    /// An entity, by its ID.
    pub fn entity(name: &'static str, id: impl fmt::Display) -> Self {
        Self { name, kind: Kind::Entity, id: id.to_string() }
    }

    /// A list of entities: a page, a search, a count. A change of any entity invalidates it.
    pub fn list(name: &'static str, query: impl fmt::Display) -> Self {
        Self { name, kind: Kind::List, id: query.to_string() }
    }

    /// Whether the key is of a list.
    pub fn is_list(&self) -> bool {
        self.kind == Kind::List
    }

    /// Bytes of its text.
    pub(super) fn len(&self) -> usize {
        self.kind.as_text().len() + self.name.len() + self.id.len() + 2
    }

    /// The key of all lists of a kind, which are invalidated together.
    pub(super) fn lists(name: &'static str) -> Self {
        Self::list(name, "")
    }

    /// The key whose invalidation is one of this key as well.
    pub(super) fn invalidated_by(&self) -> Self {
        if self.is_list() { Self::lists(self.name) } else { self.clone() }
    }
}

/// `entity:orders:42`, `list:orders:limit=20`
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind.as_text(), self.name, self.id)
    }
}
