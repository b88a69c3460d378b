//! The built-in pack holds what `docs/packs.md` promises of any good pack: `template check` finds nothing in
//! it. What it promises beyond that is held against the very services which that check renders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::LazyLock;

use new_service::blueprint::{Blueprint, Drawn, Resolver};
use new_service::inspect::{Inspection, Row};
use new_service::pack::{Answer, Files, Layer, Pack, Source, hash};
use new_service::render::{Tree, TreeFile, context_of, lockfile, render, render_in_time, select};
use proc_macro2::{TokenStream, TokenTree};
use saphyr::{LoadableYamlNode as _, Yaml};

fn files() -> Files {
    Source::default_pack().read().unwrap()
}

fn pack() -> Arc<Pack> {
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
    for name in pack.slots.keys() {
        let (owner, short) = name.split_once('/').unwrap();
        let owner = pack.layer(owner).unwrap();
        let line = format!("{{= slot(\"{short}\") =}}");
        let has = |file: &&new_service::pack::LayerFile| String::from_utf8_lossy(&file.content).contains(&line);
        assert_eq!(owner.files.iter().filter(has).count(), 1, "slot {name}");
    }
}

/// `template check` finds that claims hold; here, that it looks: where the database is a file, a new pod waits until the
/// old one has closed it.
#[test]
fn a_claim_that_holds_for_some_databases_alone_is_found() {
    let mut files = files();
    let (path, layer) = files
        .iter()
        .map(|(path, content)| (path.clone(), String::from_utf8_lossy(content).into_owned()))
        .find(|(_, text)| text.contains("id = \"deploy.rolling\""))
        .unwrap();
    let anyhow =
        layer.replace("id = \"deploy.rolling\"\nwhen = 'database != \"sqlite\"'\n", "id = \"deploy.rolling\"\n");
    assert_ne!(anyhow, layer);
    files.insert(path, anyhow.into_bytes().into());
    let inspection = Inspection::of(&files, Pack::from_files(&files, "pack"));
    let words = "the practice \"deploy.rolling\" is claimed, and /spec/strategy/type of \
                 deploy/k8s/base/deployment.yaml is \"Recreate\", not \"RollingUpdate\"";
    let found = inspection.findings.iter().find(|found| found.fault.to_string().contains(words));
    let found = found.unwrap_or_else(|| panic!("{:#?}", inspection.findings));
    // SQLite is the default.
    assert!(!found.answers.as_ref().unwrap().contains("database="), "{found:?}");
}

/// A port is a module: exactly one layer writes it where it is declared, and `state.rs` builds it once.
#[test]
fn every_port_has_one_implementation() {
    struct Port {
        declared_in: &'static str,
        by: &'static str,
        paths: &'static [&'static str],
        built_by: Option<&'static str>,
    }
    let port = |declared_in, by, paths, built_by| Port { declared_in, by, paths, built_by };
    let ports = [
        port("src/rate_limit/mod.rs", "mod budgets;", &["src/rate_limit/budgets.rs"], Some("Budgets::new(")),
        port("src/auth/mod.rs", "mod sessions;", &["src/auth/sessions.rs"], Some("Sessions::new(")),
        port("src/cache/mod.rs", "mod store;", &["src/cache/store.rs", "src/cache/store/mod.rs"], Some("Store::new(")),
        port("src/db/mod.rs", "pub mod migrate;", &["src/db/postgres.rs", "src/db/sqlite.rs"], None),
        port("src/db/mod.rs", "pub mod constraint;", &["src/db/constraint.rs"], None),
        port("tests/it/support/mod.rs", "pub mod statements;", &["tests/it/support/statements.rs"], None),
    ];
    let text = |file: &TreeFile| String::from_utf8_lossy(&file.content).into_owned();
    for Port { declared_in, by, paths, built_by } in ports {
        let mut layers = BTreeSet::new();
        for (row, tree) in &CHECKED.services {
            let wanted = usize::from(tree.get(declared_in).is_some_and(|file| text(file).contains(by)));
            let made: Vec<&TreeFile> = paths.iter().filter_map(|path| tree.get(path)).collect();
            assert_eq!(made.len(), wanted, "{}: {paths:?}", row.shown());
            layers.extend(made.iter().map(|file| file.layer.as_str()));
            if let Some(built_by) = built_by {
                let state = text(tree.get("src/state.rs").unwrap());
                assert_eq!(state.matches(built_by).count(), wanted, "{}: {built_by}", row.shown());
            }
        }
        assert_eq!(layers.len(), 2, "{paths:?}: {layers:?}");
    }
    for (row, tree) in &CHECKED.services {
        let services = tree.iter().filter_map(|(path, _)| path.as_str().strip_suffix("/service.rs"));
        for folder in services.filter(|folder| folder.starts_with("src/api/")) {
            let repo = tree.get(&format!("{folder}/repo.rs")).unwrap_or_else(|| panic!("{}: {folder}", row.shown()));
            assert!(repo.layer.starts_with("database-"), "{}: {}", row.shown(), repo.layer);
        }
    }
}

/// A layer is a room: without its folder, and those of the layers that require it, the pack still stands, and services
/// that did not have them are what they were. Those that had them lack nothing but their files, unless one was the only
/// implementation of a part: then the answers are refused with the name of the part.
#[test]
fn any_layer_can_be_deleted_with_those_that_require_it() {
    let whole = pack();
    for layer in whole.layers.iter().filter(|layer| layer.when.is_some()) {
        let is_gone = |other: &&Layer| whole.with_required([*other]).iter().any(|one| one.name == layer.name);
        let gone: Vec<&Layer> = whole.layers.iter().filter(is_gone).collect();
        let mut files = files();
        files.retain(|path, _| !gone.iter().any(|layer| path.starts_with(&format!("{}/", layer.folder))));
        let pack = Pack::from_files(&files, "pack").unwrap_or_else(|faults| panic!("without {}: {faults}", layer.name));
        let had = |tree: &Tree| gone.iter().any(|layer| tree.layers.contains(&layer.name));
        let (with, without): (Vec<_>, Vec<_>) = CHECKED.services.iter().partition(|(_, tree)| had(tree));
        assert!(!with.is_empty() && !without.is_empty(), "{} is in none, or in all", layer.name);

        for (row, tree) in without.into_iter().take(2) {
            let same =
                render_in_time(&row.blueprint, &pack).unwrap_or_else(|faults| panic!("{}: {faults}", layer.name));
            for (path, file) in tree.iter() {
                let same = same.get(path.as_str()).unwrap_or_else(|| panic!("without {}: no {path}", layer.name));
                assert_eq!(same.content, file.content, "without {}: {path}", layer.name);
            }
            assert_eq!(same.len(), tree.len(), "without {}", layer.name);
        }
        let provides = |name: &str| {
            let parts = gone.iter().flat_map(|layer| &layer.contributions).filter(|one| one.kind == "state");
            parts.filter_map(|part| part.name()).any(|part| name.contains(&format!("\"{part}\"")))
        };
        for (row, _) in with.into_iter().take(2) {
            let mut blueprint = row.blueprint.clone();
            if !pack.takes_resources() {
                blueprint.resources.clear();
            }
            match render_in_time(&blueprint, &pack) {
                Ok(tree) => assert!(!had(&tree), "{}: a file of {} is left", row.shown(), layer.name),
                Err(faults) => {
                    let said = faults.to_string();
                    let part = said.split("needs ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
                    assert!(provides(part), "without {}: {said}", layer.name);
                }
            }
        }
    }
}

/// What cargo says is written down by `cargo xtask lock`, so that this needs neither cargo nor a network. That cargo
/// takes the files as they are is proved where the rows are built, `--locked`.
#[test]
fn every_row_is_locked_as_cargo_locks_it() {
    let pack = pack();
    let answers = std::fs::read_to_string("tests/lock-answers.txt").unwrap();
    let lines = answers.lines().filter(|line| !line.starts_with('#'));
    let answers: BTreeMap<&str, &str> =
        lines.map(|line| line.split_once(' ').unwrap()).map(|(digest, names)| (names, digest)).collect();
    let mut left: BTreeSet<&str> = answers.keys().copied().collect();
    for (row, _) in &CHECKED.services {
        let mut layers = select(&pack, &context_of(&row.blueprint, &pack)).unwrap();
        layers.retain(|layer| layer.packages().next().is_some());
        let mut names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        names.sort_unstable();
        let names = names.join(" ");
        let lock = lockfile::locked(&pack, &layers, "service", "0.0.0").unwrap();
        let digest = answers.get(&*names).unwrap_or_else(|| panic!("{names}: `cargo xtask lock` asks cargo"));
        assert_eq!(hash(lock.as_bytes()), **digest, "{names}: cargo locks something else; `cargo xtask lock`");
        left.remove(&*names);
    }
    assert!(left.is_empty(), "no row has these any more; `cargo xtask lock`: {left:#?}");
}

/// Sixty layers have room: 9,000 lines. The binary carries the pack: 1.15 MB with the tests of issue 15, half of all,
/// 1.4 MB with the manifests, workflows and scripts of issue 17, 1.46 MB with the gateways of issue 18. Its locks are 56 kB.
#[test]
fn the_lock_files_are_short_and_the_superset_has_no_package_too_many() {
    let (files, pack) = (files(), pack());
    let lock = pack.manifest.lock.as_ref().unwrap();
    let is_part = |path: &str| path == lock.superset() || path == lock.pairs() || path.ends_with(&lock.delta());
    let parts = files.iter().filter(|(path, _)| is_part(path));
    let lines: usize = parts.map(|(_, content)| String::from_utf8_lossy(content).lines().count()).sum();
    assert!(lines <= 9_000, "{lines} lines");
    let bytes: usize = files.values().map(|content| content.len()).sum();
    assert!(bytes <= 1_675_000, "{bytes} bytes");
    let all: Vec<_> = pack.layers.iter().collect();
    let all = lockfile::graph(&pack, &all).unwrap();
    assert_eq!(lockfile::print_superset(&all), pack.superset.as_ref().unwrap().content);
}

/// The crate could not tell itself from its dependencies.
#[test]
fn a_service_is_called_like_nothing_that_it_uses() {
    let rules = pack().manifest.name_rules.clone();
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
            // The name stands for what a text makes of it, and so does that of the image.
            let default = default.replace("{= name | words =}", "NAME").replace("{= name =}", "NAME");
            let default = default.replace(r#"{= (image | split(pat="/"))[1:] | join(sep="/") =}"#, "OWNER/NAME");
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

/// Who writes a layer finds in the pack's README what a layer can add to others: every public slot, every kind of
/// contributions.
#[test]
fn the_packs_readme_lists_what_a_layer_can_add_to() {
    let files = files();
    let readme = std::str::from_utf8(&files["README.md"]).unwrap();
    let rows = |section: &str| -> BTreeSet<(String, String)> {
        let section = readme.split(&format!("\n## {section}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        let row = |line: &str| {
            let cells: Vec<&str> = line.strip_prefix("| `")?.trim_end_matches(" |").split(" | ").collect();
            Some((cells.first()?.trim_end_matches('`').to_owned(), (*cells.last()?).to_owned()))
        };
        section.lines().filter_map(row).collect()
    };
    let pack = pack();
    let public = pack.slots.iter().filter(|(_, slot)| slot.public);
    let public: BTreeSet<_> = public.map(|(name, slot)| (name.clone(), slot.purpose.clone())).collect();
    assert_eq!(rows("Slots"), public);
    assert!(public.len() <= 25, "{} public slots", public.len());
    let kinds = pack.manifest.kinds.iter().map(|(name, kind)| (format!("[[{name}]]"), kind.purpose.clone()));
    assert_eq!(rows("Contributions"), kinds.collect());
}

/// A metric is declared once, by the layer whose code emits it. `scripts/prove-monitoring` holds rules against a scrape.
#[test]
fn a_service_emits_the_metrics_that_its_layers_declare() {
    let pack = pack();
    let mut seen = BTreeSet::new();
    for (row, tree) in &CHECKED.services {
        let is_in = |layer: &&Layer| tree.layers.contains(&layer.name);
        let contributions = || pack.layers.iter().filter(is_in).flat_map(|layer| &layer.contributions);
        let declared: BTreeSet<String> =
            contributions().filter(|one| one.kind == "metric").filter_map(|one| Some(one.name()?.to_owned())).collect();
        let mut emitted = BTreeSet::new();
        let is_rust = |path: &str| path.starts_with("src/") && path.rsplit('.').next() == Some("rs");
        for (path, file) in tree.iter().filter(|(path, _)| is_rust(path.as_str())) {
            let tokens = String::from_utf8_lossy(&file.content).parse().unwrap();
            metrics_in(tokens, path.as_str(), &mut emitted);
        }
        assert_eq!(emitted, declared, "{}: emitted, and declared by [[metric]]", row.shown());
        seen.extend(declared);
    }
    assert!(seen.len() > 15, "{seen:?}");
}

/// Names of the metrics in macros of the crate `metrics`; that a series starts at 0 does not emit it.
fn metrics_in(tokens: TokenStream, path: &str, found: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        metrics_in(group.stream(), path, found);
        let [.., TokenTree::Ident(name), TokenTree::Punct(bang)] = &tokens[..at] else { continue };
        let name = name.to_string();
        if bang.as_char() != '!' || !["counter", "gauge", "histogram"].contains(&name.as_str()) {
            continue;
        }
        let first = group.stream().into_iter().next().map(|first| first.to_string()).unwrap_or_default();
        let metric = syn::parse_str::<syn::LitStr>(&first);
        let metric = metric.unwrap_or_else(|_| panic!("{path}: the name of a {name} is no literal: {group}")).value();
        let after: String = tokens[at + 1..].iter().take(3).map(ToString::to_string).collect();
        if after != ".absolute(0)" {
            found.insert(metric);
        }
    }
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
    let deployment = text("deploy/k8s/base/deployment.yaml");
    let deployment = Yaml::load_from_str(&deployment).unwrap();
    let secret = |pod: &Yaml| {
        let volumes = pod["spec"]["volumes"].as_sequence().unwrap();
        let secret = &volumes.iter().find(|volume| volume["name"].as_str() == Some("secrets")).unwrap()["secret"];
        let items = secret["items"].as_sequence().unwrap().iter();
        let items =
            items.map(|item| (item["key"].as_str().unwrap().to_owned(), item["path"].as_str().unwrap().to_owned()));
        (secret["secretName"].as_str().unwrap().to_owned(), items.collect::<BTreeMap<_, _>>())
    };
    let ((one, migrating), (other, serving)) = (secret(pod), secret(&deployment[0]["spec"]["template"]));
    // Kubernetes takes no `_` in a name.
    let name = row.blueprint.name.replace('_', "-");
    assert!([name.clone(), format!("{name}-migrate")].contains(&one) && other == name, "{one}, {other}");
    // The role that owns the schema is the Job's alone.
    assert_eq!(migrating.get("MIGRATION_DATABASE_URL").map(String::as_str), Some("DATABASE_URL"));
    assert!(!migrating.contains_key("DATABASE_URL") && !serving.contains_key("MIGRATION_DATABASE_URL"));
    assert_eq!(serving.get("DATABASE_URL").map(String::as_str), Some("DATABASE_URL"));
    for (path, file) in tree.iter().filter(|(path, _)| path.as_str().starts_with("deploy/")) {
        // The rehearsal's copy listens in its pod alone, and has no password.
        let text = String::from_utf8_lossy(&file.content).replace("postgres://postgres@127.0.0.1/", "");
        let is_secret = |line: &str| line == "kind: Secret" || line.contains("postgres://") && !line.starts_with('#');
        assert!(!text.lines().any(is_secret), "{path}");
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

/// The rows of the tables in a page of docs/, and for each the files that it links to.
fn linked(page: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    page.lines().filter(|line| line.starts_with("| ")).map(|line| {
        let links = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        (line, links.map(|(target, _)| target.split('#').next().unwrap()).collect())
    })
}

#[test]
fn values_stand_where_the_page_of_practices_says() {
    let mut compared = BTreeSet::new();
    for (row, tree) in &CHECKED.services {
        let page = str::from_utf8(&tree.get("docs/practices.md").unwrap().content).unwrap();
        for (line, links) in linked(page) {
            let cells: Vec<&str> = line.split(" | ").collect();
            // Topic, guides, here, where, why; a setting is its declaration's own.
            let (&[topic, _, here, _, _], &[path, ..]) = (&*cells, &*links) else { continue };
            let Some(file) = path.strip_prefix("../").and_then(|path| tree.get(path)) else { continue };
            let text = str::from_utf8(&file.content).unwrap();
            for value in here.split('`').skip(1).step_by(2) {
                assert!(text.contains(value), "{topic}: no {value} in {path}, for {:?}", row.blueprint.answers);
                compared.insert(value.to_owned());
            }
        }
    }
    assert!(compared.len() >= 8, "{compared:?}");
}

#[test]
fn pages_of_security_and_practices_link_to_files() {
    let mut count = 0;
    for (row, tree) in &CHECKED.services {
        // `service.toml` is the blueprint, and no file of the template.
        for page in ["docs/security.md", "docs/practices.md", "docs/operations.md"] {
            let text = str::from_utf8(&tree.get(page).unwrap().content).unwrap();
            for (line, links) in linked(text) {
                for link in links.iter().filter(|link| !link.ends_with("service.toml")) {
                    let path = link.strip_prefix("../").map_or_else(|| format!("docs/{link}"), str::to_owned);
                    assert!(tree.get(&path).is_some(), "{page}: no {path}, for {:?}\n{line}", row.blueprint.answers);
                    count += 1;
                }
            }
        }
    }
    assert!(count > 100, "{count} links");
}
