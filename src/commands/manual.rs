//! `man` and `help`: the manual page and the help of a verb.

use super::{load, named};
use crate::cli::{self, SourceArgs};
use crate::fault::{Fault, Stop, did_you_mean};
use crate::report;

/// Prints the manual page of a verb, or of the whole.
pub fn man(verbs: &[String], sources: &SourceArgs) -> anyhow::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command_of(verbs, sources)?).render(&mut page)?;
    report::out(&String::from_utf8_lossy(&page))
}

/// Prints the help of a verb, or of the whole.
pub fn help(verbs: &[String], sources: &SourceArgs) -> anyhow::Result<()> {
    command_of(verbs, sources)?.print_long_help()?;
    Ok(())
}

/// The whole command, or one verb of it, or of that.
fn command_of(verbs: &[String], sources: &SourceArgs) -> anyhow::Result<clap::Command> {
    let mut command = cli::command_for(&*load(&named(sources)?)?);
    command.build();
    for verb in verbs {
        let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        let Some(found) = command.find_subcommand(verb) else {
            let fault = Fault::new(format!("no verb \"{verb}\"{}", did_you_mean(verb, known.iter().copied())));
            return Err(Stop::usage(if known.is_empty() {
                fault
            } else {
                fault.help(format!("there are: {}", known.join(", ")))
            })
            .into());
        };
        command = found.clone();
    }
    Ok(command)
}
