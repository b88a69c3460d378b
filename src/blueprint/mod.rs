//! The blueprint: what a repository is made from. On disk it is `service.toml`.

mod file;
mod resolve;
mod resources;

pub use file::{FILE_NAME, Given, read, write};
pub use resolve::{Next, Resolver};
pub use resources::{resources, surroundings};

use crate::fault::{Fault, Faults};
use crate::pack::{Answers, Pack, Question};
use crate::schema::Resource;

/// A complete blueprint: every question that applies has an answer that its question takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    pub name: String,
    /// Every question of the pack, asked or not: templates read them all.
    pub answers: Answers,
    /// In the order that they were given.
    pub resources: Vec<Resource>,
    /// Drawn once by the command, never inside `render` (design §1).
    pub drawn: Drawn,
}

impl Blueprint {
    /// The questions that apply with these answers, in the pack's order.
    pub fn asked<'a>(&self, pack: &'a Pack) -> Result<Vec<&'a Question>, Faults> {
        Resolver::new(pack, &self.name, Answers::default())?.applicable(&self.answers)
    }
}

/// What is drawn once and kept in the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The year of creation, for the licence.
    pub year: String,
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
        Ok(Self { year: year_of(seconds).to_string() })
    }
}

/// The year, in UTC, of a moment in seconds since 1970.
fn year_of(seconds: u64) -> u64 {
    let mut days = seconds / 86_400;
    let mut year = 1970;
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = if leap { 366 } else { 365 };
        if days < length || year >= 9999 {
            return year;
        }
        days -= length;
        year += 1;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn years_begin_where_they_begin() {
        for (seconds, year) in
            [(0, 1970), (946_684_799, 1999), (946_684_800, 2000), (1_798_761_600, 2027), (u64::MAX, 9999)]
        {
            assert_eq!(super::year_of(seconds), year);
        }
    }
}
