//! The built-in pack holds what `docs/packs.md` promises of any good pack: `template check` finds nothing in
//! it. What it promises beyond that is held against the very services which that check renders.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use new_service::blueprint::{Blueprint, Drawn, Resolver};
use new_service::inspect::{Inspection, Row};
use new_service::pack::{Answer, Files, Pack, Source};
use new_service::render::{Tree, TreeFile, context_of, render, render_in_time, select};
use saphyr::{LoadableYamlNode as _, Yaml};

fn files() -> Files {
    Source::default_pack().read().unwrap()
}

fn pack() -> Pack {
    Pack::from_files(&files(), "pack").unwrap()
}

struct Checked {
    inspection: Inspection,
    services: Vec<(Row, Tree)>,
}

static CHECKED: LazyLock<Checked> = LazyLock::new(|| {
    let mut services = Vec::new();
    let inspection =
        Inspection::with(&files(), Pack::from_files(&files(), "pack"), |row, tree| services.push((row.clone(), tree)));
    Checked { inspection, services }
});

/// A service that has the file `path`.
fn with(path: &str) -> &'static (Row, Tree) {
    CHECKED.services.iter().find(|(_, tree)| tree.get(path).is_some()).unwrap()
}

#[test]
fn its_check_finds_nothing() {
    let found: Vec<String> = CHECKED.inspection.findings.iter().map(|finding| finding.fault.to_string()).collect();
    assert_eq!(found, [""; 0]);
    let choices = |key: &str| {
        let answers =
            CHECKED.services.iter().filter_map(|(row, _)| row.blueprint.answers.get(key).map(ToString::to_string));
        answers.collect::<BTreeSet<String>>()
    };
    for question in &CHECKED.inspection.pack.as_ref().unwrap().manifest.questions {
        let offered: BTreeSet<String> = question.choices.iter().map(|choice| choice.value.clone()).collect();
        assert!(offered.is_subset(&choices(&question.key)), "{}: each choice was rendered", question.key);
    }
}

#[test]
fn its_files_are_tidy() {
    let untidy = |answer: &Answer| matches!(answer, Answer::Text(text) if text.trim() != text || text.is_empty());
    let services =
        CHECKED.services.iter().filter(|(row, _)| !row.blueprint.answers.iter().any(|(_, answer)| untidy(answer)));
    let mut count = 0;
    for (row, tree) in services {
        count += 1;
        // Rust that holds names of a person's is rustfmt's to tidy.
        let is_formatted = |path: &str, file: &TreeFile| file.personal && path.rsplit('.').next() == Some("rs");
        for (path, file) in tree.iter().filter(|(path, file)| !is_formatted(path.as_str(), file)) {
            let text = String::from_utf8_lossy(&file.content);
            assert!(!text.contains("\n\n\n"), "{}: {path}: two empty lines on end", row.shown());
            assert!(!text.lines().any(|line| line.ends_with(' ')), "{}: {path}: a line ends in a space", row.shown());
        }
    }
    assert!(count > 10, "{count} services");
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

/// That it stands in one at all is `template check`'s to say; the README names the one.
#[test]
fn a_slot_stands_in_one_file_of_its_owner() {
    let pack = pack();
    for (name, slot) in &pack.manifest.slots {
        let owner = pack.layers.iter().find(|layer| layer.name == slot.owner).unwrap();
        let line = format!("{{= slot(\"{name}\") =}}");
        let has = |file: &&new_service::pack::LayerFile| String::from_utf8_lossy(&file.content).contains(&line);
        assert_eq!(owner.files.iter().filter(has).count(), 1, "slot {name}");
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
    let mut deleted = 0;
    for layer in whole.layers.iter().filter(|layer| !required.contains(layer.name.as_str())) {
        let mut files = files();
        files.retain(|path, _| !path.starts_with(&format!("layers/{}/", layer.name)));
        let pack = Pack::from_files(&files, "pack").unwrap_or_else(|faults| panic!("without {}: {faults}", layer.name));
        // In services that had it, and where it may be missed.
        let had = |row: &Row| {
            let layers = select(&whole, &context_of(&row.blueprint, &whole)).unwrap();
            layers.iter().any(|other| other.name == layer.name)
        };
        let mut tried = 0;
        for (row, _) in CHECKED.services.iter().filter(|(row, _)| had(row)).take(2) {
            let mut blueprint = row.blueprint.clone();
            if !pack.takes_resources() {
                blueprint.resources.clear();
            }
            let tree =
                render_in_time(&blueprint, &pack).unwrap_or_else(|faults| panic!("without {}: {faults}", layer.name));
            assert!(
                tree.iter().all(|(_, file)| file.layer != layer.name),
                "{}: a file of {} is left",
                row.shown(),
                layer.name
            );
            tried += 1;
        }
        assert!(tried > 0, "{} was in no service", layer.name);
        deleted += 1;
    }
    assert!(deleted > 3, "{deleted} layers");
}

/// The crate could not tell itself from its dependencies.
#[test]
fn a_service_is_called_like_nothing_that_it_uses() {
    let rules = pack().manifest.name_rules;
    for name in ["tokio", "tokio-util", "tokio_util", "serde", "core", "fn", "postgres"] {
        let said = rules.check(name).unwrap_err().to_string();
        assert!(said.contains(&format!("`--name {}-service` would do", name.replace('_', "-"))), "{said}");
    }
    for name in ["fragment", "service", "app", "docs", "server", "telemetry", "orders"] {
        rules.check(name).unwrap();
    }
}

/// Who works on the pack reads there what is asked, with which choices, and what stands where nobody answers.
#[test]
fn the_packs_readme_lists_every_question_with_its_default() {
    let files = files();
    let readme = std::str::from_utf8(&files["README.md"]).unwrap();
    let questions = readme.split("## Questions").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<Vec<&str>> = questions
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
        .collect();
    let code = |text: &str| format!("`{text}`");
    let expected: Vec<Vec<String>> = pack()
        .manifest
        .questions
        .iter()
        .map(|question| {
            let choices: Vec<String> = question.choices.iter().map(|choice| code(&choice.value)).collect();
            let kind =
                if choices.is_empty() { format!("{:?}", question.kind).to_lowercase() } else { choices.join(", ") };
            let default = question.default.as_ref().unwrap().to_string();
            // The name stands for what a text makes of it.
            let default = default.replace("{= name | words =}", "NAME").replace("{= name =}", "NAME");
            let when = question.when.as_ref().map(|when| code(&when.expression.replace('"', "")).replace("==", "="));
            let otherwise =
                question.otherwise.as_ref().map(|otherwise| format!(", else {}", code(&otherwise.to_string())));
            let asked = match when {
                Some(when) => format!("with {when}{}", otherwise.unwrap_or_default()),
                None => "always".to_owned(),
            };
            vec![code(&question.key), kind, code(&default), asked]
        })
        .collect();
    assert_eq!(rows, expected);
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
    let (_, tree) = with("Dockerfile");
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
    let path = "deploy/k8s/base/migrate.yaml";
    let (row, tree) = with(path);
    let text = |path: &str| String::from_utf8(tree.get(path).unwrap().content.clone()).unwrap();
    let (job, service) = (text(path), text("deploy/k8s/base/service.yaml"));
    let (job, service) = (Yaml::load_from_str(&job).unwrap(), Yaml::load_from_str(&service).unwrap());
    let pod = &job[0]["spec"]["template"];
    let label = "app.kubernetes.io/name";
    assert_ne!(pod["metadata"]["labels"][label], service[0]["spec"]["selector"][label]);
    let environment = pod["spec"]["containers"][0]["env"].as_sequence().unwrap();
    let url = environment.iter().find(|entry| entry["name"].as_str() == Some("DATABASE_URL")).unwrap();
    assert_eq!(url["valueFrom"]["secretKeyRef"]["name"].as_str(), Some(row.blueprint.name.as_str()));
    for (path, file) in tree.iter().filter(|(path, _)| path.as_str().starts_with("deploy/")) {
        let text = String::from_utf8_lossy(&file.content);
        assert!(!text.contains("postgres://") && !text.contains("kind: Secret"), "{path}");
    }
}

/// Traps of Kubernetes: a replica count in the base fights an autoscaler, and a pod that is killed
/// before its grace period is over loses requests.
#[test]
fn a_pod_has_the_time_that_the_service_takes_to_stop() {
    let path = "deploy/k8s/base/deployment.yaml";
    let (_, tree) = with(path);
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
