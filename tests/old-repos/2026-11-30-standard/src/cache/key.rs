//! What entries are kept under.

use std::fmt;

/// The name of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The kind of thing that it is about; a label of the metrics.
    pub name: &'static str,
    kind: Kind,
    id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Entity,
    List,
}

impl Key {
    /// One thing, by its id.
    pub fn entity(name: &'static str, id: impl fmt::Display) -> Self {
        Self { name, kind: Kind::Entity, id: id.to_string() }
    }

    /// Some of these things: a page, a search, a count. Each is forgotten when any of them changes.
    pub fn list(name: &'static str, query: impl fmt::Display) -> Self {
        Self { name, kind: Kind::List, id: query.to_string() }
    }

    /// Whether it is about more than one thing.
    pub fn is_list(&self) -> bool {
        self.kind == Kind::List
    }
}

/// `entity:orders:42`, `list:orders:limit=20`
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_list() { "list" } else { "entity" };
        write!(f, "{kind}:{}:{}", self.name, self.id)
    }
}
