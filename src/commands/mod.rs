//! One file a verb. Commands and `report` print; what they call returns data.

mod catalog;
mod change;
mod complete;
mod manual;
mod new;
mod target;
pub mod template;

use std::ffi::OsString;
use std::sync::Arc;

use crate::cli::{self, Line, PlainVerb, SourceArgs};
use crate::fault::Faults;
use crate::pack::{Pack, Source, Sources};
use crate::{limits, report};

pub use complete::complete;

/// How a command that did not fail has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    /// Files are left with conflicts.
    Conflicts,
    /// A check found something.
    Found,
}

impl End {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Conflicts => 3,
            Self::Found => 4,
        }
    }
}

/// Runs the command line `arguments` (without the program's name). A template is read by the verbs that need one.
pub fn run(arguments: &[OsString]) -> anyhow::Result<End> {
    let (sources, verb) = match cli::read(arguments)? {
        Line::New(line) => {
            limits::set(line.sources.limits()?);
            return new::run(&line).map(|()| End::Done);
        }
        Line::Plain(sources, verb) => (sources, verb),
    };
    limits::set(sources.limits()?);
    match &verb {
        PlainVerb::Change(change) => return change::run(change, &sources),
        PlainVerb::Template(template) => return template::run(&template.verb, &sources),
        PlainVerb::Catalog(catalog) => catalog::run(catalog, &sources),
        PlainVerb::Completions { shell } => report::out(&cli::complete::script(*shell)?),
        PlainVerb::Man { verb } => manual::man(verb, &sources),
        PlainVerb::Help { verb } => manual::help(verb, &sources),
    }?;
    Ok(End::Done)
}

/// Reads a template, whose questions have to be flags as well.
fn load(sources: &Sources) -> Result<Arc<Pack>, Faults> {
    let pack = Pack::load_all(sources)?;
    cli::check_questions(&pack)?;
    Ok(pack)
}

/// What the command line names: a template, or the one for a new service, with its overlays.
fn named(sources: &SourceArgs) -> anyhow::Result<Sources> {
    let template = sources.template()?.unwrap_or_else(Source::default_pack);
    Ok(Sources { template: template.into(), overlays: sources.overlays()? })
}
