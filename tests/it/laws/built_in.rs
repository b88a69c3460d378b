//! The same laws for the layers of the built-in pack, in pairs.

use std::sync::Arc;

use new_service::blueprint::{Blueprint, Drawn, Resolver};
use new_service::pack::{Answer, Answers, Kind, Pack, Source};
use new_service::render::{context_of, select};

use super::edits::Tree;
use super::{change, made, said};

/// Formatting is left out: it is the same for both sides, and a process for each file.
fn pack() -> Arc<Pack> {
    let mut pack = Pack::load(&Source::default_pack()).unwrap_or_else(|faults| panic!("{faults}"));
    Arc::make_mut(&mut pack).manifest.format.rustfmt = None;
    pack
}

/// Every answer that is not the default, one at a time.
fn others(pack: &Arc<Pack>) -> Vec<(String, Answer)> {
    let mut others = Vec::new();
    for question in pack.manifest.questions.iter().filter(|question| question.kind == Kind::Choice) {
        for choice in &question.choices {
            let answer = Answer::Text(choice.value.clone());
            if Some(&answer) != question.default.as_ref() {
                others.push((question.key.clone(), answer));
            }
        }
    }
    others
}

/// The blueprint with these answers; none where the pack refuses them.
fn taken(pack: &Arc<Pack>, given: &[(String, Answer)]) -> Option<Blueprint> {
    let mut answers = Answers::default();
    for (key, answer) in given {
        answers.insert(key, answer.clone());
    }
    let answers = Resolver::new(pack, "shop", answers).ok()?.complete().ok()?;
    let blueprint = Blueprint { name: "shop".into(), answers, resources: Vec::new(), drawn: Drawn::at(0) };
    select(pack, &context_of(&blueprint, pack)).is_ok().then_some(blueprint)
}

#[test]
fn each_pair_of_answers_comes_and_goes_in_any_order() {
    let pack = pack();
    let others = others(&pack);
    let (mut number, mut proved) = (0, 0);
    for (at, one) in others.iter().enumerate() {
        for two in &others[at + 1..] {
            // A database of another kind is a new beginning: its migrations cannot be carried over.
            if one.0 == two.0 && one.0 == "database" {
                continue;
            }
            // All of them take minutes: `LAWS=all`.
            number += 1;
            if number % 11 != 0 && std::env::var_os("LAWS").is_none() {
                continue;
            }
            let both = if one.0 == two.0 { vec![two.clone()] } else { vec![one.clone(), two.clone()] };
            let Some(all) = taken(&pack, &both) else { continue };
            let fresh = made(&all, &pack).1;
            for first in [one, two] {
                let Some(some) = taken(&pack, std::slice::from_ref(first)) else { continue };
                let before = made(&some, &pack).1;
                let added = change(&before, &all, &pack);
                same(&added, &fresh, &format!("{first:?} then {both:?}"));
                same(&change(&added, &some, &pack), &before, &format!("{both:?} and back to {first:?}"));
                proved += 1;
            }
        }
    }
    assert!(proved > 10, "{proved} pairs of {}", others.len());
}

type Said = std::collections::BTreeMap<String, String>;

/// Without what is written once, migrations, and what the lock says of the two.
fn without_history(tree: &Tree) -> Said {
    let mut files = said(tree);
    files.retain(|path, _| path != "CHANGELOG.md" && !path.starts_with("LICENSE") && !path.contains("migrations/"));
    if let Some(lock) = files.get_mut(super::LOCK) {
        let told = |line: &&str| {
            !line.starts_with("model ")
                && !line.starts_with("drawn ")
                && !line.contains(" append ")
                && !line.contains(" once ")
        };
        *lock = lock.lines().filter(told).collect::<Vec<_>>().join("\n");
    }
    files
}

fn same(ours: &Tree, expected: &Tree, what: &str) {
    let (ours, expected) = (without_history(ours), without_history(expected));
    let differing: Vec<&String> =
        ours.keys().chain(expected.keys()).filter(|path| ours.get(*path) != expected.get(*path)).collect();
    let first = differing.first().map(|path| (ours.get(*path), expected.get(*path)));
    assert!(differing.is_empty(), "{what}: {differing:?}\n{first:#?}");
}
