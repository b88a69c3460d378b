//! Keys of entries.

use std::fmt;

/// Key of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Kind of entity; a label of the metrics.
    pub name: &'static str,
    kind: Kind,
    /// `entity:orders:42`, `list:orders:limit=20`
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Entity,
    List,
}

impl Key {
    /// An entity, by its ID.
    pub fn entity(name: &'static str, id: impl fmt::Display) -> Self {
        Self { name, kind: Kind::Entity, text: format!("entity:{name}:{id}") }
    }

    /// A list of entities: a page, a search, a count. A change of any entity invalidates it.
    pub fn list(name: &'static str, query: impl fmt::Display) -> Self {
        Self { name, kind: Kind::List, text: format!("list:{name}:{query}") }
    }

    /// Whether the key is of a list.
    pub fn is_list(&self) -> bool {
        self.kind == Kind::List
    }

    /// Bytes of its text.
    pub(super) fn len(&self) -> usize {
        self.text.len()
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

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
