//! One file a verb. Commands and `report` print; what they call returns data.

mod catalog;
mod new;

use std::ffi::OsString;

use crate::cli::{self, Verb};
use crate::fault::{Fault, Stop, did_you_mean};
use crate::pack::{Pack, Source};
use crate::report;

/// Runs the command line `arguments` (without the program's name).
pub fn run(arguments: &[OsString]) -> anyhow::Result<()> {
    let source = match cli::template_argument(arguments)? {
        Some(text) => Source::parse(&text).map_err(Stop::usage)?,
        None => Source::default_pack(),
    };
    let pack = Pack::load(&source)?;
    let request = cli::parse(arguments, &pack)?;
    match &request.verb {
        Verb::New(new) => new::run(new, &request.flags, &pack),
        Verb::Catalog(catalog) => catalog::run(catalog, &pack),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli::command(&pack)?, "new-service", &mut script);
            report::out(&String::from_utf8_lossy(&script))
        }
        Verb::Man { verb } => {
            let mut page = Vec::new();
            clap_mangen::Man::new(manual_of(verb.as_deref(), cli::command(&pack)?)?).render(&mut page)?;
            report::out(&String::from_utf8_lossy(&page))
        }
    }
}

/// The command that a manual page is for: the whole, or one verb of it.
fn manual_of(verb: Option<&str>, mut command: clap::Command) -> Result<clap::Command, Stop> {
    command.build();
    let Some(verb) = verb else { return Ok(command) };
    let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    command.find_subcommand(verb).cloned().ok_or_else(|| {
        let fault = Fault::new(format!("no verb \"{verb}\"{}", did_you_mean(verb, verbs.iter().copied())));
        Stop::usage(fault.help(format!("there are: {}", verbs.join(", "))))
    })
}
