//! Merging by line: diff3 over two diffs from the base.
//!
//! Which changes stand in each other's way is judged as git does (`xdl_do_merge` in its xmerge.c): those
//! that overlap or touch, unless they are the same. A property test holds the result against git.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput, Interner, Token};

/// The names that conflict markers carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    pub ours: String,
    pub base: String,
    pub theirs: String,
}

/// The length of git's markers, where no line of the file looks like one.
const MARKER: usize = 7;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByLine {
    pub text: Vec<u8>,
    pub conflicts: usize,
}

/// A stretch of the base, and what a side has in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hunk {
    base: Range<usize>,
    side: Range<usize>,
}

/// Merges texts whose lines all end.
pub fn merge(base: &[u8], ours: &[u8], theirs: &[u8], labels: &Labels) -> ByLine {
    let lines = LineTokens::new(base, ours, theirs);
    let (our_changes, their_changes) = (lines.changes(&lines.ours), lines.changes(&lines.theirs));
    let clusters = clusters(&our_changes, &their_changes);
    Writer::new(&lines, labels).write(&clusters)
}

/// All that either side changed as one conflict, from the first such line to the last.
pub fn merge_as_one(base: &[u8], ours: &[u8], theirs: &[u8], labels: &Labels) -> ByLine {
    let lines = LineTokens::new(base, ours, theirs);
    let (our_changes, their_changes) = (lines.changes(&lines.ours), lines.changes(&lines.theirs));
    let one = Cluster { ours: our_changes, theirs: their_changes };
    Writer::new(&lines, labels).write(&[one])
}

struct LineTokens<'a> {
    interner: Interner<&'a [u8]>,
    base: Vec<Token>,
    ours: Vec<Token>,
    theirs: Vec<Token>,
}

impl<'a> LineTokens<'a> {
    fn new(base: &'a [u8], ours: &'a [u8], theirs: &'a [u8]) -> Self {
        let mut interner = Interner::new(256);
        let mut intern = |text: &'a [u8]| {
            text.split_inclusive(|byte| *byte == b'\n').map(|line| interner.intern(line)).collect::<Vec<_>>()
        };
        let (base, ours, theirs) = (intern(base), intern(ours), intern(theirs));
        Self { interner, base, ours, theirs }
    }

    fn changes(&self, side: &[Token]) -> Vec<Hunk> {
        let mut diff = Diff::default();
        diff.compute_with(Algorithm::Myers, &self.base, side, self.interner.num_tokens());
        let input =
            InternedInput { before: self.base.clone(), after: side.to_vec(), interner: Interner::<&[u8]>::new(0) };
        diff.postprocess_no_heuristic(&input);
        let wide = |range: Range<u32>| range.start as usize..range.end as usize;
        diff.hunks().map(|hunk| Hunk { base: wide(hunk.before), side: wide(hunk.after) }).collect()
    }
}

/// Changes of both sides that stand in each other's way; alone, a change of one side.
#[derive(Debug, Default)]
struct Cluster {
    ours: Vec<Hunk>,
    theirs: Vec<Hunk>,
}

impl Cluster {
    /// The stretch of the base that they are over.
    fn base(&self) -> Range<usize> {
        let all = || self.ours.iter().chain(&self.theirs);
        let start = all().map(|change| change.base.start).min().unwrap_or(0);
        start..all().map(|change| change.base.end).max().unwrap_or(0)
    }
}

/// What a side has in the place of `base`, which its `changes` lie in; `at` is where the side is when the
/// base is at `base.start`.
fn side_of(base: &Range<usize>, changes: &[Hunk], at: usize) -> Range<usize> {
    let (mut removed, mut added) = (0, 0);
    for change in changes {
        removed += change.base.len();
        added += change.side.len();
    }
    at..at + base.len() - removed + added
}

fn clusters(ours: &[Hunk], theirs: &[Hunk]) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    let (mut one, mut two) = (ours.iter().peekable(), theirs.iter().peekable());
    loop {
        let ours_first = match (one.peek(), two.peek()) {
            (None, None) => return clusters,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(our), Some(their)) => (our.base.start, our.base.end) <= (their.base.start, their.base.end),
        };
        let Some(change) = (if ours_first { one.next() } else { two.next() }) else { return clusters };
        // Changes of one side never touch each other.
        let joins = clusters.last().is_some_and(|last| {
            let other = if ours_first { &last.theirs } else { &last.ours };
            other.last().is_some_and(|other| change.base.start <= other.base.end)
        });
        if !joins {
            clusters.push(Cluster::default());
        }
        let Some(last) = clusters.last_mut() else { return clusters };
        let side = if ours_first { &mut last.ours } else { &mut last.theirs };
        side.push(change.clone());
    }
}

struct Writer<'a> {
    lines: &'a LineTokens<'a>,
    labels: &'a Labels,
    marker: usize,
    out: ByLine,
}

impl<'a> Writer<'a> {
    fn new(lines: &'a LineTokens<'a>, labels: &'a Labels) -> Self {
        let all = lines.base.iter().chain(&lines.ours).chain(&lines.theirs);
        let longest = all.map(|token| marker_like(lines.interner[*token])).max().unwrap_or(0);
        let marker = if longest >= MARKER { longest + 1 } else { MARKER };
        Self { lines, labels, marker, out: ByLine { text: Vec::new(), conflicts: 0 } }
    }

    fn write(mut self, clusters: &[Cluster]) -> ByLine {
        let lines = self.lines;
        // How far each has been written.
        let (mut base, mut ours, mut theirs) = (0, 0, 0);
        for cluster in clusters {
            let range = cluster.base();
            let same = range.start - base;
            self.copy(&lines.base[base..range.start]);
            let our_side = side_of(&range, &cluster.ours, ours + same);
            let their_side = side_of(&range, &cluster.theirs, theirs + same);
            let (our_lines, their_lines) = (&lines.ours[our_side.clone()], &lines.theirs[their_side.clone()]);
            if cluster.theirs.is_empty() || our_lines == their_lines {
                self.copy(our_lines);
            } else if cluster.ours.is_empty() {
                self.copy(their_lines);
            } else {
                self.conflict(&lines.base[range.clone()], our_lines, their_lines);
            }
            (base, ours, theirs) = (range.end, our_side.end, their_side.end);
        }
        self.copy(&lines.base[base..]);
        self.out
    }

    fn copy(&mut self, tokens: &[Token]) {
        for token in tokens {
            self.out.text.extend_from_slice(self.lines.interner[*token]);
        }
    }

    fn conflict(&mut self, base: &[Token], ours: &[Token], theirs: &[Token]) {
        self.out.conflicts += 1;
        self.mark('<', &self.labels.ours);
        self.copy(ours);
        self.mark('|', &self.labels.base);
        self.copy(base);
        self.mark('=', "");
        self.copy(theirs);
        self.mark('>', &self.labels.theirs);
    }

    fn mark(&mut self, sign: char, label: &str) {
        let line = format!("{} {label}", sign.to_string().repeat(self.marker));
        self.out.text.extend_from_slice(line.trim_end().as_bytes());
        self.out.text.push(b'\n');
    }
}

/// How many signs of a marker a line begins with.
fn marker_like(line: &[u8]) -> usize {
    match line.first() {
        Some(sign) if b"<|=>".contains(sign) => line.iter().take_while(|byte| *byte == sign).count(),
        _ => 0,
    }
}
