//! `snapshots/` holds whole generated repositories, byte for byte. `cargo xtask bless` renews them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use new_service::blueprint::{self, Blueprint, Drawn, Resolver};
use new_service::evolve::Plan;
use new_service::pack::{Pack, Source, Text};

/// When all snapshots were drawn, as `cargo xtask bless` has it: 2026-01-01T00:00:00Z.
const MOMENT: u64 = 1_767_225_600;

fn snapshots() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.is_dir()).collect()
}

/// What git would track: everything but build output.
fn files_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let walk = walkdir::WalkDir::new(root).into_iter().filter_entry(|entry| entry.file_name() != "target");
    walk.map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            (path, fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn plan(root: &Path, pack: &Pack) -> Plan {
    let text = fs::read_to_string(root.join(blueprint::FILE_NAME)).unwrap();
    let given = blueprint::read(&Text::new("service.toml", text), pack).unwrap();
    let name = given.name.unwrap();
    let resources = blueprint::resources(given.resources, pack).unwrap();
    let answers = Resolver::new(pack, &name, given.answers).unwrap().complete().unwrap();
    Plan::create(&Blueprint { name, answers, resources, drawn: Drawn::at(MOMENT) }, pack).unwrap()
}

#[test]
fn what_is_generated_is_what_the_snapshots_hold() {
    let pack = Pack::load(&Source::default_pack()).unwrap();
    let found = snapshots();
    assert!(!found.is_empty(), "there are snapshots");
    for root in found {
        let plan = plan(&root, &pack);
        assert_eq!(plan.unformatted, None, "rustfmt is part of the toolchain");
        let mut held = files_below(&root);
        for entry in &plan.entries {
            let held = held.remove(entry.path.as_str());
            let same = held.is_some_and(|held| held == entry.content);
            assert!(same, "{}/{}: differs; `cargo xtask bless` and read the diff", root.display(), entry.path);
        }
        assert!(held.is_empty(), "{}: not generated any more: {:?}", root.display(), held.keys());
    }
}

/// The pack's Rust is canonical as it stands, so rustfmt is a safety net and not a crutch.
#[test]
fn rustfmt_has_nothing_to_do_with_an_ordinary_name() {
    let pack = Pack::load(&Source::default_pack()).unwrap();
    let mut changed = BTreeSet::new();
    for root in snapshots() {
        let text = fs::read_to_string(root.join(".new-service/lock")).unwrap();
        for line in text.lines().filter(|line| line.starts_with("file ") && line.contains(" merge ")) {
            let words: Vec<&str> = line.split(' ').collect();
            let (path, hash, layer) = (words[1], words[4], words[5]);
            // Nobody has seen what a person's resource makes of a line.
            if pack.layers.iter().any(|known| known.name == layer && known.for_each.is_some()) {
                continue;
            }
            // Where layers meet, or resources are named, no author has seen the whole.
            let template = format!("templates/axum/layers/{layer}/files/{path}.tera");
            let template = Path::new(env!("CARGO_MANIFEST_DIR")).join(template);
            let open = |text: String| {
                ["slot(\"", "{= resource.", "for setting in config"].iter().any(|part| text.contains(part))
            };
            if fs::read_to_string(template).is_ok_and(open) {
                continue;
            }
            let raw = fs::read(root.join(".new-service/base").join(hash)).unwrap();
            if raw != fs::read(root.join(path)).unwrap() {
                changed.insert(format!("{layer}: {path}"));
            }
        }
    }
    assert!(changed.is_empty(), "rustfmt changed these; format their templates: {changed:#?}");
}
