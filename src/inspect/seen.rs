//! Which questions make a difference to what is looked at, and rows of these alone.

use std::collections::{BTreeMap, BTreeSet};

use super::pairwise::{self, FactorSet};
use super::rows::{Row, Rows, SEED, Trial};
use crate::fault::Faults;
use crate::pack::Pack;

impl Rows {
    /// Rows in which any two answers stand together that make a difference to what `look` sees of a service, as
    /// a compiler sees its code. The others take their values by chance, and texts and names by turns.
    pub fn seen_by(pack: &Pack, seed: u64, look: impl FnMut(&Row) -> Option<Vec<u8>>) -> Result<Self, Faults> {
        let mut trial = Trial::of(pack)?;
        let all = trial.chooser(SEED).cover(&[], |row| trial.verdict(row)).rows;
        let seen = trial.seen(&all, look);
        let mut chooser = trial.chooser(seed).among(seen.clone());
        let cover = chooser.cover(&[], |row| trial.verdict(row));
        trial.rows.seen = seen.iter().map(|factor| trial.key_of(*factor).to_owned()).collect();
        trial.leave_out(&cover);
        trial.take_each(&cover.rows, seed);
        trial.end()
    }
}

impl Trial<'_> {
    /// The factors that make a difference to what `look` sees: of rows that differ in one alone, two look unlike.
    fn seen(&mut self, rows: &[pairwise::Levels], mut look: impl FnMut(&Row) -> Option<Vec<u8>>) -> FactorSet {
        let mut looks: BTreeMap<pairwise::Levels, Option<Vec<u8>>> = BTreeMap::new();
        let mut seen = FactorSet::new();
        for factor in 0..self.factors.len() {
            let mut tried = BTreeSet::new();
            // Each value beside each value of another factor, once: a look costs a rendered service.
            let mut met: BTreeSet<pairwise::Pair> = BTreeSet::new();
            'rows: for row in rows {
                let beside = |value: usize| {
                    let others = row.iter().copied().enumerate().filter(|other| other.0 != factor);
                    others.map(move |other| ((factor, value), other))
                };
                for value in (0..self.factors[factor].values.len()).filter(|value| *value != row[factor]) {
                    if beside(value).all(|pair| met.contains(&pair)) {
                        continue;
                    }
                    let mut other = row.clone();
                    other[factor] = value;
                    if self.verdict(&other).is_err() {
                        continue;
                    }
                    tried.extend([value, row[factor]]);
                    met.extend(beside(value));
                    for levels in [row, &other] {
                        looks.entry(levels.clone()).or_insert_with(|| look(&self.admitted[levels].row));
                    }
                    if looks[row].is_none() || looks[row] != looks[&other] {
                        seen.insert(factor);
                        break 'rows;
                    }
                }
            }
            // A value that no row could change to by itself may make any difference.
            if tried.len() < self.factors[factor].values.len() && self.factors[factor].values.len() > 1 {
                seen.insert(factor);
            }
        }
        seen
    }
}
