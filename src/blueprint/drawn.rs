//! What a command draws once: the year and the stamps of migrations.

use std::collections::{BTreeMap, BTreeSet};

use super::stamps;
use crate::fault::Fault;
use crate::schema::{Layout, MigrationFile};

/// What is drawn once and kept in the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The year of creation, for the licence.
    pub year: String,
    /// When this command began, in seconds since 1970: what is not drawn yet is drawn from it.
    pub moment: u64,
    /// The stamps of migrations that were made before, by their names.
    pub migrations: BTreeMap<String, String>,
    /// The schema that those migrations have reached; none before the first.
    pub reached: Option<Layout>,
    /// The layers whose files the repository had before this command.
    pub layers: BTreeSet<String>,
    /// The migrations in the repository, those that people wrote included.
    pub files: Vec<MigrationFile>,
}

impl Drawn {
    /// From `SOURCE_DATE_EPOCH` where it is set (reproducible-builds.org), else from the clock.
    /// A value that is no number of seconds is an error.
    pub fn now() -> Result<Self, Fault> {
        const NAME: &str = "SOURCE_DATE_EPOCH";
        let seconds = match std::env::var(NAME) {
            Ok(text) => {
                text.parse().map_err(|_| Fault::new(format!("{NAME}=\"{text}\" is no number of seconds since 1970")))?
            }
            Err(_) => std::time::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs()),
        };
        Ok(Self::at(seconds))
    }

    /// A first draw, at a moment in seconds since 1970.
    pub fn at(moment: u64) -> Self {
        let (year, ..) = stamps::date(moment / 86_400);
        Self {
            year: year.to_string(),
            moment,
            migrations: BTreeMap::new(),
            reached: None,
            layers: BTreeSet::new(),
            files: Vec::new(),
        }
    }

    /// The stamps of the migrations `names`, in their order: those that are drawn stay, and each new
    /// one is a second after all before it.
    pub fn stamps<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let latest = self.migrations.values().filter_map(|stamp| stamps::seconds(stamp)).max();
        let mut next = latest.map_or(self.moment, |latest| self.moment.max(latest + 1));
        let mut draw = || {
            let stamp = stamps::stamp(next);
            next = next.saturating_add(1);
            stamp
        };
        names.into_iter().map(|name| self.migrations.get(name).cloned().unwrap_or_else(&mut draw)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_begin_where_they_begin() {
        for (seconds, year) in
            [(0, 1970), (946_684_799, 1999), (946_684_800, 2000), (1_798_761_600, 2027), (u64::MAX, 9999)]
        {
            assert_eq!(Drawn::at(seconds).year, year.to_string());
        }
    }

    #[test]
    fn what_was_drawn_stays_and_new_ones_come_after_it() {
        let mut drawn = Drawn::at(1_795_342_500);
        assert_eq!(drawn.stamps(["a", "b"]), ["20261122101500", "20261122101501"]);
        drawn.migrations = [("a", "20261122101500"), ("b", "20270101000000")].map(|(a, b)| (a.into(), b.into())).into();
        assert_eq!(
            drawn.stamps(["c", "a", "d", "b"]),
            ["20270101000001", "20261122101500", "20270101000002", "20270101000000"]
        );
    }
}
