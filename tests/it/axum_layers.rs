//! A layer of the built-in pack is one folder: a new one needs no other file to be edited but its question.

use new_service::blueprint::{Blueprint, Drawn, Resolver, resources};
use new_service::inspect::Inspection;
use new_service::pack::{Answer, Answers, Files, Pack, Source};
use new_service::render::{Tree, render};
use new_service::schema::Drafts;

const QUESTION: &str = r#"
[[question]]
key = "beacon"
prompt = "Beacon"
kind = "choice"
choices = [{ value = "on", help = "a heartbeat of the service" }, { value = "off", help = "no heartbeat" }]
default = "off"

[presets.embedded]"#;

const LAYER: &str = r#"
title = "Beacon"
description = "A heartbeat, kept in a table and shown on a page"
when = 'beacon == "on" and database != "none"'
requires = ["base", "database"]

[[config]]
env = "BEACON_EVERY"
kind = "duration"
default = "30s"
test = "1h"
doc = "Time between two heartbeats"

[[table]]
name = "beacon_beat"
fields = ["node:string(1..63)", "seen:datetime:index"]
plain = true

[resources]
paths = ["beacons"]
schemas = ["BeaconReport"]

[name-rules]
reserved = ["lighthouse"]

[[slot]]
name = "signs"
purpose = "rows of the table of signs"

[slots."base/justfile"]
order = 90

[[state]]
name = "beacon"
type = "crate::beacon::Beacon"
doc = "The heartbeat."
build = "crate::beacon::Beacon::new(&config, &db)"
needs = ["config", "db"]

[[config_check]]
run = "crate::beacon::check"

[[route]]
router = "crate::beacon::routes()"
tag = "beacon"
about = "Heartbeats"

[[command]]
name = "Beat"
doc = "Send one heartbeat."
run = "config().and_then(|config| crate::beacon::beat(&config))"

[[metric]]
name = "beacon_beats_total"
kind = "counter"
zero = true
help = "Heartbeats sent"

[[metric]]
name = "beacon_lag_seconds"
kind = "gauge"
unit = "seconds"
with = ["cache-redis"]
help = "Age of the last heartbeat in Redis"
"#;

const CODE: &str = r#"//! The heartbeat.

use ::metrics::counter;

/// Sends a heartbeat.
pub fn sent() {
    counter!("beacon_beats_total").increment(1);
}
"#;

/// The folder of the layer, whole.
const FOLDER: [(&str, &str); 7] = [
    ("layer.toml", LAYER),
    ("files/src/beacon.rs", CODE),
    ("files/tests/it/beacon.rs", "//! The heartbeat.\n"),
    ("files/docs/beacon.md.tera", "# Beacon\n\n| sign | meaning |\n| --- | --- |\n{= slot(\"signs\") =}\n"),
    ("slots/base/justfile.just", "\n# Send one heartbeat\nbeat:\n    cargo run --locked --quiet -- beat\n"),
    ("slots/beacon/signs.md", "| `beat` | the service is up |\n"),
    (
        "merge/openapi.json.tera",
        r#"{"paths": {"/api/v1/beacons": {"get": {"tags": ["beacon"], "summary": {= name | json =}}}}}"#,
    ),
];

/// The built-in pack, as `template export` writes it, with the layer in it.
fn files() -> Files {
    let mut files = Source::default_pack().read().unwrap();
    let manifest = String::from_utf8(files["pack.toml"].to_vec()).unwrap();
    files.insert("pack.toml".into(), manifest.replacen("\n[presets.embedded]", QUESTION, 1).into_bytes().into());
    for (path, text) in FOLDER {
        files.insert(format!("layers/observe/beacon/{path}"), text.as_bytes().to_vec().into());
    }
    files
}

fn service(pack: &Pack, answers: &[(&str, &str)]) -> Tree {
    let mut given = Answers::default();
    for (key, value) in answers {
        given.insert(key, Answer::Text((*value).to_owned()));
    }
    let answers = Resolver::new(pack, "shop", given).unwrap().complete().unwrap();
    let blueprint = Blueprint { name: "shop".into(), answers, resources: Vec::new(), drawn: Drawn::at(1_767_225_600) };
    render(&blueprint, pack).unwrap_or_else(|faults| panic!("{faults}"))
}

fn text<'a>(tree: &'a Tree, path: &str) -> &'a str {
    let file = tree.get(path).unwrap_or_else(|| panic!("no {path}"));
    std::str::from_utf8(&file.content).unwrap()
}

#[test]
fn a_new_layer_is_a_folder_and_a_question() {
    let files = files();
    let pack = Pack::from_files(&files, "pack").unwrap_or_else(|faults| panic!("{faults}"));
    let tree = service(&pack, &[("beacon", "on"), ("database", "postgres")]);
    for (path, words) in [
        ("src/lib.rs", "pub mod beacon;\n"),
        ("tests/it/main.rs", "mod beacon;\n"),
        ("src/state.rs", "    /// The heartbeat.\n    pub beacon: crate::beacon::Beacon,\n"),
        ("src/state.rs", "        let beacon = crate::beacon::Beacon::new(&config, &db);\n"),
        ("src/state.rs", "            beacon,\n"),
        ("src/state.rs", "    crate::beacon::check,\n"),
        ("src/app.rs", "        .merge(crate::beacon::routes())\n"),
        ("src/http/openapi.rs", "(name = \"beacon\", description = \"Heartbeats\"),\n"),
        ("src/cli.rs", "    /// Send one heartbeat.\n    Beat,\n"),
        ("src/cli.rs", "Command::Beat => config().and_then(|config| crate::beacon::beat(&config)),\n"),
        ("src/telemetry/metrics.rs", "describe_counter!(\"beacon_beats_total\", \"Heartbeats sent\");\n"),
        ("src/telemetry/metrics.rs", "counter!(\"beacon_beats_total\").absolute(0);\n"),
        ("docs/runbook.md", "| `beacon_beats_total` | Heartbeats sent |\n"),
        ("docs/configuration.md", "`BEACON_EVERY`"),
        ("docs/beacon.md", "| --- | --- |\n| `beat` | the service is up |\n"),
        ("tests/it/support/mod.rs", "(\"BEACON_EVERY\", \"1h\"),\n"),
        ("justfile", "beat:\n"),
        ("openapi.json", "\"/api/v1/beacons\": {\n"),
        ("openapi.json", "\"name\": \"beacon\",\n"),
    ] {
        assert!(text(&tree, path).contains(words), "{path} has no {words:?}:\n{}", text(&tree, path));
    }
    assert!(tree.iter().any(|(path, _)| path.as_str().ends_with("_create_beacon_beats.up.sql")), "its table");
    assert!(!text(&tree, "docs/runbook.md").contains("beacon_lag_seconds"), "with Redis alone");
    let redis = service(&pack, &[("beacon", "on"), ("database", "postgres"), ("cache", "redis")]);
    assert!(
        text(&redis, "docs/runbook.md").contains("| `beacon_lag_seconds` | Age of the last heartbeat in Redis |\n")
    );

    for (answers, without) in [(&[][..], "default"), (&[("beacon", "on"), ("database", "none")], "no database")] {
        let tree = service(&pack, answers);
        let names = tree.iter().filter(|(_, file)| String::from_utf8_lossy(&file.content).contains("eacon"));
        assert_eq!(names.map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [""; 0], "{without}");
    }
}

/// CONTRIBUTING's example, done as it says: each block under its heading goes into the file that the text before it
/// names last.
#[test]
fn the_layer_that_contributing_adds_is_complete() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/CONTRIBUTING.md")).unwrap();
    let section = page.split("\n## Add a layer\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut parts = section.split("```");
    let mut blocks = Vec::new();
    while let (Some(text), Some(block)) = (parts.next(), parts.next()) {
        let path =
            text.split('`').skip(1).step_by(2).filter(|code| code.contains('/') || code.ends_with("_toml")).last();
        let (language, block) = block.split_once('\n').unwrap();
        blocks.push((path.map(str::to_owned), language.to_owned(), block.to_owned()));
    }
    let mut files = Source::default_pack().read().unwrap();
    let folder = "layers/deploy/openrc";
    let mut insert = |path: String, text: String| drop(files.insert(path, text.into_bytes().into()));
    let (mut question, mut rows) = (String::new(), Vec::new());
    for (path, language, block) in blocks.into_iter().filter(|(_, language, _)| language != "sh") {
        match path.as_deref() {
            Some("templates/axum/pack.toml") => question = block,
            Some("templates/axum/layers/deploy/openrc/layer.toml") => insert(format!("{folder}/layer.toml"), block),
            Some("templates/axum/README.md") | None => rows.push(block),
            Some(path) => insert(format!("{folder}/{path}"), block),
        }
        assert!(["toml", "ini", "markdown"].contains(&language.as_str()), "{language}");
    }
    assert_eq!(rows.len(), 2, "{rows:?}");
    let manifest = String::from_utf8(files["pack.toml"].to_vec()).unwrap();
    let manifest = manifest.replacen("[presets.embedded]", &format!("{question}\n[presets.embedded]"), 1);
    files.insert("pack.toml".into(), manifest.into_bytes().into());
    let pack = Pack::from_files(&files, "pack").unwrap_or_else(|faults| panic!("{faults}"));

    let found = Inspection::of(&files, Ok(pack.clone())).findings;
    assert_eq!(found.iter().map(|finding| finding.fault.to_string()).collect::<Vec<_>>(), [""; 0]);
    let tree = service(&pack, &[("init", "openrc")]);
    let script = text(&tree, "deploy/openrc/shop");
    assert!(script.contains("command=/usr/local/bin/shop\n") && script.contains("retry=TERM/40\n"), "{script}");
    assert!(text(&tree, "README.md").contains("\n### OpenRC\n\nCopy the binary to"), "{}", text(&tree, "README.md"));
    assert!(service(&pack, &[]).get("deploy/openrc/shop").is_none());
    let choices = pack.manifest.question("init").unwrap().choices.iter().map(|choice| choice.value.as_str());
    for word in choices {
        assert!(rows[0].contains(&format!("`{word}`")), "{}", rows[0]);
    }
    assert!(rows[1].starts_with("| `openrc` | `init == \"openrc\"` | "), "{}", rows[1]);
}

#[test]
fn a_new_layer_reserves_names_and_is_checked_with_the_rest() {
    let files = files();
    let pack = Pack::from_files(&files, "pack").unwrap();
    assert!(pack.manifest.name_rules.check("lighthouse").is_err());
    let refused = |spec: &str| {
        let mut drafts = Drafts::default();
        drafts.flag(1, spec);
        resources(drafts, &pack).unwrap_err().to_string()
    };
    for (spec, words) in [
        ("beacon note:text", "beacons"),
        ("beacon_report note:text", "BeaconReport"),
        ("beacon_beat note:text", "beacon_beat"),
    ] {
        assert!(refused(spec).contains(words), "{spec}: {}", refused(spec));
    }

    let found = Inspection::of(&files, Ok(pack)).findings;
    assert_eq!(found.iter().map(|finding| finding.fault.to_string()).collect::<Vec<_>>(), [""; 0]);

    // Without its folder and its question, the pack is what it was.
    let before = Source::default_pack().read().unwrap();
    let mut after = files;
    after.retain(|path, _| !path.starts_with("layers/observe/beacon/"));
    let manifest = String::from_utf8(after["pack.toml"].to_vec()).unwrap();
    after.insert("pack.toml".into(), manifest.replacen(QUESTION, "\n[presets.embedded]", 1).into_bytes().into());
    assert_eq!(after, before);
}
