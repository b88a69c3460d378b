//! A small set of rows in which every two values that can stand together do so once at least.
//!
//! Rows are built value by value, never listed: a pack with twenty questions has more of them than can be
//! counted. Which rows are admitted is known by asking about whole ones. Each refusal names the factors that
//! are enough for it, and so many of their values are never tried together again. What cannot be completed
//! after that is refused for certain, whatever stands beside it.

use std::collections::{BTreeSet, HashMap};

/// A value of each factor, by number.
pub type Levels = Vec<usize>;

/// The value `.1` of the factor `.0`.
pub type FactorValue = (usize, usize);

/// A value beside another, of a later factor; beside itself, the value alone.
pub type Pair = (FactorValue, FactorValue);

/// Factors, by number.
pub type FactorSet = BTreeSet<usize>;

/// Whether a row is admitted; if not, the factors whose values are enough to refuse it.
pub type Verdict = Result<(), FactorSet>;

/// Covers that are built, of which the smallest is taken, and rows for each one of a cover.
const ATTEMPTS: usize = 6;
const CANDIDATES: usize = 40;

/// After so many refusals in a row, the first candidate is taken.
const MOST_CHOOSY: usize = 50;

/// What the search for one row may cost; above it the search is given up, and the pair is undecided.
const MOST_STEPS: usize = 200_000;
const MOST_JUDGED: usize = 4_096;

/// The pairs that stand in a row.
pub fn pairs(row: &[usize]) -> impl Iterator<Item = Pair> + '_ {
    let values = || row.iter().copied().enumerate();
    values().flat_map(move |one| values().skip(one.0).map(move |other| (one, other)))
}

/// Rows, and the pairs that none of them holds.
#[derive(Debug, Default)]
pub struct Cover {
    pub rows: Vec<Levels>,
    /// Pairs that no admitted row holds.
    pub refused: Vec<Pair>,
    /// Pairs whose search was given up.
    pub undecided: Vec<Pair>,
}

/// What a search ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    Found(Levels),
    /// No admitted row holds these values.
    Refused,
    /// The search cost too much.
    Undecided,
}

/// Builds rows of factors with so many values each. The same seed gives the same rows.
#[derive(Debug, Clone)]
pub struct Chooser {
    sizes: Vec<usize>,
    /// The factors whose pairs a cover has; the others take any value.
    among: FactorSet,
    refusals: Refusals,
    random: Random,
}

impl Chooser {
    pub fn new(sizes: Vec<usize>, seed: u64) -> Self {
        Self { among: (0..sizes.len()).collect(), sizes, refusals: Refusals::default(), random: Random(seed) }
    }

    /// The same, with covers of these factors alone.
    #[must_use]
    pub fn among(self, factors: FactorSet) -> Self {
        Self { among: factors, ..self }
    }

    /// An admitted row with all of these values.
    pub fn seek(&mut self, fixed: &[FactorValue], mut judge: impl FnMut(&[usize]) -> Verdict) -> Sought {
        let order = self.order(fixed);
        let nothing = |_: &[Option<usize>], _: FactorValue| 0;
        Search::new(self, fixed, &order, &nothing, &mut judge).run()
    }

    /// Rows that hold every pair that an admitted row holds. `first` are in it, if they are admitted.
    pub fn cover(&mut self, first: &[Levels], mut judge: impl FnMut(&[usize]) -> Verdict) -> Cover {
        let covers = (0..ATTEMPTS).map(|_| self.attempt(first, &mut judge));
        covers.min_by_key(|cover| (cover.undecided.len(), cover.rows.len())).unwrap_or_default()
    }

    fn attempt(&mut self, first: &[Levels], judge: &mut impl FnMut(&[usize]) -> Verdict) -> Cover {
        let mut open = Open::new(&self.sizes, &self.among);
        let mut cover = Cover::default();
        for row in first {
            match judge(row) {
                Ok(()) => {
                    open.close(row);
                    cover.rows.push(row.clone());
                }
                Err(scope) => self.refusals.learn(&scope, |factor| row[factor]),
            }
        }
        while let Some(pair) = open.next(&mut self.random) {
            let fixed = if pair.0 == pair.1 { vec![pair.0] } else { vec![pair.0, pair.1] };
            match self.best(&fixed, &open, judge) {
                Sought::Found(row) => {
                    open.close(&row);
                    cover.rows.push(row);
                }
                Sought::Refused => {
                    open.drop(pair);
                    cover.refused.push(pair);
                }
                Sought::Undecided => {
                    open.drop(pair);
                    cover.undecided.push(pair);
                }
            }
        }
        cover.refused.sort_unstable();
        cover.undecided.sort_unstable();
        cover
    }

    /// Of several rows with these values, the one that holds most open pairs.
    fn best(&mut self, fixed: &[FactorValue], open: &Open, judge: &mut impl FnMut(&[usize]) -> Verdict) -> Sought {
        let gain = |row: &[Option<usize>], value: FactorValue| open.gain(row, value);
        for round in 0..MOST_JUDGED {
            let mut best: Option<(usize, Levels)> = None;
            // Where much is refused, any row will do.
            let candidates = if round < MOST_CHOOSY { CANDIDATES } else { 1 };
            for _ in 0..candidates {
                let order = self.order(fixed);
                match Search::new(self, fixed, &order, &gain, &mut |_| Ok(())).run() {
                    Sought::Found(row) => {
                        let held = open.held(&row);
                        if best.as_ref().is_none_or(|(most, _)| held > *most) {
                            best = Some((held, row));
                        }
                    }
                    other => return other,
                }
            }
            let Some((_, row)) = best else { return Sought::Undecided };
            match judge(&row) {
                Ok(()) => return Sought::Found(row),
                Err(scope) => self.refusals.learn(&scope, |factor| row[factor]),
            }
        }
        Sought::Undecided
    }

    /// The factors in the order in which they get their values: those of `fixed`, then the others by chance.
    fn order(&mut self, fixed: &[FactorValue]) -> Vec<usize> {
        let mut order: Vec<usize> = fixed.iter().map(|(factor, _)| *factor).collect();
        let mut others: Vec<usize> = (0..self.sizes.len()).filter(|factor| !order.contains(factor)).collect();
        self.random.shuffle(&mut others);
        order.extend(others);
        order
    }
}

/// Pairs that no row holds yet.
struct Open {
    /// Where the values of each factor begin among all values.
    starts: Vec<usize>,
    sizes: Vec<usize>,
    /// By value and value, each way.
    pairs: Vec<Vec<bool>>,
    /// How many are open of each value.
    counts: Vec<usize>,
}

impl Open {
    fn new(sizes: &[usize], among: &FactorSet) -> Self {
        let starts: Vec<usize> = sizes.iter().scan(0, |sum, size| Some(std::mem::replace(sum, *sum + size))).collect();
        let all: usize = sizes.iter().sum();
        let mut new = Self { starts, sizes: sizes.to_vec(), pairs: vec![vec![false; all]; all], counts: vec![0; all] };
        for one in new.values().into_iter().filter(|one| among.contains(&one.0)) {
            let others = new.values().into_iter().filter(|other| one.0 < other.0 || one == *other);
            for other in others.filter(|other| among.contains(&other.0)) {
                new.set((one, other), true);
            }
        }
        new
    }

    fn values(&self) -> Vec<FactorValue> {
        let of = |(factor, size): (usize, &usize)| (0..*size).map(move |value| (factor, value));
        self.sizes.iter().enumerate().flat_map(of).collect()
    }

    fn at(&self, value: FactorValue) -> usize {
        self.starts[value.0] + value.1
    }

    fn set(&mut self, pair: Pair, is_open: bool) {
        let (one, other) = (self.at(pair.0), self.at(pair.1));
        if self.pairs[one][other] == is_open {
            return;
        }
        for (one, other) in BTreeSet::from([(one, other), (other, one)]) {
            self.pairs[one][other] = is_open;
            if is_open {
                self.counts[one] += 1;
            } else {
                self.counts[one] -= 1;
            }
        }
    }

    fn close(&mut self, row: &[usize]) {
        pairs(row).for_each(|pair| self.set(pair, false));
    }

    fn drop(&mut self, pair: Pair) {
        self.set(pair, false);
    }

    /// An open pair of the value that has most.
    fn next(&self, random: &mut Random) -> Option<Pair> {
        let values = self.values();
        let most = self.counts.iter().max().copied().filter(|most| *most > 0)?;
        let busiest: Vec<FactorValue> =
            values.iter().copied().filter(|value| self.counts[self.at(*value)] == most).collect();
        let one = busiest[random.below(busiest.len())];
        let partners: Vec<FactorValue> =
            values.into_iter().filter(|other| self.pairs[self.at(one)][self.at(*other)]).collect();
        // The partner that has most itself: the row has to hold many.
        let most = partners.iter().map(|other| self.counts[self.at(*other)]).max()?;
        let partners: Vec<FactorValue> =
            partners.into_iter().filter(|other| self.counts[self.at(*other)] == most).collect();
        let other = partners[random.below(partners.len())];
        Some((one.min(other), one.max(other)))
    }

    /// How many open pairs a value makes with those that the row has already.
    fn gain(&self, row: &[Option<usize>], value: FactorValue) -> usize {
        let of = &self.pairs[self.at(value)];
        let beside = row.iter().enumerate().filter_map(|(factor, beside)| Some((factor, (*beside)?)));
        beside.filter(|(factor, _)| *factor != value.0).filter(|beside| of[self.at(*beside)]).count()
            + usize::from(of[self.at(value)])
    }

    fn held(&self, row: &[usize]) -> usize {
        pairs(row).filter(|(one, other)| self.pairs[self.at(*one)][self.at(*other)]).count()
    }
}

/// Values that are never admitted together.
#[derive(Debug, Clone, Default)]
struct Refusals {
    all: Vec<Vec<FactorValue>>,
    /// Those that a value is part of.
    of: HashMap<FactorValue, Vec<usize>>,
    /// No row is admitted.
    everything: bool,
}

impl Refusals {
    fn learn(&mut self, scope: &FactorSet, value: impl Fn(usize) -> usize) {
        let values: Vec<FactorValue> = scope.iter().map(|factor| (*factor, value(*factor))).collect();
        self.everything |= values.is_empty();
        for value in &values {
            self.of.entry(*value).or_default().push(self.all.len());
        }
        self.all.push(values);
    }

    /// The factors of one that the row completes with this value of its own.
    fn hit(&self, row: &[Option<usize>], value: FactorValue) -> Option<FactorSet> {
        let stands = |(factor, value): &FactorValue| row[*factor] == Some(*value);
        let hit = self.of.get(&value)?.iter().map(|at| &self.all[*at]).find(|values| values.iter().all(stands))?;
        Some(hit.iter().map(|(factor, _)| *factor).collect())
    }
}

/// One row in the making. A dead end goes back to the last factor that has a part in it.
struct Search<'a, G, J> {
    sizes: &'a [usize],
    refusals: &'a mut Refusals,
    random: &'a mut Random,
    fixed: &'a [FactorValue],
    order: &'a [usize],
    gain: &'a G,
    judge: &'a mut J,
    row: Vec<Option<usize>>,
    steps: usize,
    judged: usize,
}

enum DeadEnd {
    /// No value of any factor that is open leads on, because of the values of these.
    Because(FactorSet),
    TooMuch,
}

impl<'a, G, J> Search<'a, G, J>
where
    G: Fn(&[Option<usize>], FactorValue) -> usize,
    J: FnMut(&[usize]) -> Verdict,
{
    fn new(
        chooser: &'a mut Chooser,
        fixed: &'a [FactorValue],
        order: &'a [usize],
        gain: &'a G,
        judge: &'a mut J,
    ) -> Self {
        let row = vec![None; chooser.sizes.len()];
        let Chooser { sizes, refusals, random, .. } = chooser;
        Self { sizes, refusals, random, fixed, order, gain, judge, row, steps: 0, judged: 0 }
    }

    fn run(mut self) -> Sought {
        if self.refusals.everything {
            return Sought::Refused;
        }
        match self.extend(0) {
            Ok(()) => Sought::Found(self.row.into_iter().flatten().collect()),
            Err(DeadEnd::Because(_)) => Sought::Refused,
            Err(DeadEnd::TooMuch) => Sought::Undecided,
        }
    }

    fn extend(&mut self, at: usize) -> Result<(), DeadEnd> {
        let Some(factor) = self.order.get(at).copied() else { return self.end() };
        let given = self.fixed.iter().find(|(fixed, _)| *fixed == factor).map(|(_, value)| *value);
        let mut because = FactorSet::new();
        for value in given.map_or_else(|| self.values(factor), |value| vec![value]) {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return Err(DeadEnd::TooMuch);
            }
            self.row[factor] = Some(value);
            if let Some(scope) = self.refusals.hit(&self.row, (factor, value)) {
                because.extend(scope);
                continue;
            }
            match self.extend(at + 1) {
                Ok(()) => return Ok(()),
                Err(DeadEnd::Because(scope)) if scope.contains(&factor) => because.extend(scope),
                Err(other) => {
                    self.row[factor] = None;
                    return Err(other);
                }
            }
        }
        if given.is_none() {
            // Whatever its value is, the others are enough.
            because.remove(&factor);
            self.row[factor] = None;
            let row = &self.row;
            self.refusals.learn(&because, |factor| row[factor].unwrap_or_default());
        }
        self.row[factor] = None;
        Err(DeadEnd::Because(because))
    }

    fn end(&mut self) -> Result<(), DeadEnd> {
        let row: Levels = self.row.iter().copied().flatten().collect();
        self.judged += 1;
        if self.judged > MOST_JUDGED {
            return Err(DeadEnd::TooMuch);
        }
        let Err(scope) = (self.judge)(&row) else { return Ok(()) };
        self.refusals.learn(&scope, |factor| row[factor]);
        Err(DeadEnd::Because(scope))
    }

    /// The values of a factor, those with most to gain first, and those that gain alike by chance.
    fn values(&mut self, factor: usize) -> Vec<usize> {
        let mut values: Vec<usize> = (0..self.sizes[factor]).collect();
        self.random.shuffle(&mut values);
        values.sort_by_key(|value| std::cmp::Reverse((self.gain)(&self.row, (factor, *value))));
        values
    }
}

/// `SplitMix64`: the same numbers on every machine.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is above 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// Which of `sets` hold together all that any of them holds. Greedy: each has the most that none before it
/// has; of several, the first. What they hold are small numbers.
pub fn fewest(sets: &[Vec<usize>]) -> Vec<usize> {
    let mut open = vec![false; sets.iter().flatten().max().map_or(0, |most| most + 1)];
    sets.iter().flatten().for_each(|held| open[*held] = true);
    let mut chosen = Vec::new();
    while open.contains(&true) {
        let new = |set: &[usize]| set.iter().filter(|held| open[**held]).count();
        // `max_by_key` takes the last of several.
        let Some((at, best)) = sets.iter().enumerate().rev().max_by_key(|(_, set)| new(set)) else { break };
        for held in best {
            open[*held] = false;
        }
        chosen.push(at);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Twenty factors: five each of 2, 3, 4 and 5 values.
    fn twenty() -> Vec<usize> {
        (2..=5).flat_map(|size| [size; 5]).collect()
    }

    fn product(sizes: &[usize]) -> Vec<Levels> {
        sizes.iter().fold(vec![Vec::new()], |rows, size| {
            let longer = |row: &Levels| (0..*size).map(|value| [&row[..], &[value]].concat()).collect::<Vec<_>>();
            rows.iter().flat_map(longer).collect()
        })
    }

    fn held<'a>(rows: impl IntoIterator<Item = &'a Levels>) -> BTreeSet<Pair> {
        rows.into_iter().flat_map(|row| pairs(row)).collect()
    }

    /// Values that are refused together.
    fn refuses(tables: &[Vec<FactorValue>]) -> impl Fn(&[usize]) -> Verdict + '_ {
        move |row| {
            let hit = tables.iter().find(|values| values.iter().all(|(factor, value)| row[*factor] == *value));
            hit.map_or(Ok(()), |values| Err(values.iter().map(|(factor, _)| *factor).collect()))
        }
    }

    #[test]
    fn every_pair_stands_in_a_row_and_the_rows_are_few() {
        for (sizes, at_most) in [
            (vec![2, 2], 4),
            (vec![3], 3),
            (vec![2; 7], 8),
            (vec![4, 3, 3, 2, 2, 2, 2, 2], 14),
            (vec![3; 8], 18),
            (twenty(), 45),
        ] {
            for seed in 0..3 {
                let cover = Chooser::new(sizes.clone(), seed).cover(&[], |_| Ok(()));
                let possible = Open::new(&sizes, &(0..sizes.len()).collect());
                let possible = possible.counts.iter().sum::<usize>().midpoint(sizes.iter().sum());
                assert_eq!(held(&cover.rows).len(), possible, "{sizes:?}");
                assert!(cover.rows.len() <= at_most, "{sizes:?}, seed {seed}: {} rows", cover.rows.len());
                assert!(cover.refused.is_empty() && cover.undecided.is_empty());
            }
        }
    }

    /// A question that hangs on another, and pairs and triples that are refused.
    #[test]
    fn twenty_factors_with_refusals_are_covered_in_as_few() {
        let sizes = twenty();
        let mut random = Random(7);
        let mut tables: Vec<Vec<FactorValue>> = Vec::new();
        for size in [2, 2, 2, 2, 3, 3, 3, 3] {
            let mut factors: Vec<usize> = (0..sizes.len()).collect();
            random.shuffle(&mut factors);
            tables.push(factors[..size].iter().map(|factor| (*factor, random.below(sizes[*factor]))).collect());
        }
        // Factor 19 is asked where factor 0 has its second value.
        tables.extend((1..sizes[19]).map(|value| vec![(0, 0), (19, value)]));
        let judge = refuses(&tables);
        let cover = Chooser::new(sizes.clone(), 1).cover(&[], &judge);
        assert!(cover.rows.len() <= 45, "{} rows", cover.rows.len());
        assert!(cover.rows.iter().all(|row| judge(row).is_ok()));
        assert!(cover.undecided.is_empty());
        // Those that are refused by themselves, and one whose every third is refused with one of them: 4 wants
        // factor 1 to be what 7 cannot stand beside.
        let pair = |values: &Vec<FactorValue>| (values[0].min(values[1]), values[0].max(values[1]));
        let mut refused: BTreeSet<Pair> = tables.iter().filter(|values| values.len() == 2).map(pair).collect();
        refused.insert(((4, 0), (7, 1)));
        assert_eq!(cover.refused, refused.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_cover_is_what_brute_force_finds() {
        let mut random = Random(42);
        let mut seen: BTreeMap<bool, usize> = BTreeMap::new();
        for case in 0..300 {
            let sizes: Vec<usize> = (0..=random.below(6)).map(|_| 1 + random.below(4)).collect();
            let mut tables: Vec<Vec<FactorValue>> = Vec::new();
            for _ in 0..random.below(8) {
                let mut factors: Vec<usize> = (0..sizes.len()).collect();
                random.shuffle(&mut factors);
                factors.truncate(1 + random.below(3.min(sizes.len())));
                tables.push(factors.into_iter().map(|factor| (factor, random.below(sizes[factor]))).collect());
            }
            let judge = refuses(&tables);
            let admitted: Vec<Levels> = product(&sizes).into_iter().filter(|row| judge(row).is_ok()).collect();
            let cover = Chooser::new(sizes.clone(), case).cover(&[], &judge);
            assert!(cover.rows.iter().all(|row| admitted.contains(row)), "{sizes:?} {tables:?}");
            assert_eq!(held(&cover.rows), held(&admitted), "{sizes:?} {tables:?}");
            let all = held(&product(&sizes));
            let refused: Vec<Pair> = all.difference(&held(&admitted)).copied().collect();
            assert_eq!(cover.refused, refused, "{sizes:?} {tables:?}");
            assert!(cover.undecided.is_empty());
            *seen.entry(refused.is_empty()).or_default() += 1;
        }
        assert!(seen.values().all(|count| *count > 30), "{seen:?}");
    }

    #[test]
    fn a_row_is_found_wherever_there_is_one() {
        // Eight factors must be alike: by chance, one row in 128 is.
        let alike = |row: &[usize]| match (1..row.len()).find(|at| row[*at] != row[0]) {
            Some(at) => Err(FactorSet::from([0, at])),
            None => Ok(()),
        };
        let mut chooser = Chooser::new(vec![2; 8], 1);
        assert_eq!(chooser.seek(&[(3, 1)], alike), Sought::Found(vec![1; 8]));
        assert_eq!(chooser.seek(&[(3, 1), (5, 0)], alike), Sought::Refused);
        // And whoever says nothing of why is asked until it is too much.
        let never = |row: &[usize]| Err((0..row.len()).collect());
        assert_eq!(Chooser::new(vec![2; 8], 1).seek(&[], never), Sought::Refused);
        assert_eq!(Chooser::new(vec![2; 20], 1).seek(&[], never), Sought::Undecided);
    }

    #[test]
    fn factors_that_are_left_out_take_their_values_by_chance() {
        let cover = Chooser::new(vec![2, 5, 2], 1).among([0, 2].into()).cover(&[], |_| Ok(()));
        assert_eq!(cover.rows.len(), 4);
        assert!(cover.rows.iter().map(|row| row[1]).collect::<BTreeSet<_>>().len() > 1);
    }

    #[test]
    fn rows_that_are_given_are_part_of_it() {
        let cover = Chooser::new(vec![3, 3], 1).cover(&[vec![1, 1], vec![0, 0]], refuses(&[vec![(0, 0), (1, 0)]]));
        assert_eq!(cover.rows[0], [1, 1]);
        assert_eq!((cover.rows.len(), &cover.refused[..]), (8, &[((0, 0), (1, 0))][..]));
    }

    #[test]
    fn nothing_can_be_made_of_nothing() {
        let cover = Chooser::new(vec![2, 2], 1).cover(&[], |_| Err(FactorSet::new()));
        assert!(cover.rows.is_empty() && !cover.refused.is_empty());
        assert!(Chooser::new(Vec::new(), 1).cover(&[], |_| Ok(())).rows.is_empty());
    }
}
