//! One file a verb. Commands and `report` print; what they call returns data.

mod catalog;
mod change;
mod new;
mod target;
pub mod template;

use std::ffi::OsString;
use std::path::Path;

use crate::blueprint::Made;
use crate::cli::{self, Verb};
use crate::evolve::Repo;
use crate::fault::{Fault, Faults, Stop, did_you_mean};
use crate::pack::{Pack, Source, Wanted};
use crate::{limits, report, schema};

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
    if cli::is_change(arguments) || cli::begins_with(arguments, "new") {
        // Milliseconds, which pass while the template is read.
        rayon::spawn(schema::read_plurals);
    }
    limits::set(cli::limits(arguments)?);
    let named = cli::template_argument(arguments)?;
    let given = named.as_deref().map(|text| Source::parse(text, Path::new("."))).transpose();
    let given = given.map_err(Stop::usage)?;
    // Taking a change back needs no template.
    let made = if cli::is_change(arguments) && !arguments.iter().any(|word| word == "--abort") {
        change::made_of(given.as_ref(), &cli::overlay_arguments(arguments)?, cli::begins_with(arguments, "update"))?
    } else if cli::begins_with(arguments, "catalog") && given.is_none() && cli::overlay_arguments(arguments)?.is_empty()
    {
        catalog::made_here()?
    } else {
        let overlays = overlays(arguments)?;
        let mut sources = match new::sources_of(cli::from_argument(arguments)?.as_deref(), given.clone())? {
            Some(made) => made.sources,
            None => given.unwrap_or_else(Source::default_pack).into(),
        };
        if !overlays.is_empty() {
            sources.overlays = overlays;
        }
        Made { sources, digests: Vec::new() }
    };
    // What a template is to be checked for must not stop the check.
    let mut pack = if cli::begins_with(arguments, "template") {
        Pack::load(&Source::default_pack())?
    } else {
        Pack::load_all(&made.sources)?
    };
    if cli::is_change(arguments)
        && let Ok(root) = Repo::find(Path::new("."))
    {
        pack.settle(&root);
    }
    let request = cli::parse(arguments, &pack)?;
    let words = cli::shown(arguments);
    match &request.verb {
        Verb::Add(add) => return change::add(add, &made, &pack, &words),
        Verb::Remove(remove) => return change::remove(remove, &made, &pack, &words),
        Verb::Resource(resource) => return change::resource(resource, &made, &pack, &words),
        Verb::Apply(apply) => return change::apply(apply, &made, &pack, &words),
        Verb::Update(update) => return change::update(update, &made, &pack, &words),
        Verb::Diff(diff) => return change::diff(diff, &made, &pack),
        Verb::Template(template) => {
            return template::run(&template.verb, named.is_some(), &made.sources);
        }
        Verb::New(new) => new::run(new, &request.flags, pack),
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

/// The overlays of the command line; all that are none at once.
fn overlays(arguments: &[OsString]) -> Result<Vec<Wanted>, Stop> {
    let mut faults = Faults::default();
    let mut overlays = Vec::new();
    for text in cli::overlay_arguments(arguments)? {
        match Source::parse_overlay(&text, Path::new(".")) {
            Ok(source) => overlays.push(source.into()),
            Err(fault) => faults.push(fault),
        }
    }
    faults.or(overlays).map_err(Stop::Usage)
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
