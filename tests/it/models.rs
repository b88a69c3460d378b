//! Random models and what becomes of them: resources and fields that come, go, change and are renamed.

use new_service::schema::{Drafts, Resource, Surroundings, check};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// A resource as its line in `service.toml` has it, in parts.
#[derive(Debug, Clone)]
struct Made {
    name: String,
    was: Option<String>,
    fields: Vec<MadeField>,
    /// Whether it has an index over the first field that may have one, and the moment that it was made.
    listed: bool,
    /// How many days its rows are kept.
    retain: Option<u8>,
}

#[derive(Debug, Clone)]
struct MadeField {
    name: &'static str,
    was: Option<&'static str>,
    /// What stands after the name.
    rest: String,
}

#[derive(Debug, Clone)]
struct Seed {
    kind: Index,
    target: Index,
    /// May be empty, has a default, is unique, has an index.
    words: [bool; 4],
}

#[derive(Debug, Clone)]
enum Step {
    Come(Index, Vec<(Index, Seed)>),
    Go(Index),
    Rename(Index, Index),
    FieldComes(Index, Index, Seed),
    FieldGoes(Index, Index),
    FieldChanges(Index, Index, Seed),
    FieldIsRenamed(Index, Index, Index),
    /// Its index comes, or goes.
    List(Index),
    Retain(Index, Option<u8>),
    /// The words `was` have done their work.
    Forget,
}

/// Some are words of SQL, or of Rust.
const RESOURCES: [&str; 6] = ["order", "person", "item", "table", "box", "order_item"];
const FIELDS: [&str; 8] = ["code", "group", "type", "note", "total", "day", "order", "lead"];

/// Types with a default, and whether an index may be made over one.
const KINDS: [(&str, &str, bool); 20] = [
    ("string(1..200)", "x", true),
    ("string(..20)", "\"it's: all\"", true),
    ("text", "x", false),
    ("int(0..100)", "7", true),
    ("int", "-7", true),
    ("bigint", "9000000000", true),
    ("bigint(1..)", "1", true),
    ("decimal(12,2)", "9.50", true),
    ("decimal(6,3)", "-0.125", true),
    ("decimal(9,0)", "12", true),
    ("bool", "true", true),
    ("uuid", "", true),
    ("date", "now", true),
    ("datetime", "\"2026-01-31T12:30:00Z\"", true),
    ("datetime", "now", true),
    ("json", "{}", false),
    ("email", "ada@example.org", true),
    ("url", "\"https://example.org\"", false),
    ("enum(draft,paid)", "draft", true),
    ("enum(paid,draft,sent)", "sent", true),
];

fn seed() -> impl Strategy<Value = Seed> {
    (any::<Index>(), any::<Index>(), any::<[bool; 4]>()).prop_map(|(kind, target, words)| Seed { kind, target, words })
}

fn step() -> impl Strategy<Value = Step> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), vec((at(), seed()), 0..4)).prop_map(|(name, fields)| Step::Come(name, fields)),
        1 => at().prop_map(Step::Go),
        1 => (at(), at()).prop_map(|(which, name)| Step::Rename(which, name)),
        4 => (at(), at(), seed()).prop_map(|(which, name, seed)| Step::FieldComes(which, name, seed)),
        2 => (at(), at()).prop_map(|(which, field)| Step::FieldGoes(which, field)),
        5 => (at(), at(), seed()).prop_map(|(which, field, seed)| Step::FieldChanges(which, field, seed)),
        2 => (at(), at(), at()).prop_map(|(which, field, name)| Step::FieldIsRenamed(which, field, name)),
        1 => at().prop_map(Step::List),
        1 => (at(), proptest::option::of(1_u8..)).prop_map(|(which, days)| Step::Retain(which, days)),
        1 => Just(Step::Forget),
    ]
}

/// Models that follow each other, each with resources as they are written: up to `changes` after a first one.
pub fn models(changes: usize) -> impl Strategy<Value = Vec<Vec<String>>> {
    let first = vec((any::<Index>(), vec((any::<Index>(), seed()), 0..5)), 1..4);
    let first =
        first.prop_map(|all| all.into_iter().map(|(name, fields)| Step::Come(name, fields)).collect::<Vec<_>>());
    // A change is of one thing, or of some at once.
    (first, vec(vec(step(), 1..4), 1..=changes)).prop_map(|(first, later)| {
        let mut now = Vec::new();
        let mut models: Vec<Vec<String>> = Vec::new();
        for steps in std::iter::once(first).chain(later) {
            let before = now.clone();
            for step in steps {
                let mut next = now.clone();
                take(&mut next, &step, &before);
                // What the grammar refuses does not happen.
                if resources(&written(&next)).is_some() {
                    now = next;
                }
            }
            models.push(written(&now));
        }
        models
    })
}

pub fn resources(specs: &[String]) -> Option<Vec<Resource>> {
    let mut drafts = Drafts::default();
    for (number, spec) in (1..).zip(specs) {
        drafts.flag(number, spec);
    }
    check(drafts, &Surroundings::default()).ok()
}

/// `before` is what a change began with: of what goes in it, nothing comes again at another place.
fn take(now: &mut Vec<Made>, step: &Step, before: &[Made]) {
    let names: Vec<String> = now.iter().map(|made| made.name.clone()).collect();
    let known = || names.iter().chain(before.iter().map(|made| &made.name));
    let free = |name: &Index| Some(*name.get(&RESOURCES)).filter(|name| known().all(|other| other != name));
    match step {
        Step::Come(name, seeds) => {
            let Some(name) = free(name) else { return };
            let mut made =
                Made { name: name.into(), was: None, fields: Vec::new(), listed: seeds.len() == 3, retain: None };
            for (field, seed) in seeds {
                add(&mut made, *field, seed, &names);
            }
            // A name that comes again is not what it was.
            now.iter_mut().filter(|other| other.was.as_deref() == Some(name)).for_each(|other| other.was = None);
            now.push(made);
        }
        Step::Forget => {
            for made in now {
                made.was = None;
                made.fields.iter_mut().for_each(|field| field.was = None);
            }
        }
        _ if now.is_empty() => {}
        Step::Go(which) => {
            let gone = now.remove(which.index(names.len())).name;
            for made in now {
                made.fields.retain(|field| !field.rest.starts_with(&format!("ref({gone})")));
            }
        }
        Step::Rename(which, name) => {
            let Some(name) = free(name) else { return };
            let which = which.index(names.len());
            let before = std::mem::replace(&mut now[which].name, name.into());
            for field in now.iter_mut().flat_map(|made| &mut made.fields) {
                field.rest = field.rest.replace(&format!("ref({before})"), &format!("ref({name})"));
            }
            now.iter_mut().filter(|made| made.was.as_deref() == Some(name)).for_each(|made| made.was = None);
            now[which].was = Some(before);
        }
        Step::FieldComes(which, name, seed) => add(&mut now[which.index(names.len())], *name, seed, &names),
        Step::FieldGoes(which, field) => {
            let fields = &mut now[which.index(names.len())].fields;
            if !fields.is_empty() {
                fields.remove(field.index(fields.len()));
            }
        }
        Step::FieldChanges(which, field, seed) => {
            let made = &mut now[which.index(names.len())];
            if !made.fields.is_empty() {
                let field = field.index(made.fields.len());
                made.fields[field].rest = rest(seed, &names);
            }
        }
        Step::List(which) => {
            let listed = &mut now[which.index(names.len())].listed;
            *listed = !*listed;
        }
        Step::Retain(which, days) => now[which.index(names.len())].retain = *days,
        Step::FieldIsRenamed(which, field, name) => {
            let fields = &mut now[which.index(names.len())].fields;
            let name = *name.get(&FIELDS);
            if !fields.is_empty() && !fields.iter().any(|field| field.name == name) {
                fields.iter_mut().filter(|field| field.was == Some(name)).for_each(|field| field.was = None);
                let field = field.index(fields.len());
                fields[field].was = Some(fields[field].name);
                fields[field].name = name;
            }
        }
    }
}

fn add(made: &mut Made, name: Index, seed: &Seed, targets: &[String]) {
    let name = *name.get(&FIELDS);
    if made.fields.iter().any(|field| field.name == name) {
        return;
    }
    made.fields.iter_mut().filter(|field| field.was == Some(name)).for_each(|field| field.was = None);
    made.fields.push(MadeField { name, was: None, rest: rest(seed, targets) });
}

fn rest(seed: &Seed, targets: &[String]) -> String {
    let [nullable, given, unique, indexed] = seed.words;
    let empty = if nullable { "?" } else { "" };
    // One in six is a reference, where there is anything to refer to.
    let number = seed.kind.index(KINDS.len() + 4);
    if number >= KINDS.len() && !targets.is_empty() {
        let unique = if unique && given { ":unique" } else { "" };
        return format!("ref({}){empty}{unique}", seed.target.get(targets));
    }
    let (kind, default, indexable) = KINDS[number % KINDS.len()];
    let mut rest = format!("{kind}{empty}");
    if given && !default.is_empty() {
        rest = format!("{rest}={default}");
    }
    if indexable && unique {
        rest.push_str(":unique");
    } else if indexable && indexed {
        rest.push_str(":index");
    }
    rest
}

fn written(now: &[Made]) -> Vec<String> {
    let field = |field: &MadeField| {
        let was = field.was.map(|was| format!(":was={was}")).unwrap_or_default();
        format!(" {}:{}{was}", field.name, field.rest)
    };
    let resource = |made: &Made| {
        let was = made.was.as_ref().map(|was| format!(" was={was}")).unwrap_or_default();
        let fields: String = made.fields.iter().map(field).collect();
        let fits = |field: &&MadeField| !["text", "json"].iter().any(|kind| field.rest.starts_with(kind));
        let index = made.fields.iter().find(fits).filter(|_| made.listed);
        let index = index.map(|field| format!(" index={},-created_at", field.name)).unwrap_or_default();
        let retain = made.retain.map(|days| format!(" retain={days}d")).unwrap_or_default();
        format!("{}{was}{retain}{index}{fields}", made.name)
    };
    now.iter().map(resource).collect()
}
