//! What is checked, or watched: a template in a folder, or an overlay in one with the template that it lies over.

use std::path::Path;
use std::sync::Arc;

use crate::fault::{Fault, Faults, Stop};
use crate::pack::{Files, Pack, Source, Sources, visible};

/// A folder that somebody writes in.
pub struct Subject {
    folder: Source,
    /// What it makes together with what is around it; the folder is a part of it.
    sources: Sources,
}

impl Subject {
    /// `around` is what the command line names: the template (`named`, or the default) that an overlay in `dir` lies
    /// over, and overlays, which lie over a template in `dir` and below an overlay.
    pub fn of(dir: &Path, named: bool, around: &Sources) -> Result<Self, Stop> {
        if !dir.is_dir() {
            let fault = Fault::new(format!("{}: no such folder", visible(&dir.display().to_string())));
            let help = "a template is a folder with a pack.toml; `template new DIR` begins one";
            return Err(Stop::usage(fault.help(help)));
        }
        let folder = Source::Folder(dir.to_owned());
        let mut sources = around.clone();
        // What cannot be read is told by who reads it.
        if folder.read().is_ok_and(|files| is_overlay(&files)) {
            sources.overlays.push(folder.clone().into());
        } else if named {
            let message = format!("--template: {} is a template itself", visible(&dir.display().to_string()));
            return Err(Stop::usage(Fault::new(message).help("leave --template out; an overlay would lie over it")));
        } else {
            sources.template = folder.clone().into();
        }
        Ok(Self { folder, sources })
    }

    /// The files of the folder.
    pub fn files(&self) -> Result<Files, Faults> {
        self.folder.read()
    }

    /// The whole template.
    pub fn pack(&self) -> Result<Arc<Pack>, Faults> {
        crate::commands::load(&self.sources)
    }
}

/// Whether these are of a folder that lies over a template: a template says what it is called.
fn is_overlay(files: &Files) -> bool {
    let Some(manifest) = files.get("pack.toml") else {
        return files.keys().any(|path| path.starts_with("layers/") || path.starts_with("partials/"));
    };
    let table = std::str::from_utf8(manifest).ok().and_then(|text| text.parse::<toml::Table>().ok());
    table.is_some_and(|table| !["name", "version", "edition"].iter().any(|key| table.contains_key(*key)))
}
