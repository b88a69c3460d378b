//! The catalogue of production practices: what a service must have, by id.
//!
//! Layers claim ids of it; generated documents list them; later `check` reports on exactly these.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// One practice. `area` groups them as the catalogue does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Practice {
    pub id: String,
    pub area: String,
    pub title: String,
    /// What a service that has it does, in one sentence.
    pub summary: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    practice: Vec<Practice>,
}

static CATALOGUE: LazyLock<Vec<Practice>> = LazyLock::new(|| {
    let catalogue: Catalogue = toml::from_str(include_str!("catalogue.toml")).expect("a test reads the catalogue");
    catalogue.practice
});

/// All practices, in the catalogue's order.
pub fn all() -> &'static [Practice] {
    &CATALOGUE
}

pub fn find(id: &str) -> Option<&'static Practice> {
    all().iter().find(|practice| practice.id == id)
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_unique_and_begin_with_a_short_area() {
        let ids: Vec<&str> = super::all().iter().map(|practice| practice.id.as_str()).collect();
        let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len());
        assert!(
            ids.iter().all(|id| id.split_once('.').is_some_and(|(area, name)| !area.is_empty() && !name.is_empty()))
        );
    }
}
