//! A small set of rows in which every two values that can stand together do so once at least.

use std::collections::BTreeMap;

/// A value of each factor, by number.
pub type Row = Vec<usize>;

/// Value `one.1` of the factor `one.0`, beside another; beside itself, the value alone.
pub type Pair = ((usize, usize), (usize, usize));

/// Every row there could be, the last factor turning fastest.
pub fn product(sizes: &[usize]) -> Vec<Row> {
    let mut rows: Vec<Row> = vec![Vec::new()];
    for size in sizes {
        let longer =
            rows.iter().flat_map(|row| (0..*size).map(|value| row.iter().copied().chain([value]).collect::<Row>()));
        rows = longer.collect();
    }
    rows
}

/// The pairs that stand in a row.
pub fn pairs(row: &[usize]) -> impl Iterator<Item = Pair> + '_ {
    let values = || row.iter().copied().enumerate();
    values().flat_map(move |one| values().skip(one.0).map(move |other| (one, other)))
}

/// Rows out of `allowed` that hold every pair that any of them holds, and few.
pub fn cover(allowed: &[Row]) -> Vec<Row> {
    let mut numbers = BTreeMap::new();
    let mut number = |pair: Pair| {
        let next = numbers.len();
        *numbers.entry(pair).or_insert(next)
    };
    let sets: Vec<Vec<usize>> = allowed.iter().map(|row| pairs(row).map(&mut number).collect()).collect();
    fewest(&sets).into_iter().map(|at| allowed[at].clone()).collect()
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
    use std::collections::BTreeSet;

    use super::*;

    fn covered(rows: &[Row]) -> usize {
        rows.iter().flat_map(|row| pairs(row)).collect::<BTreeSet<_>>().len()
    }

    /// Two values of two factors, and each value alone: how many there are, reckoned without rows.
    fn possible(sizes: &[usize]) -> usize {
        let sum: usize = sizes.iter().sum();
        let squares: usize = sizes.iter().map(|size| size * size).sum();
        (sum * sum - squares) / 2 + sum
    }

    #[test]
    fn every_pair_stands_in_a_row_and_the_rows_are_few() {
        for (sizes, at_most) in
            [(&[2, 2][..], 4), (&[3], 3), (&[2; 7], 8), (&[4, 3, 3, 2, 2, 2, 2, 2], 14), (&[3; 8], 18)]
        {
            let rows = cover(&product(sizes));
            assert_eq!(covered(&rows), possible(sizes), "{sizes:?}");
            assert!(rows.len() <= at_most, "{sizes:?}: {} rows", rows.len());
        }
    }

    #[test]
    fn what_is_refused_stands_in_no_row_and_takes_no_other_pair_with_it() {
        let sizes = [4, 3, 2, 2, 3];
        // Two values that never meet, and a value that wants another.
        let fits = |row: &Row| !(row[1] == 2 && row[2] == 1) && (row[3] == 0 || row[4] == 2);
        let allowed: Vec<Row> = product(&sizes).into_iter().filter(fits).collect();
        let rows = cover(&allowed);
        assert!(rows.iter().all(fits));
        assert_eq!(covered(&rows), covered(&allowed));
        assert_eq!(covered(&rows), possible(&sizes) - 3, "(1=2, 2=1), (3=1, 4=0) and (3=1, 4=1)");
    }

    #[test]
    fn nothing_can_be_made_of_nothing() {
        assert!(cover(&[]).is_empty());
    }
}
