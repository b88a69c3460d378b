//! One file a verb. Commands and `report` print; what they call returns data.

mod catalog;
mod change;
mod new;
mod target;
pub mod template;

use std::ffi::OsString;

use crate::cli::{self, Verb};
use crate::fault::{Fault, Stop, did_you_mean};
use crate::pack::{Pack, Source};
use crate::{limits, report};

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

/// Runs the command line `arguments` (without the program's name).
pub fn run(arguments: &[OsString]) -> anyhow::Result<End> {
    limits::set(cli::limits(arguments)?);
    let named = cli::template_argument(arguments)?;
    let source = match &named {
        Some(text) => Source::parse(text).map_err(Stop::usage)?,
        // Taking a change back needs no template.
        None if cli::is_change(arguments) && !arguments.iter().any(|word| word == "--abort") => change::own_template()?,
        None => Source::default_pack(),
    };
    let pack = Pack::load(&source)?;
    let request = cli::parse(arguments, &pack)?;
    let words = cli::shown(arguments);
    match &request.verb {
        Verb::Add(add) => return change::add(add, &pack, &words),
        Verb::Remove(remove) => return change::remove(remove, &pack, &words),
        Verb::Resource(resource) => return change::resource(resource, &pack, &words),
        Verb::Apply(apply) => return change::apply(apply, &pack, &words),
        Verb::Update(update) => return change::update(update, &pack, &words),
        Verb::Diff(diff) => return change::diff(diff, &pack),
        Verb::Template(template) => return template::run(&template.verb, named.as_deref(), &source),
        Verb::New(new) => new::run(new, &request.flags, &pack),
        Verb::Catalog(catalog) => catalog::run(catalog, &pack),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli::command(&pack)?, "new-service", &mut script);
            report::out(&String::from_utf8_lossy(&script))
        }
        Verb::Man { verb } => {
            let mut page = Vec::new();
            clap_mangen::Man::new(manual_of(verb, cli::command(&pack)?)?).render(&mut page)?;
            report::out(&String::from_utf8_lossy(&page))
        }
    }?;
    Ok(End::Done)
}

/// The command that a manual page is for: the whole, or one verb of it, or of that.
fn manual_of(verbs: &[String], mut command: clap::Command) -> Result<clap::Command, Stop> {
    command.build();
    for verb in verbs {
        let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        let Some(found) = command.find_subcommand(verb) else {
            let fault = Fault::new(format!("no verb \"{verb}\"{}", did_you_mean(verb, known.iter().copied())));
            return Err(Stop::usage(if known.is_empty() {
                fault
            } else {
                fault.help(format!("there are: {}", known.join(", ")))
            }));
        };
        command = found.clone();
    }
    Ok(command)
}
