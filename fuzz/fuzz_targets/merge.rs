//! Any three versions of a file, held to the merge rules of the design: KIND BASE 0xFF OURS 0xFF THEIRS, where
//! 0xFF stands in no text, and the first byte says what the file is.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use new_service::evolve::merge::{Labels, Merged, Syntax, merge};

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let path = match kind {
        b't' => "a.toml",
        b'y' => "a.yaml",
        b'j' => "a.json",
        _ => "a",
    };
    let mut parts = rest.splitn(3, |byte| *byte == 0xFF);
    let (Some(base), Some(ours), Some(theirs)) = (parts.next(), parts.next(), parts.next()) else { return };
    let three = Three { path, base, ours, theirs };
    three.one_side_alone_is_taken();
    match three.merged() {
        Merged::Binary => assert!([base, ours, theirs].iter().any(|text| text.contains(&0))),
        Merged::Clean(merged) => three.clean(&merged),
        Merged::Conflict(merged, count) => three.conflict(&merged, count),
    }
});

struct Three<'a> {
    path: &'a str,
    base: &'a [u8],
    ours: &'a [u8],
    theirs: &'a [u8],
}

impl Three<'_> {
    fn merged(&self) -> Merged {
        run(self.path, self.base, self.ours, self.theirs)
    }

    fn one_side_alone_is_taken(&self) {
        let Self { path, base, ours, theirs } = *self;
        for text in [base, ours, theirs] {
            assert_eq!(run(path, text, text, text), Merged::Clean(text.to_vec()), "nobody changed it");
        }
        assert_eq!(run(path, base, base, theirs), Merged::Clean(theirs.to_vec()), "ours is unchanged");
        assert_eq!(run(path, base, ours, base), Merged::Clean(ours.to_vec()), "theirs is unchanged");
        assert_eq!(run(path, base, ours, ours), Merged::Clean(ours.to_vec()), "both changed it alike");
    }

    fn clean(&self, merged: &[u8]) {
        let Self { path, base, ours, theirs } = *self;
        match Syntax::of(path) {
            Some(syntax) => {
                // A side that changed no more than ends is no side: what the other has is taken as it is.
                let changed = |side: &[u8]| without_ends(side) != without_ends(base);
                if syntax.check(theirs).is_ok() && changed(ours) && changed(theirs) {
                    syntax.check(merged).unwrap_or_else(|why| panic!("{why}:\n{}", shown(merged)));
                }
                if syntax == Syntax::Toml {
                    self.each_value_is_whose_it_is(merged);
                }
            }
            None => {
                self.nothing_new_is_lost(&lines(merged));
                let Merged::Clean(swapped) = run(path, base, theirs, ours) else { panic!("clean the one way only") };
                // How lines end is for ours to say, where the base has none.
                if base.contains(&b'\n') {
                    assert_eq!(shown(&swapped), shown(merged), "the sides are alike to it");
                } else {
                    let full = |text| lines(text).into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>();
                    assert_eq!(full(&swapped), full(merged), "the sides are alike to it");
                }
            }
        }
    }

    fn conflict(&self, merged: &[u8], count: usize) {
        assert!(count > 0);
        let marker = self.marker();
        let marked = |line: &[u8], sign: u8| line.len() >= marker && line[..marker].iter().all(|byte| *byte == sign);
        // Of the two sides, what stands for their common base left out.
        let (mut kept, mut at, mut begun) = (BTreeSet::new(), 0, 0);
        for line in merged.split(|byte| *byte == b'\n').map(trimmed) {
            match (0..4).find(|number| marked(line, b"<|=>"[*number])) {
                Some(sign) => {
                    assert_eq!(sign, at, "markers out of order:\n{}", shown(merged));
                    at = (at + 1) % 4;
                    begun += usize::from(sign == 0);
                }
                None if at != 2 => drop(kept.insert(line)),
                None => {}
            }
        }
        assert_eq!((at, begun), (0, count), "markers without their others:\n{}", shown(merged));
        self.nothing_new_is_lost(&kept);
    }

    /// The length of markers: longer than whatever looks like one.
    fn marker(&self) -> usize {
        let run = |line: &&[u8]| match line.first() {
            Some(sign) if b"<|=>".contains(sign) => line.iter().take_while(|byte| *byte == sign).count(),
            _ => 0,
        };
        let texts = [self.base, self.ours, self.theirs];
        let longest = texts.iter().flat_map(|text| text.split(|byte| *byte == b'\n')).map(|line| run(&line)).max();
        longest.filter(|longest| *longest >= 7).map_or(7, |longest| longest + 1)
    }

    /// Each line that a side has and the base has not.
    fn nothing_new_is_lost(&self, kept: &BTreeSet<&[u8]>) {
        let known = lines(self.base);
        for (whose, side) in [("ours", self.ours), ("theirs", self.theirs)] {
            for line in lines(side).difference(&known).filter(|line| !line.is_empty()) {
                assert!(kept.contains(line), "of {whose} is lost: {}", shown(line));
            }
        }
    }

    /// Of TOML: a value that one side left alone is the other's.
    fn each_value_is_whose_it_is(&self, merged: &[u8]) {
        let (Some(base), Some(ours), Some(theirs)) = (values(self.base), values(self.ours), values(self.theirs)) else {
            return;
        };
        // A table that is gone on one side, and not as it was on the other, may have got another name. To keys that
        // is a conflict; lines follow it, and have the word then.
        let renamed = |table: &[String]| {
            let [base, ours, theirs] = [&base, &ours, &theirs].map(|values| below(values, table));
            (ours.is_empty() && theirs != base) || (theirs.is_empty() && ours != base)
        };
        if base.keys().any(|path| (1..path.len()).any(|depth| renamed(&path[..depth]))) {
            return;
        }
        let merged_values = values(merged).unwrap_or_else(|| panic!("no TOML:\n{}", shown(merged)));
        let paths: BTreeSet<_> = [&base, &ours, &theirs, &merged_values].into_iter().flat_map(BTreeMap::keys).collect();
        for path in paths {
            let [base, ours, theirs, merged_value] =
                [&base, &ours, &theirs, &merged_values].map(|values| values.get(path));
            let expected = if ours == base { theirs } else { ours };
            if ours == base || theirs == base || ours == theirs {
                assert_eq!(merged_value, expected, "{path:?}:\n{}", shown(merged));
            }
        }
    }
}

fn run(path: &str, base: &[u8], ours: &[u8], theirs: &[u8]) -> Merged {
    let labels = Labels { ours: "ours".into(), base: "base".into(), theirs: "theirs".into() };
    merge(path, base, ours, theirs, &labels)
}

/// How a line ends is merged by itself.
fn trimmed(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    &line[..end]
}

/// Its lines in their order, without their ends and the last one's.
fn without_ends(text: &[u8]) -> Vec<&[u8]> {
    text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').map(trimmed).collect()
}

fn lines(text: &[u8]) -> BTreeSet<&[u8]> {
    text.split(|byte| *byte == b'\n').map(trimmed).collect()
}

/// What stands at each path of keys, as text: NaN is not equal to itself.
fn values(text: &[u8]) -> Option<BTreeMap<Vec<String>, String>> {
    fn collect(table: &toml::Table, path: &[String], found: &mut BTreeMap<Vec<String>, String>) {
        for (key, value) in table {
            let path: Vec<String> = path.iter().cloned().chain([key.clone()]).collect();
            match value {
                toml::Value::Table(table) => collect(table, &path, found),
                value => drop(found.insert(path, value.to_string())),
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(&std::str::from_utf8(text).ok()?.parse().ok()?, &[], &mut found);
    Some(found)
}

/// Those in a table.
fn below<'a>(values: &'a BTreeMap<Vec<String>, String>, table: &[String]) -> Vec<(&'a Vec<String>, &'a String)> {
    values.iter().filter(|(path, _)| path.starts_with(table)).collect()
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
