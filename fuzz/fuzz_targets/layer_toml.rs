//! Any `layer.toml` in the built-in pack: each fault has its place, and a pack with such a layer can be loaded
//! or says why not.
#![no_main]

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use new_service::blueprint;
use new_service::pack::{Files, Layer, Pack, Source};
use new_service_fuzz::{lie_inside, text};

static BUILT_IN: LazyLock<Arc<Pack>> = LazyLock::new(|| Pack::load(&Source::default_pack()).unwrap());
static MANIFEST: LazyLock<Cow<'static, [u8]>> =
    LazyLock::new(|| Source::default_pack().read().unwrap()["pack.toml"].clone());

fuzz_target!(|data: &[u8]| {
    let Some(text) = text("pack/layers/one/layer.toml", data) else { return };
    if let Err(faults) = Layer::parse("one", &text, &BUILT_IN.manifest) {
        lie_inside(&faults, &text);
        return;
    }
    let files = Files::from([
        ("pack.toml".to_owned(), MANIFEST.clone()),
        ("layers/one/layer.toml".to_owned(), Cow::Owned(data.to_vec())),
    ]);
    match Pack::from_files(&files, "pack") {
        // The tables that it brings are read where resources are judged.
        Ok(pack) => drop(blueprint::surroundings(&pack)),
        Err(faults) => lie_inside(&faults, &text),
    }
});
