//! What a command draws once: the year and the stamps of migrations.

use std::collections::{BTreeMap, BTreeSet};

use super::stamps;
use crate::fault::Fault;
use crate::schema::{Layout, MigrationFile, SchemaRename};

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
    /// Renames that `service.toml` has carried out, and `reached` has not: those of a branch that was merged.
    pub renamed: Vec<SchemaRename>,
    /// A version that new migrations come after, of files that they replace.
    pub replaced: Option<i64>,
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
            renamed: Vec::new(),
            replaced: None,
        }
    }

    /// The stamps of the migrations `names`, in their order: those that are drawn stay. New ones come a second apart,
    /// after all that are drawn or stand in the repository; the last is this moment where there is room, so that none
    /// is ahead of the clock, and of what a person writes next.
    pub fn stamps(&self, names: &[&str]) -> Vec<String> {
        let new = names.iter().filter(|name| !self.migrations.contains_key(**name)).count() as u64;
        let in_files = self.files.iter().filter_map(MigrationFile::version);
        let latest = self.migrations.values().filter_map(|stamp| stamp.parse().ok());
        let latest = latest.chain(in_files).chain(self.replaced).max();
        let mut last = stamps::stamp(self.moment.saturating_sub(new));
        if let Some(latest) = latest.filter(|latest| last.parse().is_ok_and(|last: i64| last < *latest)) {
            last = latest.to_string();
        }
        let mut draw = || {
            last = match stamps::seconds(&last) {
                Some(seconds) => stamps::stamp(seconds.saturating_add(1)),
                // Numbered by hand, and beyond any moment.
                None => last.parse::<i64>().map_or_else(|_| last.clone(), |last| last.saturating_add(1).to_string()),
            };
            last.clone()
        };
        names.iter().map(|name| self.migrations.get(*name).cloned().unwrap_or_else(&mut draw)).collect()
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
        assert_eq!(drawn.stamps(&["a", "b"]), ["20261122101459", "20261122101500"]);
        drawn.migrations = [("a", "20261122101500"), ("b", "20270101000000")].map(|(a, b)| (a.into(), b.into())).into();
        assert_eq!(
            drawn.stamps(&["c", "a", "d", "b"]),
            ["20270101000001", "20261122101500", "20270101000002", "20270101000000"]
        );
    }

    #[test]
    fn new_ones_come_after_what_people_wrote() {
        let file =
            |name: &str| MigrationFile { path: format!("migrations/{name}"), text: String::new(), is_as_drawn: false };
        let after = |names: &[&str]| {
            let drawn = Drawn { files: names.iter().map(|name| file(name)).collect(), ..Drawn::at(1_795_342_500) };
            drawn.stamps(&["a", "b"])
        };
        assert_eq!(after(&["7_mine.sql"]), ["20261122101459", "20261122101500"]);
        assert_eq!(after(&["20261122101459_mine.up.sql"]), ["20261122101500", "20261122101501"]);
        assert_eq!(after(&["20261122101500_mine.sql"]), ["20261122101501", "20261122101502"]);
        assert_eq!(after(&["20261231235959_mine.up.sql", "notes.sql"]), ["20270101000000", "20270101000001"]);
        assert_eq!(after(&["20261199000000_mine.up.sql"]), ["20261199000001", "20261199000002"]);
    }
}
