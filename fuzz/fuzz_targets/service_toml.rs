//! Any `service.toml`: each fault has its place; what is read, written and read again says the same; and what
//! is changed in place says what it was changed to.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use new_service::blueprint;
use new_service::pack::{Pack, Source, Text};
use new_service_fuzz::{lie_inside, says, service, text};

/// One with resources; one that has questions of each kind.
static PACKS: LazyLock<[Pack; 2]> = LazyLock::new(|| {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/python-tool");
    [Source::default_pack(), Source::Folder(tool.into())].map(|source| Pack::load(&source).unwrap())
});

fuzz_target!(|data: &[u8]| {
    let Some(text) = text(blueprint::FILE_NAME, data) else { return };
    let _ = blueprint::made_of(&text, Path::new("/nowhere"), None, false);
    for pack in &*PACKS {
        hold(&text, pack);
    }
});

fn hold(text: &Text, pack: &Pack) {
    let _ = blueprint::read_older(text, pack);
    let given = match blueprint::read(text, pack) {
        Ok(given) => given,
        Err(faults) => return lie_inside(&faults, text),
    };
    let resources = match blueprint::resources(given.resources, pack) {
        Ok(resources) => resources,
        Err(faults) => return lie_inside(&faults, text),
    };
    let Some(mut blueprint) = given.name.and_then(|name| service(pack, &name, given.answers)) else { return };
    blueprint.resources = resources;
    says(&blueprint::write(&blueprint, pack).unwrap(), &blueprint, pack);
    let edit = |text: &Text| blueprint::edit(text, &blueprint, pack).unwrap();
    let edited = edit(text);
    says(&edited, &blueprint, pack);
    assert_eq!(edit(&Text::new(blueprint::FILE_NAME, edited.as_str())), edited, "twice is once");
}
