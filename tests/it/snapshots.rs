//! `snapshots/` holds whole generated repositories, byte for byte but for their merge bases. `cargo xtask bless`
//! renews them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use new_service::blueprint::FILE_NAME;
use new_service::evolve::{Lock, Plan};
use new_service::pack::{Pack, Policy, Source};
use new_service::render::render;
use sha2::{Digest as _, Sha256};

use crate::support::{blueprint_of, blueprints, names_in};

const BASES: &str = ".new-service/base/";

/// Lines of all snapshots but of their `Cargo.lock` and `openapi.json`: who reviews a change reads its part of them.
const MOST_LINES: usize = 65_500;

fn pack() -> Arc<Pack> {
    Pack::load(&Source::default_pack()).unwrap()
}

fn snapshots() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    names_in(&folder).into_iter().map(|name| folder.join(name)).filter(|path| path.is_dir()).collect()
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

#[test]
fn what_is_generated_is_what_the_snapshots_hold() {
    let pack = pack();
    let found = snapshots();
    assert_eq!(found.len(), 2, "{found:?}");
    let mut lines = 0;
    for root in found {
        let plan = Plan::create(&blueprint_of(&root.join(FILE_NAME), &pack), &pack).unwrap();
        assert_eq!(plan.unformatted, None, "rustfmt is part of the toolchain");
        let mut held = files_below(&root);
        for (path, content) in &held {
            if !["Cargo.lock", "openapi.json"].contains(&path.as_str()) {
                lines += String::from_utf8_lossy(content).lines().count();
            }
        }
        for entry in plan.entries.iter().filter(|entry| !entry.path.as_str().starts_with(BASES)) {
            let held = held.remove(entry.path.as_str());
            let same = held.is_some_and(|held| held == entry.content);
            assert!(same, "{}/{}: differs; `cargo xtask bless` and read the diff", root.display(), entry.path);
        }
        assert!(held.is_empty(), "{}: not generated any more: {:?}", root.display(), held.keys());
    }
    assert!(lines <= MOST_LINES, "{lines} lines");
}

/// The base of a file is what the template makes of it, before rustfmt: so the snapshots need not hold it.
#[test]
fn a_base_is_the_file_as_it_is_rendered() {
    let pack = pack();
    for (name, blueprint) in blueprints(&pack) {
        let tree = render(&blueprint, &pack).unwrap();
        let plan = Plan::create(&blueprint, &pack).unwrap();
        let lock = plan.get(".new-service/lock").unwrap();
        let lock = Lock::parse(std::str::from_utf8(&lock.content).unwrap()).unwrap();
        let mut bases: BTreeMap<String, &[u8]> = plan
            .entries
            .iter()
            .filter_map(|entry| Some((entry.path.as_str().strip_prefix(BASES)?.to_owned(), &*entry.content)))
            .collect();
        let mut used = BTreeSet::new();
        assert_eq!(lock.files.keys().collect::<Vec<_>>(), tree.iter().map(|(path, _)| path).collect::<Vec<_>>());
        for (path, locked) in &lock.files {
            let rendered = &tree.get(path.as_str()).unwrap().content;
            let hash = Sha256::digest(rendered).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            assert_eq!(locked.hash, hash, "{name}: {path}");
            if locked.policy == Policy::Merge {
                assert_eq!(bases.get(&hash).copied(), Some(&**rendered), "{name}: {path}");
                used.insert(hash);
            }
        }
        bases.retain(|hash, _| !used.contains(hash));
        assert!(bases.is_empty(), "{name}: the base of nothing: {:?}", bases.keys());
    }
}

/// The pack's Rust is canonical as it stands, so rustfmt is a safety net and not a crutch.
#[test]
fn rustfmt_has_nothing_to_do_with_an_ordinary_name() {
    let pack = pack();
    let mut changed = BTreeSet::new();
    for (_, blueprint) in blueprints(&pack) {
        let tree = render(&blueprint, &pack).unwrap();
        let plan = Plan::create(&blueprint, &pack).unwrap();
        for (path, file) in tree.iter().filter(|(_, file)| file.policy == Policy::Merge) {
            // Nobody has seen what a person's resource makes of a line.
            if pack.layers.iter().any(|known| known.name == file.layer && known.for_each.is_some()) {
                continue;
            }
            // Where layers meet, or resources are named, no author has seen the whole.
            let source = file.source.strip_prefix(&pack.shown("")).unwrap_or_else(|| panic!("{}", file.source));
            let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/axum").join(source);
            let text = String::from_utf8(fs::read(template).unwrap()).unwrap_or_default();
            if ["slot(\"", "modules(\"", "contributions.", "{= resource.", "for setting in config"]
                .iter()
                .any(|part| text.contains(part))
            {
                continue;
            }
            if plan.get(path.as_str()).unwrap().content != file.content {
                changed.insert(format!("{}: {path}", file.layer));
            }
        }
    }
    assert!(changed.is_empty(), "rustfmt changed these; format their templates: {changed:#?}");
}
