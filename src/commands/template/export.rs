//! `template export`: a pack, or the folders of layers, as files to change.

use std::collections::BTreeSet;

use super::End;
use crate::cli::ExportArgs;
use crate::evolve::{Plan, create};
use crate::fault::{Fault, Faults, Stop, did_you_mean};
use crate::pack::{Files, Source, layer_name, shown};
use crate::render::TreePath;
use crate::report;
use crate::template::sh;

pub fn run(arguments: &ExportArgs, source: &Source) -> anyhow::Result<End> {
    let files = source.read()?;
    let plan = plan(&files, &arguments.layer)?;
    create::create(&plan, &arguments.dir, &mut |_| Ok(()))?;
    let dir = arguments.dir.display();
    let word = sh(&arguments.dir.to_string_lossy());
    report::say(&format!("{} files of {} are in {dir}", plan.entries.len(), source.label()));
    report::say("\nNext:");
    if arguments.layer.is_empty() {
        report::say(&format!("  new-service template check {word}"));
        report::say(&format!("  new-service new shop --template {word}"));
    } else {
        report::say("  delete what you do not change: the template's own stands then");
        report::say(&format!("  new-service new shop --overlay {word}"));
    }
    Ok(End::Done)
}

/// All files of the pack, or those of the layers that are named.
fn plan(files: &Files, layers: &[String]) -> Result<Plan, Stop> {
    let names: BTreeSet<&str> = files.keys().filter_map(|path| layer_name(path)).collect();
    let mut faults = Faults::default();
    for layer in layers.iter().filter(|layer| !names.contains(layer.as_str())) {
        let near = did_you_mean(layer, names.iter().copied());
        let fault = Fault::new(format!("--layer {}: the template has no such layer{near}", shown(layer)));
        faults.push(fault.help(format!("there are: {}", names.iter().copied().collect::<Vec<_>>().join(", "))));
    }
    let wanted =
        |path: &str| layers.is_empty() || layer_name(path).is_some_and(|name| layers.iter().any(|l| l == name));
    let mut chosen = Vec::new();
    for (path, content) in files.iter().filter(|(path, _)| wanted(path)) {
        match TreePath::new(path) {
            Ok(place) => chosen.push((place, content.to_vec())),
            Err(why) => faults.push(Fault::new(format!("{}: may not be written: {why}", shown(path)))),
        }
    }
    faults.or(Plan::copy(chosen)).map_err(Stop::Usage)
}
