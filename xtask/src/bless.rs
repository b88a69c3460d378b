//! `bless`: what the snapshots hold is what this source generates, but for the merge bases.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use new_service::blueprint::{self, Blueprint, Drawn, Resolver};
use new_service::evolve::Plan;
use new_service::evolve::create;
use new_service::pack::{Pack, Source, Text};

/// Snapshots do not age: they were all drawn at 2026-01-01T00:00:00Z.
const MOMENT: u64 = 1_767_225_600;

/// What a snapshot leaves out of a repository.
const BASES: &str = ".new-service/base";

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

fn bless(folder: &Path, pack: &Arc<Pack>) -> anyhow::Result<()> {
    let path = folder.join(blueprint::FILE_NAME);
    let blueprint = read(&Text::new(path.display().to_string(), fs::read_to_string(&path)?), pack)?;
    let plan = Plan::create(&blueprint, pack)?;
    if let Some(why) = &plan.unformatted {
        anyhow::bail!("{why}");
    }
    fs::remove_dir_all(folder)?;
    create::create(&plan, folder, &mut |_| Ok(()))?;
    // The merge bases would be half of it, and say again what the template says: a test proves them.
    fs::remove_dir_all(folder.join(BASES))?;
    println!("{}: {} files", folder.display(), plan.entries.len());
    Ok(())
}

/// The service of a `service.toml`.
pub fn read(text: &Text, pack: &Pack) -> anyhow::Result<Blueprint> {
    let given = blueprint::read(text, pack)?;
    let name = given.name.context("a service.toml of ours has a name")?;
    let resources = blueprint::resources(given.resources, pack)?;
    let answers = Resolver::new(pack, &name, given.answers)?.complete()?;
    Ok(Blueprint { name, answers, resources, drawn: Drawn::at(MOMENT) })
}
