//! `bless`: what the snapshots hold is what this source generates.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use new_service::blueprint::{self, Blueprint, Drawn, Resolver};
use new_service::evolve::Plan;
use new_service::evolve::create;
use new_service::pack::{Pack, Source, Text};

/// Snapshots do not age: they were all drawn at 2026-01-01T00:00:00Z.
const MOMENT: u64 = 1_767_225_600;

pub fn run() -> anyhow::Result<()> {
    // From the folder, not from what is embedded: a template may have changed since the build.
    let pack = Pack::load(&Source::Folder(crate::root().join("templates/axum")))?;
    for entry in fs::read_dir(crate::root().join("snapshots"))? {
        let folder = entry?.path();
        if folder.is_dir() {
            bless(&folder, &pack).with_context(|| folder.display().to_string())?;
        }
    }
    Ok(())
}

fn bless(folder: &Path, pack: &Pack) -> anyhow::Result<()> {
    let path = folder.join(blueprint::FILE_NAME);
    let given = blueprint::read(&Text::new(path.display().to_string(), fs::read_to_string(&path)?), pack)?;
    let name = given.name.context("a snapshot's service.toml has a name")?;
    let resources = blueprint::resources(given.resources, pack)?;
    let answers = Resolver::new(pack, &name, given.answers)?.complete()?;
    let plan = Plan::create(&Blueprint { name, answers, resources, drawn: Drawn::at(MOMENT) }, pack)?;
    if let Some(why) = &plan.unformatted {
        anyhow::bail!("{why}");
    }
    fs::remove_dir_all(folder)?;
    create::create(&plan, folder, &mut |_| Ok(()))?;
    println!("{}: {} files", folder.display(), plan.entries.len());
    Ok(())
}
