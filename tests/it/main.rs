//! Every test of the generator that is not beside its code: one program, linked once. A file holds one
//! property, a folder one that takes several files.

mod access;
mod axum_layers;
mod axum_pack;
mod axum_start;
mod branches;
#[cfg(unix)]
mod completions;
#[cfg(unix)]
mod cut_off;
#[cfg(unix)]
mod embedded;
mod env_file;
mod examples;
#[cfg(unix)]
mod faults;
mod first_hour;
mod foreign_pack;
mod git_places;
mod git_rules;
mod git_sources;
mod grammar;
mod hostile;
mod house;
mod hygiene;
mod laws;
mod living;
mod living_resources;
mod map;
mod merge_and_git;
mod migrations;
mod models;
mod moves;
#[cfg(unix)]
mod new;
mod next_steps;
mod old_repos;
mod overlays;
mod package;
mod properties;
mod queries;
mod resources;
mod retention;
#[cfg(feature = "servers")]
mod schema_on_servers;
mod second_pack;
mod snapshots;
mod sqlite_facts;
mod support;
mod template;
mod wiring;
#[cfg(unix)]
mod wizard;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What is in no module is not compiled, and a test in it passes for ever.
#[test]
fn every_file_here_is_a_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut folders = vec![(root.clone(), "main.rs")];
    let mut forgotten = Vec::new();
    while let Some((folder, top)) = folders.pop() {
        let text = fs::read_to_string(folder.join(top)).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let declared: BTreeSet<String> = syn::parse_file(&text).unwrap().items.iter().filter_map(declared).collect();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let is_code = path.extension().is_some_and(|ending| ending == "rs");
            if path == folder.join(top) || !(is_code || path.join("mod.rs").exists()) {
                continue;
            }
            if !declared.contains(&module) {
                forgotten.push(path);
            } else if path.is_dir() {
                folders.push((path, "mod.rs"));
            }
        }
    }
    assert!(forgotten.is_empty(), "no `mod` line names these: {forgotten:#?}");
}

fn declared(item: &syn::Item) -> Option<String> {
    match item {
        syn::Item::Mod(module) if module.content.is_none() => Some(module.ident.to_string()),
        _ => None,
    }
}
