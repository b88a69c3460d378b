//! Any `pack.toml`, of a pack and of an overlay: each fault has its place, and what has none can be asked.
#![no_main]

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use new_service::blueprint::ServiceFile;
use new_service::cli;
use new_service::pack::{Answers, Files, Manifest, Pack, Source};
use new_service_fuzz::{lie_inside, says, service, text};

static BUILT_IN: LazyLock<Arc<Pack>> = LazyLock::new(|| Pack::load(&Source::default_pack()).unwrap());

fuzz_target!(|data: &[u8]| {
    let Some(text) = text("pack.toml", data) else { return };
    if let Err(faults) = BUILT_IN.manifest.clone().overlay(&text) {
        lie_inside(&faults, &text);
    }
    if let Err(faults) = Manifest::parse(&text) {
        lie_inside(&faults, &text);
        return;
    }
    let files = Files::from([("pack.toml".to_owned(), Cow::Owned(data.to_vec()))]);
    let Ok(pack) = Pack::from_files(&files, "pack") else { return };
    // Flags that are new-service's own are faults; whatever else there is makes a help.
    if cli::check_questions(&pack).is_ok() {
        let _ = cli::command_for(&pack).render_long_help();
    }
    if let Some(blueprint) = service(&pack, "shop", Answers::default()) {
        says(&ServiceFile::created(&blueprint, &pack).unwrap(), &blueprint, &pack);
    }
});
