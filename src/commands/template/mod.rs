//! `template`: the tools of who writes a template.

mod check;
mod export;
mod starter;
mod subject;
pub mod watch;

pub use subject::Subject;

use super::End;
use crate::cli::{SourceArgs, TemplateVerb};
use crate::fault::{Fault, Stop};

pub fn run(verb: &TemplateVerb, arguments: &SourceArgs) -> anyhow::Result<End> {
    let sources = &super::named(arguments)?;
    let named = arguments.template.is_some();
    let laid = !sources.overlays.is_empty();
    match verb {
        TemplateVerb::Export(export) => {
            refuse(laid, "--overlay: what is copied out is the template alone", "copy the overlay's own folder")?;
            export::run(export, &sources.template.source)
        }
        TemplateVerb::New(new) => {
            refuse(named, "--template: a new template is made of no other", "`template export` copies one out")?;
            refuse(laid, "--overlay: a new template has none", "leave it out")?;
            starter::run(new)
        }
        TemplateVerb::Check(check) => check::run(check, &Subject::of(&check.dir, named, sources)?),
        TemplateVerb::Watch(watch) => watch::run(watch, Subject::of(&watch.dir, named, sources)?),
    }
}

fn refuse(given: bool, why: &str, help: &str) -> Result<(), Stop> {
    if given { Err(Stop::usage(Fault::new(why).help(help))) } else { Ok(()) }
}
