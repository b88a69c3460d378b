//! `template`: the tools of who writes a template.

mod check;
mod export;
mod starter;
pub mod watch;

use super::End;
use crate::cli::TemplateVerb;
use crate::fault::{Fault, Stop};
use crate::pack::Source;

/// `named` is the value of `--template`, and `source` what it stands for.
pub fn run(verb: &TemplateVerb, named: Option<&str>, source: &Source) -> anyhow::Result<End> {
    match (verb, named) {
        (TemplateVerb::Export(export), _) => export::run(export, source),
        (_, Some(_)) => {
            let fault = Fault::new("--template: this verb is about the folder that it is given");
            Err(Stop::usage(fault.help("leave --template out; `template export` alone takes it")).into())
        }
        (TemplateVerb::New(new), None) => starter::run(new),
        (TemplateVerb::Check(check), None) => check::run(check),
        (TemplateVerb::Watch(watch), None) => watch::run(watch),
    }
}
