//! Which questions make a difference to what is looked at, and rows of these alone.

use std::collections::{BTreeMap, BTreeSet};

use super::pairwise::{self, FactorSet};
use super::rows::{Row, Rows, SEED, Trial};
use crate::blueprint::Blueprint;
use crate::fault::Faults;
use crate::pack::{Pack, hash};

/// The questions that make a difference to what is looked at; and whether there are resources.
#[derive(Debug)]
pub struct Seen(FactorSet);

impl Seen {
    /// Those to what `look` sees of a service, as a compiler sees its code.
    pub fn by(pack: &Pack, look: impl FnMut(&Row) -> Option<Vec<u8>>) -> Result<Self, Faults> {
        let mut trial = Trial::of(pack)?;
        let all = trial.chooser(SEED).cover(&[], |row| trial.verdict(row)).rows;
        let seen = trial.seen(&all, look);
        trial.end()?;
        Ok(Self(seen))
    }
}

impl Rows {
    /// Rows in which, with those of the services that are `given`, any two answers stand together that make a
    /// difference. The others take their values by chance, and texts and names by turns.
    pub fn beside(pack: &Pack, given: &[&Blueprint], seen: &Seen, seed: u64) -> Result<Self, Faults> {
        let mut trial = Trial::of(pack)?;
        let mut given: Vec<pairwise::Levels> = given.iter().filter_map(|blueprint| trial.levels(blueprint)).collect();
        given.retain(|row| trial.verdict(row).is_ok());
        let mut chooser = trial.chooser(seed).among(seen.0.clone());
        let cover = chooser.cover(&given, |row| trial.verdict(row));
        trial.rows.seen = seen.0.iter().map(|factor| trial.key_of(*factor).to_owned()).collect();
        trial.leave_out(&cover);
        trial.take_each(&cover.rows[given.len()..], seed);
        trial.end()
    }
}

impl Trial<'_> {
    /// The factors that make a difference to what `look` sees. In each row, all that are not known to are changed at
    /// once: what any two answers make stands in some row, and not in its change. Where that looks otherwise, they are
    /// changed one after the other.
    fn seen(&mut self, rows: &[pairwise::Levels], mut look: impl FnMut(&Row) -> Option<Vec<u8>>) -> FactorSet {
        let sizes: Vec<usize> = self.factors.iter().map(|factor| factor.values.len()).collect();
        let mut looks: BTreeMap<pairwise::Levels, Option<String>> = BTreeMap::new();
        let mut seen = FactorSet::new();
        let mut tried = vec![BTreeSet::new(); sizes.len()];
        for (number, row) in rows.iter().enumerate() {
            let mut steps = vec![(None, row.clone())];
            for (factor, size) in sizes.iter().enumerate().filter(|(factor, size)| **size > 1 && !seen.contains(factor))
            {
                let mut next = steps[steps.len() - 1].1.clone();
                tried[factor].insert(next[factor]);
                next[factor] = (next[factor] + 1 + number % (size - 1)) % size;
                if self.verdict(&next).is_ok() {
                    tried[factor].insert(next[factor]);
                    steps.push((Some(factor), next));
                }
            }
            let mut seen_in = |levels: &pairwise::Levels| {
                let digest = || look(&self.admitted[levels].row).map(|bytes| hash(&bytes));
                looks.entry(levels.clone()).or_insert_with(digest).clone()
            };
            let mut differ = |one: &pairwise::Levels, other: &pairwise::Levels| {
                let one = seen_in(one);
                one.is_none() || one != seen_in(other)
            };
            if differ(row, &steps[steps.len() - 1].1) {
                let changed = steps.windows(2).filter(|pair| differ(&pair[0].1, &pair[1].1));
                seen.extend(changed.filter_map(|pair| pair[1].0));
            }
        }
        // A value that no row could change to may make any difference.
        seen.extend((0..sizes.len()).filter(|factor| sizes[*factor] > 1 && tried[*factor].len() < sizes[*factor]));
        seen
    }
}
