//! The laws of a living repository, in memory: random answers, random edits, thousands of cases.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_for_each,
    reason = "what is compared and put together here is the tests' own, and short"
)]

mod built_in;
mod edits;
mod moves;
mod pack;
mod resources;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use edits::{Edit, Tree, is_ours};
use new_service::blueprint::{Blueprint, Drawn, Resolver, ServiceFile};
use new_service::evolve::merge::{Labels, Merged, merge};
use new_service::evolve::{Action, Found, Lock, Plan, Revision, WorkTree as _};
use new_service::pack::{Answer, Answers, Pack, Text};
use new_service::render::{Mode, Tree as RenderedTree, TreePath, render};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const LOCK: &str = ".new-service/lock";

fn config(cases: u32) -> Config {
    Config { cases: crate::support::cases(cases), failure_persistence: None, ..Config::default() }
}

fn run<S: Strategy>(cases: u32, strategy: &S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    if let Err(error) = TestRunner::new(config(cases)).run(strategy, law) {
        panic!("{error}");
    }
}

fn blueprint(pack: &Arc<Pack>, given: Vec<(String, Answer)>) -> Blueprint {
    let mut answers = Answers::default();
    for (key, answer) in given {
        answers.insert(&key, answer);
    }
    let answers = Resolver::new(pack, "shop", answers).unwrap().complete().unwrap_or_else(|faults| panic!("{faults}"));
    Blueprint { name: "shop".into(), answers, resources: Vec::new(), drawn: Drawn::at(0) }
}

fn path(path: &str) -> TreePath {
    TreePath::new(path).unwrap()
}

fn text(tree: &Tree, path: &str) -> String {
    String::from_utf8(tree[&self::path(path)].0.clone()).unwrap()
}

/// The blueprint file of a repository.
fn service_of(tree: &Tree) -> ServiceFile {
    ServiceFile::parse(Text::new("service.toml", text(tree, "service.toml"))).unwrap()
}

fn written(plan: &Plan, mut tree: Tree) -> Tree {
    for entry in &plan.entries {
        match entry.action {
            Action::Delete => drop(tree.remove(&entry.path)),
            action if action.writes() => drop(tree.insert(entry.path.clone(), (entry.content.clone(), entry.mode))),
            _ => {}
        }
    }
    tree
}

thread_local! {
    /// What was rendered already: the same answers give the same tree.
    static RENDERED: RefCell<BTreeMap<String, (Rc<RenderedTree>, Tree)>> = RefCell::default();
}

fn made(blueprint: &Blueprint, pack: &Arc<Pack>) -> (Rc<RenderedTree>, Tree) {
    let key = format!("{} {:?}", pack.digest, blueprint.answers);
    RENDERED.with_borrow_mut(|rendered| {
        let make = || {
            let tree = render(blueprint, pack).unwrap_or_else(|faults| panic!("{faults}"));
            let plan = Plan::create(blueprint, pack).unwrap_or_else(|faults| panic!("{faults}"));
            (Rc::new(tree), written(&plan, Tree::new()))
        };
        rendered.entry(key).or_insert_with(make).clone()
    })
}

fn new(blueprint: &Blueprint, pack: &Arc<Pack>) -> Tree {
    made(blueprint, pack).1
}

/// The plan that brings `tree` to `target`.
fn plan(tree: &Tree, target: &Blueprint, pack: &Arc<Pack>) -> Plan {
    let lock = Lock::parse(&text(tree, LOCK)).unwrap();
    let target = Blueprint { drawn: lock.drawn(target.drawn.moment), ..target.clone() };
    let service = service_of(tree).carried_out(&target, pack).unwrap();
    let revision = Revision { blueprint: &target, pack, lock: &lock, work: tree, service };
    Plan::revise_to(&revision, &made(&target, pack).0).unwrap_or_else(|faults| panic!("{faults}"))
}

fn change(tree: &Tree, target: &Blueprint, pack: &Arc<Pack>) -> Tree {
    written(&plan(tree, target, pack), tree.clone())
}

/// All files; of the blueprint, what it says.
fn said(tree: &Tree) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = tree
        .iter()
        .map(|(path, (content, mode))| (path.to_string(), format!("{mode:?} {}", String::from_utf8_lossy(content))))
        .collect();
    let service: toml::Table = text(tree, "service.toml").parse().unwrap();
    files.insert("service.toml".into(), service.to_string());
    files
}

/// The same without what is written once, and the lines of the lock that tell of it.
fn said_but_once(tree: &Tree) -> BTreeMap<String, String> {
    let mut files = said(tree);
    files.retain(|path, _| path != "NEWS");
    files
}

fn choice() -> impl Strategy<Value = ([bool; 5], Vec<String>)> {
    (any::<[bool; 5]>(), prop::sample::subsequence(vec!["a".to_owned(), "b".into(), "c".into()], 0..=3))
}

#[test]
fn new_with_both_is_new_with_one_then_add() {
    let pack = pack::pack("0.1.0");
    run(600, &(choice(), choice()), |((one, few), (two, more))| {
        let both: [bool; 5] = std::array::from_fn(|at| one[at] || two[at]);
        let mut items = few.clone();
        items.extend(more.into_iter().filter(|item| !few.contains(item)));
        let all = blueprint(&pack, pack::answers(both, &items));
        let some = blueprint(&pack, pack::answers(one, &few));
        prop_assert_eq!(said_but_once(&new(&all, &pack)), said_but_once(&change(&new(&some, &pack), &all, &pack)));
        Ok(())
    });
}

#[test]
fn remove_after_add_is_nothing() {
    let pack = pack::pack("0.1.0");
    run(600, &(choice(), choice()), |((one, few), (two, more))| {
        let some = blueprint(&pack, pack::answers(one, &few));
        let other = blueprint(&pack, pack::answers(two, &more));
        let before = new(&some, &pack);
        let after = change(&change(&before, &other, &pack), &some, &pack);
        prop_assert_eq!(said_but_once(&after), said_but_once(&before));
        Ok(())
    });
}

#[test]
fn whatever_was_edited_a_change_loses_nothing_and_ends() {
    let (old, newer) = (pack::pack("0.1.0"), pack::pack("0.2.0"));
    run(1200, &(choice(), choice(), edits::edits(), any::<bool>()), |((one, few), (two, more), edits, update)| {
        let pack = if update { &newer } else { &old };
        let mut tree = new(&blueprint(&old, pack::answers(one, &few)), &old);
        let own = edits::apply(&mut tree, &edits);
        let target = blueprint(pack, pack::answers(two, &more));
        let plan = plan(&tree, &target, pack);
        let after = written(&plan, tree.clone());
        nothing_is_lost(&tree, &after, &own, &edits)?;
        // Run again, it has nothing to do, conflicts or none.
        let again = self::plan(&after, &target, pack);
        let left: Vec<String> = again
            .entries
            .iter()
            .filter(|entry| entry.changes())
            .map(|entry| format!("{} {}", entry.action.word(), entry.path))
            .collect();
        prop_assert_eq!(left, Vec::<String>::new());
        // The record is that of a new repository.
        let fresh = new(&target, pack);
        prop_assert_eq!(text(&after, LOCK), text(&fresh, LOCK));
        for object in fresh.keys().filter(|path| path.as_str().starts_with(".new-service/base/")) {
            prop_assert_eq!(after.look(object).unwrap(), fresh.look(object).unwrap());
        }
        for entry in &plan.entries {
            let marked = String::from_utf8_lossy(&entry.content).lines().any(|line| line.starts_with("<<<<<<<"));
            prop_assert_eq!(marked, entry.action == Action::Conflict, "{}", entry.path);
        }
        Ok(())
    });
}

fn nothing_is_lost(
    before: &Tree,
    after: &Tree,
    own: &BTreeMap<TreePath, Vec<String>>,
    edits: &[Edit],
) -> Result<(), TestCaseError> {
    for (path, lines) in own {
        let Found::File(content, _) = after.look(path).unwrap() else {
            return Err(TestCaseError::fail(format!("{path} is gone, after {edits:?}")));
        };
        let text = String::from_utf8(content).unwrap();
        for line in lines.iter().filter(|line| text_of(before, path).lines().any(|there| there.trim() == *line)) {
            prop_assert!(text.lines().any(|there| there.trim() == line), "{}: {:?} is lost in\n{}", path, line, text);
        }
    }
    let once = path("NEWS");
    prop_assert_eq!(before.get(&once), after.get(&once));
    for path in after.keys().filter(|path| !is_ours(path)) {
        let Some(place) = path.as_str().strip_suffix(".new").map(self::path) else { continue };
        prop_assert_eq!(before.get(&place), after.get(&place), "what stands there stays");
    }
    Ok(())
}

fn text_of(tree: &Tree, path: &TreePath) -> String {
    tree.get(path).map(|(content, _)| String::from_utf8_lossy(content).into_owned()).unwrap_or_default()
}

/// What is merged by key says what both sides say.
#[test]
fn keys_of_both_sides_are_in_a_merged_toml() {
    let pack = pack::pack("0.1.0");
    let added = prop::collection::btree_map("[a-z]{3,5}", 0..9_i64, 1..4);
    run(400, &(choice(), choice(), added, any::<prop::sample::Index>()), |((one, few), (two, more), added, at)| {
        let mut tree = new(&blueprint(&pack, pack::answers(one, &few)), &pack);
        let data = path("data.toml");
        let mut lines: Vec<String> = text(&tree, "data.toml").lines().map(|line| format!("{line}\n")).collect();
        let first = lines.iter().position(|line| line == "[dependencies]\n").unwrap() + 1;
        let end = lines.iter().position(|line| line == "[extra]\n").unwrap();
        let at = first + at.index(end - first);
        let mine = added
            .iter()
            .filter(|(key, _)| !["alpha", "beta", "gamma", "delta", "base", "zeta"].contains(&key.as_str()));
        let mine: Vec<(&String, &i64)> = mine.collect();
        for (key, value) in mine.iter().rev() {
            lines.insert(at, format!("{key} = {value} # mine\n"));
        }
        tree.insert(data.clone(), (lines.concat().into_bytes(), Mode::Plain));
        let target = blueprint(&pack, pack::answers(two, &more));
        let plan = plan(&tree, &target, &pack);
        prop_assert_eq!(plan.conflicts(), 0);
        let after = written(&plan, tree);
        let merged: toml::Table = text(&after, "data.toml").parse().unwrap();
        let mut expected: toml::Table = text(&new(&target, &pack), "data.toml").parse().unwrap();
        let dependencies = expected["dependencies"].as_table_mut().unwrap();
        dependencies.extend(mine.into_iter().map(|(key, value)| (key.clone(), toml::Value::Integer(*value))));
        prop_assert_eq!(merged, expected);
        Ok(())
    });
}

/// Two levels of a JSON object: what joins on one side has names that the other's have not.
fn joining(prefix: &'static str) -> impl Strategy<Value = BTreeMap<String, BTreeMap<String, i64>>> {
    let name = move || "[a-d]".prop_map(move |letter| format!("{prefix}{letter}"));
    let members = prop::collection::btree_map(name(), 0..9_i64, 0..3);
    prop::collection::btree_map(prop_oneof![Just("shared".to_owned()), "[k-m]", name()], members, 0..4)
}

#[test]
fn members_of_both_sides_are_in_a_merged_json() {
    let gone = || prop::collection::btree_set("base[a-d]", 0..3);
    run(600, &(joining("base"), joining("ours"), joining("theirs"), gone(), gone()), |(base, ours, theirs, a, b)| {
        let with = |more: &BTreeMap<String, BTreeMap<String, i64>>, gone: &dyn Fn(&String) -> bool| {
            let mut all = base.clone();
            all.entry("shared".into()).or_default();
            // A member of the root stays, whatever goes of it: the other side may add to it.
            all.values_mut().for_each(|members| members.retain(|name, _| !gone(name)));
            for (name, members) in more {
                all.entry(name.clone()).or_default().extend(members.clone());
            }
            all
        };
        let written = |value: &BTreeMap<String, BTreeMap<String, i64>>| {
            let mut text = serde_json::to_vec_pretty(value).unwrap();
            text.push(b'\n');
            text
        };
        let (before, mine) = (with(&BTreeMap::new(), &|_| false), with(&ours, &|name| a.contains(name)));
        let now = with(&theirs, &|name| b.contains(name));
        let both_added = |name: &&String| !before.contains_key(*name) && now.contains_key(*name);
        prop_assume!(!mine.keys().any(|name| both_added(&name)));
        let labels = Labels { ours: "yours".into(), base: "base".into(), theirs: "theirs".into() };
        let merged = merge("openapi.json", &written(&before), &written(&mine), &written(&now), &labels);
        let mut expected = with(&ours, &|name| a.contains(name) || b.contains(name));
        for (name, members) in &theirs {
            expected.entry(name.clone()).or_default().extend(members.clone());
        }
        prop_assert_eq!(merged, Merged::Clean(written(&expected)));
        Ok(())
    });
}
