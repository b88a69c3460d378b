//! Merging by line is what `git merge-file --diff3` makes of it, wherever that is clean.

use std::fs;

use crate::support::Sandbox;
use new_service::evolve::merge::{Labels, Merged, merge};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Lines that often repeat, as `}` and empty ones do.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-f]", 2 => Just("}".to_owned()), 1 => Just(String::new()), 2 => "[a-z]{3}"]
}

/// Places and what is put there, and how many lines go.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, Vec<String>)>> {
    vec((any::<prop::sample::Index>(), 0..3_usize, vec(line(), 0..3)), 0..4)
}

fn edited(base: &[String], edits: &[(prop::sample::Index, usize, Vec<String>)]) -> Vec<String> {
    let mut lines = base.to_vec();
    for (at, gone, new) in edits {
        let at = at.index(lines.len() + 1);
        let end = (at + gone).min(lines.len());
        lines.splice(at..end, new.iter().cloned());
    }
    lines
}

fn text(lines: &[String], ends: bool) -> String {
    let mut text = lines.join("\n");
    if !lines.is_empty() {
        text.push('\n');
    }
    if !ends {
        text.pop();
    }
    text
}

#[test]
fn line_merges_agree_with_git_where_git_is_clean() {
    let sandbox = Sandbox::new();
    let strategy = (vec(line(), 0..14), edits(), edits(), any::<[bool; 3]>(), 0..6_u8);
    let cases = crate::support::cases(1500);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let clean = std::cell::Cell::new(0);
    let careful = std::cell::Cell::new(0);
    let result = runner.run(&strategy, |(base, ours, theirs, ends, ragged)| {
        // Most files end in a line break.
        let ends = if ragged == 0 { ends } else { [true; 3] };
        let (ours, theirs) = (text(&edited(&base, &ours), ends[0]), text(&edited(&base, &theirs), ends[2]));
        let base = text(&base, ends[1]);
        for (name, content) in [("base", &base), ("ours", &ours), ("theirs", &theirs)] {
            fs::write(sandbox.path(name), content).unwrap();
        }
        let output = sandbox
            .clean("git")
            .args(["merge-file", "--stdout", "--diff3", "ours", "base", "theirs"])
            .output()
            .unwrap();
        let labels = Labels { ours: "ours".into(), base: "base".into(), theirs: "theirs".into() };
        let merged = merge("text", base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), &labels);
        let ends_alike = [&ours, &theirs].iter().all(|side| side.ends_with('\n') == base.ends_with('\n'));
        // Its exit status is the number of conflicts.
        match output.status.code().unwrap() {
            // To git, a last line without its end is another line than the same with it; here ends are merged
            // apart from lines.
            0 if !ends_alike => {}
            0 => {
                clean.set(clean.get() + 1);
                // Where lines repeat there are several ways to line texts up, and one of them may be a
                // conflict where another is none. That is safe, and rare; another text would be neither.
                if matches!(merged, Merged::Conflict(..)) {
                    careful.set(careful.get() + 1);
                    return Ok(());
                }
                prop_assert_eq!(
                    merged,
                    Merged::Clean(output.stdout),
                    "base {:?}\nours {:?}\ntheirs {:?}",
                    base,
                    ours,
                    theirs
                );
            }
            1..128 => {
                if let Merged::Conflict(ours, count) = merged {
                    prop_assert!(count > 0);
                    let markers = |text: &[u8]| {
                        String::from_utf8_lossy(text).lines().filter(|line| line.starts_with("<<<<<<<")).count()
                    };
                    prop_assert_eq!(markers(&ours), count);
                }
            }
            other => panic!("git merge-file: {other}"),
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(careful.get() * 500 <= cases.max(500), "{} of {cases} are conflicts here and none in git", careful.get());
    assert!(clean.get() * 4 > cases, "only {} of {cases} were clean in git", clean.get());
}
