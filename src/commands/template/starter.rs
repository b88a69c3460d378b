//! `template new`: a small pack to begin with.

use std::borrow::Cow;

use toml_edit::DocumentMut;

use super::End;
use crate::cli::NewTemplateArgs;
use crate::evolve::{Plan, create};
use crate::fault::{Fault, Faults, Stop};
use crate::pack::{check_plain, embedded, shown};
use crate::render::TreePath;
use crate::report;
use crate::template::sh;

/// A pack by itself, and commented, so that who reads it knows how to go on.
static STARTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/starter.lz4"));

pub fn run(arguments: &NewTemplateArgs) -> anyhow::Result<End> {
    let name = name_of(arguments).map_err(Stop::usage)?;
    let plan = Plan::copy(files(&name).map_err(Faults::from)?);
    create::create(&plan, &arguments.dir, &mut |_| Ok(()))?;
    let word = sh(&arguments.dir.to_string_lossy());
    report::say(&format!("Created the template {name} in {}: {} files", arguments.dir.display(), plan.entries.len()));
    report::say("\nNext:");
    report::say(&format!("  new-service template check {word} --build"));
    report::say(&format!("  new-service new shop --template {word}"));
    Ok(End::Done)
}

fn name_of(arguments: &NewTemplateArgs) -> Result<String, Fault> {
    let from_folder = || {
        let dir = std::path::absolute(&arguments.dir).ok()?;
        Some(dir.file_name()?.to_string_lossy().into_owned())
    };
    let name = arguments.name.clone().or_else(from_folder).unwrap_or_default();
    let refused = |why: &str| {
        let fault = Fault::new(format!("the name \"{}\" cannot be used: {why}", shown(&name)));
        fault.help("give another with --name")
    };
    check_plain(&name).map_err(|why| refused(&why))?;
    if name.trim().is_empty() { Err(refused("it is empty")) } else { Ok(name) }
}

fn files(name: &str) -> Result<Vec<(TreePath, Vec<u8>)>, Fault> {
    let file = |(path, content): (String, Cow<[u8]>)| {
        let content = match path.as_str() {
            "pack.toml" => named(&String::from_utf8_lossy(&content), name)?.into_bytes(),
            _ => content.into_owned(),
        };
        Ok((TreePath::new(&path).map_err(Fault::new)?, content))
    };
    embedded::unpack(STARTER).into_iter().map(file).collect()
}

/// The pack.toml with another name.
fn named(text: &str, name: &str) -> Result<String, Fault> {
    let mut document: DocumentMut = text.parse().map_err(|error| Fault::new(format!("pack.toml: {error}")))?;
    if let Some(value) = document.get_mut("name").and_then(|item| item.as_value_mut()) {
        let decor = value.decor().clone();
        *value = name.into();
        *value.decor_mut() = decor;
    }
    Ok(document.to_string())
}
