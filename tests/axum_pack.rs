//! The built-in pack holds what `docs/packs.md` promises of any good pack, in every combination of
//! its choices.

use std::collections::BTreeSet;

use new_service::blueprint::{self, Blueprint, Drawn, Resolver};
use new_service::pack::{Answer, Answers, Files, Kind, Pack, Source, Text};
use new_service::render::{Tree, render};
use saphyr::{LoadableYamlNode as _, Yaml};

fn files() -> Files {
    Source::default_pack().read().unwrap()
}

fn pack() -> Pack {
    Pack::from_files(&files(), "pack").unwrap()
}

/// Every combination of choices that the pack allows, with its tree. Licences change a file or two
/// and nothing else: they take turns.
fn combinations(pack: &Pack) -> impl Iterator<Item = (String, Tree)> {
    let questions =
        pack.manifest.questions.iter().filter(|question| question.kind == Kind::Choice && question.is_open());
    let (turns, questions): (Vec<_>, Vec<_>) = questions.partition(|question| question.key == "license");
    let mut sets = vec![Answers::default()];
    for question in questions {
        let extended = sets.iter().flat_map(|answers| {
            question.choices.iter().map(move |choice| {
                let mut answers = answers.clone();
                answers.insert(&question.key, Answer::Text(choice.value.clone()));
                answers
            })
        });
        sets = extended.collect();
    }
    let complete = |given: &Answers| Resolver::new(pack, "order-api", given.clone()).unwrap().complete().ok();
    // What is not asked makes no difference.
    let mut seen = BTreeSet::new();
    sets.retain(|given| complete(given).is_some_and(|answers| seen.insert(format!("{answers:?}"))));
    sets.into_iter().enumerate().filter_map(move |(number, mut given)| {
        for question in &turns {
            let choice = &question.choices[number % question.choices.len()];
            given.insert(&question.key, Answer::Text(choice.value.clone()));
        }
        let answers = complete(&given).unwrap();
        let blueprint =
            Blueprint { name: "order-api".into(), answers, resources: Vec::new(), drawn: Drawn::at(1_767_225_600) };
        let shown = given.iter().map(|(key, answer)| format!("{key}={answer}")).collect::<Vec<_>>().join(" ");
        match render(&blueprint, pack) {
            Ok(tree) => Some((shown, tree)),
            Err(faults) if faults.0.iter().all(|fault| fault.message.contains("do not go together")) => None,
            Err(faults) => panic!("{shown}: {faults}"),
        }
    })
}

#[test]
fn every_combination_renders_and_its_data_files_parse() {
    let pack = pack();
    let mut count = 0;
    for (shown, tree) in combinations(&pack) {
        count += 1;
        for (path, file) in tree.iter() {
            let text = String::from_utf8_lossy(&file.content);
            let fault = match path.as_str().rsplit('.').next() {
                Some("toml" | "lock") => text.parse::<toml::Table>().err().map(|error| error.to_string()),
                Some("json") => serde_json::from_str::<serde_json::Value>(&text).err().map(|error| error.to_string()),
                Some("yml" | "yaml") => Yaml::load_from_str(&text).err().map(|error| error.to_string()),
                _ => None,
            };
            assert_eq!(fault, None, "{shown}: {path}");
            assert!(!text.contains("\n\n\n"), "{shown}: {path}: two empty lines on end");
            assert!(!text.lines().any(|line| line.ends_with(' ')), "{shown}: {path}: a line ends in a space");
        }
    }
    assert!(count > 60, "{count} combinations");
}

/// With resources of every kind, as `snapshots/full` has them.
fn with_resources(pack: &Pack) -> impl Iterator<Item = (String, Tree)> {
    ["postgres", "sqlite"].into_iter().map(move |database| {
        let text = Text::new("full", include_str!("../snapshots/full/service.toml"));
        let mut given = blueprint::read(&text, pack).unwrap();
        given.answers.insert("database", Answer::Text(database.into()));
        let resources = blueprint::resources(given.resources, pack).unwrap();
        let answers = Resolver::new(pack, "order-api", given.answers).unwrap().complete().unwrap();
        let drawn = Drawn::at(1_767_225_600);
        let blueprint = Blueprint { name: "order-api".into(), answers, resources, drawn };
        (format!("resources on {database}"), render(&blueprint, pack).unwrap())
    })
}

/// What a preset says goes together, and says what it is.
#[test]
fn every_preset_gives_a_service() {
    let pack = pack();
    for preset in &pack.manifest.presets {
        let answers = Resolver::new(&pack, "order-api", preset.answers.clone()).unwrap().complete();
        let answers = answers.unwrap_or_else(|faults| panic!("{}: {faults}", preset.name));
        let drawn = Drawn::at(1_767_225_600);
        let blueprint = Blueprint { name: "order-api".into(), answers, resources: Vec::new(), drawn };
        render(&blueprint, &pack).unwrap_or_else(|faults| panic!("{}: {faults}", preset.name));
        assert!(!preset.help.is_empty(), "{}: is chosen by its help", preset.name);
    }
}

#[test]
fn every_rule_slot_and_claim_serves_something() {
    let pack = pack();
    let trees: Vec<_> = combinations(&pack).chain(with_resources(&pack)).collect();
    let paths: BTreeSet<&str> = trees.iter().flat_map(|(_, tree)| tree.iter().map(|(path, _)| path.as_str())).collect();
    for layer in &pack.layers {
        for rule in &layer.rules {
            assert!(paths.iter().any(|path| rule.glob.matches(path)), "{}: no file for it", rule.place);
        }
    }
    for (name, slot) in &pack.manifest.slots {
        let owner = pack.layers.iter().find(|layer| layer.name == slot.owner);
        let owner = owner.unwrap_or_else(|| panic!("slot {name}: no layer {}", slot.owner));
        let line = format!("{{= slot(\"{name}\") =}}");
        let has = |file: &new_service::pack::LayerFile| String::from_utf8_lossy(&file.content).contains(&line);
        assert_eq!(
            owner.files.iter().filter(|file| has(file)).count(),
            1,
            "slot {name} stands in one file of its owner"
        );
    }
    let claimed: Vec<&String> = pack.layers.iter().flat_map(|layer| &layer.practices).collect();
    assert!(!claimed.is_empty());
}

/// A layer is a room: without its folder the pack still stands, and only its capability is gone.
#[test]
fn any_layer_that_none_requires_can_be_deleted() {
    let whole = pack();
    let required: BTreeSet<&str> =
        whole.layers.iter().flat_map(|layer| layer.requires.iter().map(|(name, _)| name.as_str())).collect();
    for layer in whole.layers.iter().filter(|layer| !required.contains(layer.name.as_str())) {
        let mut files = files();
        files.retain(|path, _| !path.starts_with(&format!("layers/{}/", layer.name)));
        let pack = Pack::from_files(&files, "pack").unwrap_or_else(|faults| panic!("without {}: {faults}", layer.name));
        // Some of them, in which each choice comes up with each other.
        for (shown, tree) in combinations(&pack).step_by(7) {
            assert!(tree.iter().all(|(_, file)| file.layer != layer.name), "{shown}: a file of {} is left", layer.name);
        }
    }
}

/// The crate could not tell itself from what it uses: its dependencies, and its modules in main.rs.
#[test]
fn a_service_is_called_like_nothing_that_it_uses() {
    let rules = pack().manifest.name_rules;
    for name in
        ["tokio", "tokio-util", "tokio_util", "serde", "app", "docs", "server", "telemetry", "core", "fn", "postgres"]
    {
        let said = rules.check(name).unwrap_err().to_string();
        assert!(said.contains(&format!("`--name {}-service` would do", name.replace('_', "-"))), "{said}");
    }
    for name in ["fragment", "service", "apps", "orders"] {
        rules.check(name).unwrap();
    }
}

/// Who writes a layer finds every slot in the pack's README.
#[test]
fn the_packs_readme_lists_every_slot_and_no_other() {
    let files = files();
    let readme = std::str::from_utf8(&files["README.md"]).unwrap();
    let slots = readme.split("## Slots").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: BTreeSet<(&str, &str)> = slots
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix("| `")?.trim_end_matches(" |").split(" | ").collect();
            Some((cells.first()?.trim_end_matches('`'), *cells.last()?))
        })
        .collect();
    let manifest = pack().manifest;
    let declared = manifest.slots.iter().map(|(name, slot)| (name.as_str(), slot.purpose.as_str())).collect();
    assert_eq!(rows, declared);
}

/// The version of Rust stands in four places; they are raised together.
#[test]
fn one_version_of_rust_everywhere() {
    let pack = pack();
    let (_, tree) = combinations(&pack).find(|(_, tree)| tree.get("Dockerfile").is_some()).unwrap();
    let text = |path: &str| String::from_utf8(tree.get(path).unwrap().content.clone()).unwrap();
    let toolchain: toml::Table = text("rust-toolchain.toml").parse().unwrap();
    let version = toolchain["toolchain"]["channel"].as_str().unwrap().to_owned();
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["package"]["rust-version"].as_str().map(|minor| format!("{minor}.0")), Some(version.clone()));
    assert!(text("Dockerfile").contains(&format!("/rust:{version}-")), "the image builds with {version}");
    let tasks = std::fs::read_to_string("xtask/src/lock.rs").unwrap();
    let minor = version.trim_end_matches(".0");
    assert!(tasks.contains(&format!(r#"rust-version = \"{minor}\""#)), "xtask locks for {minor}");
}

/// A Service sends requests to every pod with its label, ready or not asked.
#[test]
fn the_job_that_migrates_gets_no_requests_and_no_secret_is_in_the_repository() {
    let pack = pack();
    let path = "deploy/k8s/base/migrate.yaml";
    let (_, tree) = combinations(&pack).find(|(_, tree)| tree.get(path).is_some()).unwrap();
    let text = |path: &str| String::from_utf8(tree.get(path).unwrap().content.clone()).unwrap();
    let (job, service) = (text(path), text("deploy/k8s/base/service.yaml"));
    let (job, service) = (Yaml::load_from_str(&job).unwrap(), Yaml::load_from_str(&service).unwrap());
    let pod = &job[0]["spec"]["template"];
    let label = "app.kubernetes.io/name";
    assert_ne!(pod["metadata"]["labels"][label], service[0]["spec"]["selector"][label]);
    let environment = pod["spec"]["containers"][0]["env"].as_sequence().unwrap();
    let url = environment.iter().find(|entry| entry["name"].as_str() == Some("DATABASE_URL")).unwrap();
    assert_eq!(url["valueFrom"]["secretKeyRef"]["name"].as_str(), Some("order-api"));
    for (path, file) in tree.iter().filter(|(path, _)| path.as_str().starts_with("deploy/")) {
        let text = String::from_utf8_lossy(&file.content);
        assert!(!text.contains("postgres://") && !text.contains("kind: Secret"), "{path}");
    }
}

/// Traps of Kubernetes: a replica count in the base fights an autoscaler, and a pod that is killed
/// before its grace period is over loses requests.
#[test]
fn a_pod_has_the_time_that_the_service_takes_to_stop() {
    let pack = pack();
    let path = "deploy/k8s/base/deployment.yaml";
    let (_, tree) = combinations(&pack).find(|(_, tree)| tree.get(path).is_some()).unwrap();
    let text = String::from_utf8(tree.get(path).unwrap().content.clone()).unwrap();
    let documents = Yaml::load_from_str(&text).unwrap();
    let spec = &documents[0]["spec"];
    assert!(spec.as_mapping_get("replicas").is_none(), "the overlays say how many");
    let pod = &spec["template"]["spec"];
    let container = &pod["containers"][0];
    let pause = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_integer().unwrap();
    let environment = container["env"].as_sequence().unwrap();
    let setting = |name: &str| {
        let entry = environment.iter().find(|entry| entry["name"].as_str() == Some(name)).unwrap();
        entry["value"].as_str().unwrap().trim_end_matches('s').parse::<i64>().unwrap()
    };
    let time = pod["terminationGracePeriodSeconds"].as_integer().unwrap();
    assert!(time > pause + setting("SHUTDOWN_GRACE"));
    assert_eq!(setting("SHUTDOWN_PAUSE"), 0, "preStop has paused already");
}
