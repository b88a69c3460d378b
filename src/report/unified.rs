//! A plan as a unified diff that `git apply` takes.

use std::fmt::Write as _;

use imara_diff::{Algorithm, Diff, Hunk, InternedInput};

use crate::evolve::{Action, Entry, Plan};
use crate::pack::visible;
use crate::render::{Mode, TreePath};

/// Lines that are shown around a change.
const AROUND: usize = 3;

/// Every file that changes; the record is not for people. What is not merged is told in lines that git passes over.
pub fn diff(plan: &Plan) -> String {
    let mut text = String::new();
    for entry in plan.entries.iter().filter(|entry| !Plan::is_record(&entry.path) && entry.changes()) {
        one(entry, plan, &mut text);
    }
    for missed in &plan.missed {
        let _ = writeln!(text, "# {}", visible(&missed.note()));
        for line in between(&missed.before, &missed.after).lines() {
            let _ = writeln!(text, "# {line}");
        }
    }
    text
}

/// The hunks from one text to another; none where one of them is no text.
pub fn between(old: &[u8], new: &[u8]) -> String {
    let mut text = String::new();
    if let (Ok(old), Ok(new)) = (std::str::from_utf8(old), std::str::from_utf8(new)) {
        hunks(old, new, &mut text);
    }
    text
}

fn one(entry: &Entry, plan: &Plan, text: &mut String) {
    let path = &entry.path;
    let gone = entry.action == Action::Delete;
    if gone && plan.moved_to(path).is_some() {
        // It is told where it has gone to.
        return;
    }
    let source = entry.moved_from.as_ref().filter(|_| entry.before.is_none());
    let source = source.and_then(|from| plan.get(from.as_str())).filter(|source| source.before.is_some());
    let (old_path, before) = source.map_or((path, &entry.before), |source| (&source.path, &source.before));
    let bits = |mode: Mode| format!("100{:o}", mode.bits());
    if let Some(overlay) = &entry.overlay {
        // git passes over what stands before a file's first line.
        let _ = writeln!(text, "# from {}", visible(overlay));
    }
    let _ = writeln!(text, "diff --git a/{old_path} b/{path}");
    let (old, new): (&[u8], &[u8]) = match before {
        None => {
            let _ = writeln!(text, "new file mode {}", bits(entry.mode));
            (&[], &entry.content)
        }
        Some((before, mode)) if gone => {
            let _ = writeln!(text, "deleted file mode {}", bits(*mode));
            (before, &[])
        }
        Some((before, mode)) => {
            if *mode != entry.mode {
                let _ = writeln!(text, "old mode {}\nnew mode {}", bits(*mode), bits(entry.mode));
            }
            (before, &entry.content)
        }
    };
    if old_path != path {
        // Of a file that was split, the old path has a patch of its own; git takes both from what was there before.
        let is_gone = source.is_some_and(|source| source.action == Action::Delete);
        let word = if is_gone { "rename" } else { "copy" };
        let _ = writeln!(text, "{word} from {old_path}\n{word} to {path}");
    }
    if old == new {
        return;
    }
    let name = |side: char, path: &TreePath, missing: bool| {
        if missing { "/dev/null".to_owned() } else { format!("{side}/{path}") }
    };
    let (from, to) = (name('a', old_path, before.is_none()), name('b', path, gone));
    let (Ok(old), Ok(new)) = (std::str::from_utf8(old), std::str::from_utf8(new)) else {
        let _ = writeln!(text, "Binary files {from} and {to} differ");
        return;
    };
    let _ = writeln!(text, "--- {from}\n+++ {to}");
    hunks(old, new, text);
}

fn hunks(old: &str, new: &str, text: &mut String) {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let input = InternedInput::new(LinesWithEnds(old), LinesWithEnds(new));
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let changes: Vec<Hunk> = diff.hunks().collect();
    let mut at = 0;
    while at < changes.len() {
        // Changes whose surroundings touch are shown together.
        let mut end = at + 1;
        while end < changes.len()
            && changes[end].before.start as usize <= changes[end - 1].before.end as usize + 2 * AROUND
        {
            end += 1;
        }
        hunk(&changes[at..end], &before, &after, text);
        at = end;
    }
}

fn hunk(changes: &[Hunk], before: &[&str], after: &[&str], text: &mut String) {
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return };
    let above = (first.before.start as usize).min(AROUND);
    let below = (before.len() - last.before.end as usize).min(AROUND);
    let (old_start, new_start) = (first.before.start as usize - above, first.after.start as usize - above);
    let old_count = last.before.end as usize + below - old_start;
    let new_count = last.after.end as usize + below - new_start;
    // An empty side is named by the line before it.
    let number = |start: usize, count: usize| if count == 0 { start } else { start + 1 };
    let _ = writeln!(
        text,
        "@@ -{},{old_count} +{},{new_count} @@",
        number(old_start, old_count),
        number(new_start, new_count)
    );
    let mut line = |sign: char, line: &str| {
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    };
    let mut at = old_start;
    for change in changes {
        let (start, end) = (change.before.start as usize, change.before.end as usize);
        before[at..start].iter().for_each(|same| line(' ', same));
        before[start..end].iter().for_each(|gone| line('-', gone));
        after[change.after.start as usize..change.after.end as usize].iter().for_each(|new| line('+', new));
        at = end;
    }
    before[at..at + below].iter().for_each(|same| line(' ', same));
}

/// Lines with their ends, so that a missing last one is a change.
struct LinesWithEnds<'a>(&'a str);

impl<'a> imara_diff::TokenSource for LinesWithEnds<'a> {
    type Token = &'a str;
    type Tokenizer = std::str::SplitInclusive<'a, char>;

    fn tokenize(&self) -> Self::Tokenizer {
        self.0.split_inclusive('\n')
    }

    fn estimate_tokens(&self) -> u32 {
        u32::try_from(self.0.len() / 40).unwrap_or(u32::MAX)
    }
}
