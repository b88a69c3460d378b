//! Names: which words may be one, and which not, for what reason. The words and what is expected of them stand in
//! `tests/words.txt`, for all who want to try them.

use std::fmt::Write as _;

use new_service::blueprint::surroundings;
use new_service::fault::Faults;
use new_service::pack::{Pack, Source};
use new_service::schema::{Drafts, Model, Resource, Surroundings, check, views};

use super::one;

/// Why a word is refused, and a part of what is said then.
const REASONS: [(&str, &str); 8] = [
    ("keyword", "Rust cannot take it for a name"),
    ("own", "every resource has"),
    ("database", "system column of every table in PostgreSQL"),
    ("database", "reserves table names that begin with"),
    ("schema", "and the service already has one"),
    ("path", "the API already serves the path"),
    ("device", "it is a device name on Windows"),
    ("table", "the service has"),
];

/// What the built-in pack has of its own.
fn around() -> Surroundings {
    surroundings(&Pack::from_files(&Source::default_pack().read().unwrap(), "pack").unwrap())
}

fn judged(specs: &[&str], around: &Surroundings) -> Result<Vec<Resource>, Faults> {
    let mut drafts = Drafts::default();
    for (number, spec) in (1..).zip(specs) {
        drafts.flag(number, spec);
    }
    check(drafts, around)
}

/// `ok`, or the reason of the one fault that there is.
fn outcome(specs: &[&str], around: &Surroundings) -> String {
    let resources = match judged(specs, around) {
        Ok(resources) => resources,
        Err(faults) => {
            let [fault] = &faults.0[..] else { return format!("{} faults: {faults}", faults.0.len()) };
            let reason = REASONS.iter().find(|(_, said)| fault.message.contains(said));
            return reason.map_or_else(|| fault.to_string(), |(reason, _)| (*reason).to_owned());
        }
    };
    let model = Model::new(&[], &resources);
    for view in views(&resources, around, &model, true) {
        let names =
            [&view.names.variable, &view.names.plural_variable, &view.names.module_ident, &view.names.type_name];
        let fields = view.fields.iter().flat_map(|field| [&field.ident, &field.name_ident]);
        for name in names.into_iter().chain(fields) {
            if syn::parse_str::<syn::Ident>(name).is_err() {
                return format!("`{name}` is no identifier");
            }
        }
        if view.names.path.is_empty() || view.fields.iter().any(|field| !field.doc.ends_with('.')) {
            return format!("{view:?}");
        }
    }
    "ok".into()
}

#[test]
fn each_word_is_taken_or_refused_for_its_reason() {
    let around = around();
    let mut wrong = String::new();
    let mut words = 0;
    let lines = include_str!("../../words.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let columns: Vec<&str> = line.split(' ').collect();
        let [word, expected @ ..] = columns.as_slice() else { panic!("{line}") };
        let resource = format!("{word} note:text");
        let field = format!("thing {word}:text");
        let choice = format!("thing {word}:enum(a,b)?");
        let (reference, itself) = (format!("thing {word}:ref(user)"), format!("thing {word}:ref(thing)? spare:bool"));
        let specs = [&resource, &field, &reference];
        for ((role, spec), expected) in ["resource", "field", "reference"].iter().zip(specs).zip(expected) {
            let told = outcome(&[spec], &around);
            if told != *expected {
                let _ = writeln!(wrong, "{word} as a {role}: {expected} is expected, and it is: {told}");
            }
        }
        // Choices make a type of two words, and a reference to its own resource is like any other.
        for (spec, like) in [(&choice, expected[1]), (&itself, expected[2])] {
            let told = outcome(&[spec], &around);
            let other = like == "ok" && told.contains("its choices would be the type Thing");
            if told != like && !other {
                let _ = writeln!(wrong, "{spec}: {like} is expected, and it is: {told}");
            }
        }
        words += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(words > 300, "{words}");
}

#[test]
fn parameters_of_a_listing_are_fields_without_a_filter() {
    let around = around();
    let specs = [
        "thing limit:int cursor:int sort:int include:int created_at_from:date created_at_to:date other:int",
        "row limit:ref(thing)",
    ];
    let resources = judged(&specs, &around).unwrap();
    let views = views(&resources, &around, &Model::new(&[], &resources), true);
    let filterable: Vec<&str> = views
        .iter()
        .flat_map(|view| &view.fields)
        .filter(|field| field.filterable)
        .map(|field| field.name.as_str())
        .collect();
    // The parameter of a reference is called after its column.
    assert_eq!(filterable, ["other", "limit"]);
}

#[test]
fn types_of_choices_are_none_of_a_library() {
    let around = around();
    for (spec, made) in [
        ("date time:enum(a,b)", "DateTime"),
        ("naive date_time:enum(a,b)", "NaiveDateTime"),
        ("hash map:enum(a,b)", "HashMap"),
        ("b_tree map:enum(a,b)", "BTreeMap"),
        ("health status:enum(a,b)", "HealthStatus"),
    ] {
        let told = judged(&[spec], &around).unwrap_err().to_string();
        assert!(told.contains(&format!("its choices would be the type {made}, which ")), "{told}");
    }
    assert_eq!(outcome(&["app error:enum(a,b)"], &around), "ok");
}

/// No identifier is made of a word alone, so none hides anything.
#[test]
fn a_word_is_a_resource_a_field_and_a_reference_at_once() {
    for name in ["option", "result", "string", "value", "patch", "error", "session", "event", "job", "config", "state"]
    {
        one(&format!("{name} {name}:text"));
        one(&format!("order {name}:ref(user)"));
    }
    one("comment comment:ref(comment)?");
    assert_eq!(one("person plural=match x:text").plural, "match");
}
