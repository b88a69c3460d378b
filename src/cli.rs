//! The command line, read twice. The first reading knows no template: it finds the verb and the flags that say which
//! template is meant. `new` is then read again with the questions of that template as flags, so that flags and wizard
//! cannot differ. The arguments of every other verb are the same for all templates.

mod change;
pub mod complete;
mod first;
mod questions;
mod template;
mod verbs;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, CommandFactory as _, FromArgMatches, Parser, Subcommand};

pub use change::{AddArgs, ApplyArgs, Change, DiffArgs, How, RemoveArgs, ResourceArgs, UpdateArgs};
pub use first::{Line, NewLine, read};
pub use questions::{Answered, check_questions};
pub use template::{CheckArgs, ExportArgs, NewTemplateArgs, TemplateArgs, TemplateVerb, WatchArgs};

use crate::fault::{Faults, Stop};
use crate::limits::Limits;
use crate::pack::{Pack, Source, Wanted};

#[derive(Debug, Parser)]
#[command(
    name = "new-service",
    version,
    about = "Scaffolds production-ready services",
    after_help = "`new-service DIR` is short for `new-service new DIR`, outside of a repository that new-service made; \
                  `new-service` alone asks for the name too.",
    max_term_width = 100,
    propagate_version = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a service in a new folder
    #[command(
        after_help = "Without a terminal, or with --yes, nothing is asked: defaults stand for what is not given.\n\
        Exit codes: 0 done, 1 failed and nothing changed, 2 usage, 130 stopped."
    )]
    New(NewArgs),
    #[command(flatten)]
    Plain(PlainVerb),
}

/// The verbs whose arguments are the same for all templates.
#[derive(Debug, Subcommand)]
pub enum PlainVerb {
    #[command(flatten)]
    Change(Change),
    /// List what a template offers, or in a repository its own: layers, questions, presets, practices, slots
    Catalog(CatalogArgs),
    /// Write a template of your own: export, new, check, watch
    Template(TemplateArgs),
    /// Print the script by which a shell completes verbs, flags and values
    #[command(after_help = "For bash, in ~/.bashrc:  source <(new-service completions bash)\n\
        For zsh, in ~/.zshrc:    source <(new-service completions zsh)\n\
        For fish:                new-service completions fish > ~/.config/fish/completions/new-service.fish\n\
        The script asks new-service, so that --template completes the questions of that template.")]
    Completions { shell: clap_complete::Shell },
    /// Print the manual page, of a verb where one is named
    #[command(after_help = "To read it: new-service man | man -l -")]
    Man { verb: Vec<String> },
    /// Print the help, of a verb where one is named
    Help { verb: Vec<String> },
}

/// Flags of every verb: where the template is from, and what it may cost. They stand before the verb or after it.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// A built-in template, a folder, or a git repository: URL or OWNER/REPO, then //FOLDER and #REF
    #[arg(long, value_name = "SRC", value_parser = SourceName)]
    pub template: Option<String>,
    /// A folder or git repository that lies over the template (repeatable, each over those before it)
    #[arg(long, value_name = "SRC", value_parser = SourceName)]
    pub overlay: Vec<String>,
    /// Let a template cost more, or less (repeatable): files, size-mib, depth, fetch-mib; rendering:
    /// render-file-mib, render-mib, render-seconds, render-memory-mib
    #[arg(long, value_name = "NAME=VALUE", hide_short_help = true)]
    pub limit: Vec<String>,
}

impl SourceArgs {
    /// Those before the verb and those after it, together.
    fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut all = Self::from_arg_matches(matches)?;
        if let Some((_, below)) = matches.subcommand() {
            let below = Self::of(below)?;
            if all.template.is_some() && below.template.is_some() {
                let message = "the argument '--template <SRC>' cannot be used before the verb and after it\n";
                return Err(command().error(ErrorKind::ArgumentConflict, message));
            }
            all.template = all.template.or(below.template);
            all.overlay.extend(below.overlay);
            all.limit.extend(below.limit);
        }
        Ok(all)
    }

    pub fn limits(&self) -> Result<Limits, Stop> {
        Limits::read(&self.limit).map_err(Stop::Usage)
    }

    /// The template that is named.
    pub fn template(&self) -> Result<Option<Source>, Stop> {
        let named = self.template.as_deref().map(|text| Source::parse(text, Path::new(".")));
        named.transpose().map_err(Stop::usage)
    }

    /// The overlays that are named; all that are none at once.
    pub fn overlays(&self) -> Result<Vec<Wanted>, Stop> {
        let mut faults = Faults::default();
        let mut overlays = Vec::new();
        for text in &self.overlay {
            match Source::parse_overlay(text, Path::new(".")) {
                Ok(source) => overlays.push(source.into()),
                Err(fault) => faults.push(fault),
            }
        }
        faults.or(overlays).map_err(Stop::Usage)
    }
}

/// Takes a text, and says which argument is none: the name of a source ends in `service.toml`.
#[derive(Clone)]
struct SourceName;

impl TypedValueParser for SourceName {
    type Value = String;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        let flag = arg.and_then(Arg::get_long).unwrap_or_default();
        value.to_str().map(str::to_owned).ok_or_else(|| {
            let shown = crate::pack::shown(&value.to_string_lossy());
            let message = format!("--{flag} {shown}: the name is not UTF-8\n");
            command.clone().error(ErrorKind::InvalidUtf8, message)
        })
    }
}

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)]
pub struct NewArgs {
    /// Where to create it; its last part is the name. `.` is the folder you are in
    pub dir: Option<PathBuf>,
    /// Name of the service, where it is not that of the folder
    #[arg(long)]
    pub name: Option<String>,
    /// Answers under one name; other flags overrule it
    #[arg(long)]
    pub preset: Option<String>,
    /// Take answers from a blueprint file, or from standard input with `-`
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Answer one question by its key (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// A resource: its name and its fields (repeatable), as in 'order note:text? total:decimal(12,2)'
    #[arg(long, value_name = "SPEC")]
    pub resource: Vec<String>,
    /// Ask nothing; defaults stand for what is not given
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Show the content of every file as a diff, and write nothing
    #[arg(long)]
    pub diff: bool,
    /// Report as JSON on standard output; asks nothing
    #[arg(long)]
    pub json: bool,
    /// Keep files that exist in the folder, such as the README and LICENSE of a fresh clone
    #[arg(long)]
    pub keep_existing: bool,
    /// No `git init` and no first commit
    #[arg(long)]
    pub no_git: bool,
}

#[derive(Debug, Args)]
pub struct CatalogArgs {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// The command line without the questions of a template.
pub fn command() -> clap::Command {
    with_sources(Cli::command())
}

/// Each verb takes [`SourceArgs`] itself: those of clap's global arguments that stand before the verb would be lost
/// where others stand after it.
fn with_sources(command: clap::Command) -> clap::Command {
    let sources = SourceArgs::augment_args(clap::Command::new("sources"));
    command.mut_subcommands(with_sources).args(sources.get_arguments())
}

/// The whole command line for `pack`: for parsing `new`, help, completions and the manual page.
pub fn command_for(pack: &Pack) -> clap::Command {
    command().mut_subcommand("new", |new| questions::join(new, pack))
}
