//! Any `service.toml`: each fault has its place; what is read, written and read again says the same; and what
//! is changed in place says what it was changed to.
#![no_main]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use new_service::blueprint::{self, ServiceFile};
use new_service::pack::{Pack, Source, Text};
use new_service_fuzz::{lie_inside, says, service, text};

/// One with resources; one that has questions of each kind.
static PACKS: LazyLock<[Arc<Pack>; 2]> = LazyLock::new(|| {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/python-tool");
    [Source::default_pack(), Source::Folder(tool.into())].map(|source| Pack::load(&source).unwrap())
});

fuzz_target!(|data: &[u8]| {
    let Some(text) = text(blueprint::FILE_NAME, data) else { return };
    if let Ok(file) = ServiceFile::parse(text.clone()) {
        let _ = file.template(Path::new("/nowhere"), None, false);
    }
    for pack in &*PACKS {
        hold(&text, pack);
    }
});

fn hold(text: &Text, pack: &Pack) {
    let file = match ServiceFile::parse(text.clone()) {
        Ok(file) => file,
        Err(faults) => return lie_inside(&faults, text),
    };
    let _ = file.read_older(pack);
    let given = match file.read(pack) {
        Ok(given) => given,
        Err(faults) => return lie_inside(&faults, text),
    };
    let resources = match blueprint::resources(given.resources, pack) {
        Ok(resources) => resources,
        Err(faults) => return lie_inside(&faults, text),
    };
    let Some(mut blueprint) = given.name.and_then(|name| service(pack, &name, given.answers)) else { return };
    blueprint.resources = resources;
    says(&ServiceFile::created(&blueprint, pack).unwrap(), &blueprint, pack);
    let edit = |text: &Text| ServiceFile::parse(text.clone()).unwrap().edited(&blueprint, pack).unwrap();
    let edited = edit(text);
    says(&edited, &blueprint, pack);
    assert_eq!(edit(&Text::new(blueprint::FILE_NAME, edited.as_str())), edited, "twice is once");
}
