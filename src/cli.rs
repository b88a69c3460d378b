//! The command line. What does not depend on a pack is declared here; a pack's questions join in
//! as flags, so that flags and wizard cannot differ.

mod change;
mod template;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::{PossibleValue, StyledStr, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use change::CODES;
pub use template::{CheckArgs, ExportArgs, NewTemplateArgs, TemplateArgs, TemplateVerb, WatchArgs};

pub use change::{AddArgs, ApplyArgs, DiffArgs, How, RemoveArgs, ResourceArgs, UpdateArgs};

use crate::fault::{Fault, Faults, Stop, nearest};
use crate::limits::Limits;
use crate::pack::{Kind, Pack, Question};

#[derive(Debug, Parser)]
#[command(
    name = "new-service",
    version,
    about = "Scaffolds production-ready services",
    after_help = "`new-service DIR` is short for `new-service new DIR`; `new-service` alone asks for the name too.",
    max_term_width = 100,
    propagate_version = true
)]
struct Cli {
    /// A built-in template, a folder, or a git repository: URL or OWNER/REPO, then //FOLDER and #REF
    // Both are read by `values_of`, before the pack's own flags are known.
    #[arg(long, value_name = "SRC", global = true)]
    template: Option<String>,
    /// A folder or git repository that lies over the template (repeatable, each over those before it)
    #[arg(long, value_name = "SRC", global = true)]
    overlay: Vec<String>,
    /// Let a template cost more, or less (repeatable): files, size-mib, depth, fetch-mib; rendering:
    /// render-file-mib, render-mib, render-seconds, render-memory-mib
    // Read by `limits`, before the template is.
    #[arg(long, value_name = "NAME=VALUE", global = true, hide_short_help = true)]
    limit: Vec<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Create a service in a new folder
    #[command(
        after_help = "Without a terminal, or with --yes, nothing is asked: defaults stand for what is not given.\n\
        Exit codes: 0 done, 1 failed and nothing changed, 2 usage, 130 stopped."
    )]
    New(NewArgs),
    /// Answer questions anew, and bring the repository to it
    #[command(after_help = CODES)]
    Add(AddArgs),
    /// Take answers back, or a resource, and bring the repository to it
    #[command(after_help = CODES)]
    Remove(RemoveArgs),
    /// Add a resource, or change one
    #[command(after_help = CODES)]
    Resource(ResourceArgs),
    /// Bring the repository to what service.toml says
    #[command(after_help = CODES)]
    Apply(ApplyArgs),
    /// Bring the repository to its template and overlays as they are now
    ///
    /// It takes no argument: service.toml names them. A built-in template is the one in this new-service, so
    /// install a newer one first; a folder is taken as it stands. Of a git repository, what #REF (or the default branch) leads
    /// to now is looked up, and service.toml gets the new commit. --template SRC changes to another place of the
    /// same template. It never goes back to an older version.
    ///
    /// Overlays stay, and lie over the new template. To add one, or to take one away, edit [[template.overlay]] in
    /// service.toml before. Where a file of an overlay stands for one that has changed, it says so.
    ///
    /// What you changed is kept, and merged with what is new. To look first: --dry-run, --diff, or `new-service diff`.
    #[command(after_help = CODES)]
    Update(UpdateArgs),
    /// Show what `apply` would change, or `update`; nothing is written
    #[command(after_help = "Exit codes: 0 nothing, 1 failed, 2 usage, 4 something would change.")]
    Diff(DiffArgs),
    /// List what a template offers, or in a repository its own: layers, questions, presets, practices, slots
    Catalog(CatalogArgs),
    /// Write a template of your own: export, new, check, watch
    Template(TemplateArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "For bash: new-service completions bash > ~/.local/share/bash-completion/completions/new-service"
    )]
    Completions { shell: clap_complete::Shell },
    /// Print the manual page, of a verb where one is named
    #[command(after_help = "To read it: new-service man | man -l -")]
    Man { verb: Vec<String> },
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

/// What was asked for, and the answers that flags gave, as typed.
#[derive(Debug)]
pub struct Request {
    pub verb: Verb,
    pub flags: Vec<(String, Vec<String>)>,
}

/// Verbs of versions to come. A folder so named is refused now, so that a script which means the
/// verb does not create a service of that name.
const VERBS_TO_COME: [&str; 1] = ["check"];

/// Verbs that change a repository which is there: its own template is theirs.
const CHANGES: [&str; 6] = ["add", "remove", "resource", "apply", "update", "diff"];

/// Whether the arguments begin with a verb that changes a repository.
pub fn is_change(arguments: &[OsString]) -> bool {
    first_word(arguments).is_some_and(|first| CHANGES.iter().any(|verb| first == *verb))
}

/// Whether they begin with just this verb.
pub fn begins_with(arguments: &[OsString], verb: &str) -> bool {
    first_word(arguments).is_some_and(|first| first == verb)
}

/// Options that say what the pack is made of and may cost: they are read before its own flags are known, and
/// stand anywhere. Each has a value.
const EARLY: [&str; 3] = ["--template", "--overlay", "--limit"];

/// The value of `--template`. Where it is missing there is none, and [`parse`] says so.
pub fn template_argument(arguments: &[OsString]) -> Result<Option<String>, Stop> {
    Ok(values_of("--template", arguments)?.into_iter().next())
}

/// The values of `--overlay`, in order.
pub fn overlay_arguments(arguments: &[OsString]) -> Result<Vec<String>, Stop> {
    values_of("--overlay", arguments)
}

/// What `--limit` says of how much a template may cost.
pub fn limits(arguments: &[OsString]) -> Result<Limits, Stop> {
    Limits::read(&values_of("--limit", arguments)?).map_err(Stop::Usage)
}

/// The values of an option, up to `--`.
fn values_of(flag: &str, arguments: &[OsString]) -> Result<Vec<String>, Stop> {
    let mut found: Vec<OsString> = Vec::new();
    let mut rest = arguments.iter().take_while(|argument| *argument != "--").peekable();
    while let Some(argument) = rest.next() {
        let text = argument.to_string_lossy();
        match text.strip_prefix(flag) {
            Some("") => found.extend(rest.next_if(|value| !value.to_string_lossy().starts_with('-')).cloned()),
            // Lossy where it is no UTF-8, which is refused below all the same.
            Some(value) if value.starts_with('=') => found.push(match argument.to_str() {
                Some(_) => value[1..].into(),
                None => argument.clone(),
            }),
            _ => {}
        }
    }
    let refused = |value: OsString| {
        let shown = crate::pack::shown(&value.to_string_lossy());
        Stop::usage(Fault::new(format!("{flag} {shown}: the name is not UTF-8")))
    };
    found.into_iter().map(|value| value.into_string().map_err(refused)).collect()
}

/// The file that `new` takes its answers from, and what they are for; none where that is standard input.
pub fn from_argument(arguments: &[OsString]) -> Result<Option<PathBuf>, Stop> {
    let from = values_of("--from", arguments)?.into_iter().next();
    Ok(from.filter(|from| from != "-").map(PathBuf::from))
}

/// Whether an argument is one of [`EARLY`]; and whether its value is the next one.
fn is_early(argument: &str) -> Option<bool> {
    let rest = EARLY.iter().find_map(|flag| argument.strip_prefix(flag))?;
    (rest.is_empty() || rest.starts_with('=')).then_some(rest.is_empty())
}

/// Parses the arguments (without the program's name) against `pack`'s questions. Help, version and
/// usage errors are clap's, and come back as such.
pub fn parse(arguments: &[OsString], pack: &Pack) -> Result<Request, anyhow::Error> {
    let mut command = command(pack)?;
    let mut arguments = arguments.to_vec();
    let explicit = first_word(&arguments).is_some_and(|first| {
        is_verb(&command, first) || ["-h", "--help", "-V", "--version"].iter().any(|flag| first == *flag)
    });
    if !explicit {
        arguments.insert(0, "new".into());
    }
    let matches = command.try_get_matches_from_mut(std::iter::once(OsString::from("new-service")).chain(arguments))?;
    let verb = Cli::from_arg_matches(&matches)?.verb;
    let mut flags = Vec::new();
    if let (Verb::New(new), Some((_, matches))) = (&verb, matches.subcommand()) {
        if !explicit {
            refuse_near_verb(&command, new)?;
        }
        flags = given(pack, matches);
    }
    Ok(Request { verb, flags })
}

/// The whole command line for `pack`: for parsing, help, completions and the manual page.
pub fn command(pack: &Pack) -> Result<clap::Command, Faults> {
    let mut faults = Faults::default();
    let mut command = Cli::command();
    let mut new = command.find_subcommand("new").cloned().unwrap_or_default();
    for question in &pack.manifest.questions {
        let flag = question.flag();
        let taken = new.get_arguments().any(|argument| argument.get_long() == Some(&flag))
            || ["help", "version", "overlay"].contains(&flag.as_str());
        if taken {
            let message = format!(
                "{}: the question \"{}\" would be the flag --{flag}, which is new-service's own",
                question.file, question.key
            );
            faults.push(Fault::new(message).help("give it another key"));
        } else {
            new = new.arg(argument(question, pack));
        }
    }
    new = new.mut_arg("resource", |resource| resource.hide(!pack.takes_resources()));
    if pack.manifest.presets.is_empty() {
        new = new.mut_arg("preset", |preset| preset.hide(true));
    } else {
        let names = pack
            .manifest
            .presets
            .iter()
            .map(|preset| match preset.shown() {
                help if help.is_empty() => PossibleValue::new(preset.name.clone()),
                help => PossibleValue::new(preset.name.clone()).help(help),
            })
            .collect();
        new = new.mut_arg("preset", |preset| preset.value_parser(Listed(names)));
    }
    command = command.mut_subcommand("new", |_| new);
    faults.or(command)
}

fn argument(question: &Question, pack: &Pack) -> Arg {
    let mut help = question.prompt.clone();
    if !question.help.is_empty() {
        help = format!("{help} ({})", question.help);
    }
    if let Some(default) = &question.default {
        let default = default.to_string();
        let mut context = tera::Context::new();
        context.insert("name", "NAME");
        let shown = crate::template::render_text(&pack.manifest.delimiters, &default, &context).unwrap_or(default);
        if !shown.is_empty() {
            help = format!("{help} [default: {shown}]");
        }
    }
    let argument = Arg::new(format!("question-{}", question.key))
        .long(question.flag())
        .help(StyledStr::from(help))
        .help_heading(format!("Answers for {}", pack.manifest.name))
        .allow_hyphen_values(true);
    let argument = match question.kind {
        Kind::Choice => {
            let values = question.choices.iter().map(|choice| {
                let value = PossibleValue::new(choice.value.clone());
                if choice.help.is_empty() { value } else { value.help(choice.help.clone()) }
            });
            argument.value_parser(Listed(values.collect())).value_name("CHOICE")
        }
        Kind::Bool => {
            let values = ["true", "false"].map(PossibleValue::new).to_vec();
            argument
                .value_parser(Listed(values))
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_name("BOOL")
        }
        Kind::Integer => argument.value_name("NUMBER"),
        Kind::Text => argument.value_name("TEXT"),
        Kind::List => argument.value_name("ITEM"),
    };
    argument.action(if question.kind == Kind::List { ArgAction::Append } else { ArgAction::Set })
}

/// Shows the values in help and completions, and lets any text pass: the question itself judges
/// it, together with all other answers, so that every fault is told at once.
#[derive(Clone)]
struct Listed(Vec<PossibleValue>);

impl TypedValueParser for Listed {
    type Value = String;

    fn parse_ref(&self, _: &clap::Command, _: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        value.to_str().map(str::to_owned).ok_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidUtf8))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().cloned()))
    }
}

fn given(pack: &Pack, matches: &ArgMatches) -> Vec<(String, Vec<String>)> {
    let mut flags = Vec::new();
    for question in &pack.manifest.questions {
        if let Some(values) = matches.get_many::<String>(&format!("question-{}", question.key)) {
            flags.push((question.key.clone(), values.cloned().collect()));
        }
    }
    flags
}

/// The arguments as a person reads them, without the template and the ways to report.
pub fn shown(arguments: &[OsString]) -> String {
    let mut words = Vec::new();
    let mut rest = arguments.iter().map(|word| word.to_string_lossy());
    while let Some(word) = rest.next() {
        match (&*word, is_early(&word)) {
            (_, Some(true)) => drop(rest.next()),
            (_, Some(false)) | ("--json" | "--allow-dirty", _) => {}
            (word, None) => words.push(crate::template::sh(&crate::pack::visible(word))),
        }
    }
    words.join(" ")
}

/// The first argument that is none of [`EARLY`].
fn first_word(arguments: &[OsString]) -> Option<&OsStr> {
    let mut rest = arguments.iter();
    loop {
        let word = rest.next()?;
        match word.to_str().and_then(is_early) {
            Some(true) => drop(rest.next()),
            Some(false) => {}
            None => return Some(word),
        }
    }
}

fn is_verb(command: &clap::Command, argument: &OsStr) -> bool {
    argument == "help" || command.get_subcommands().any(|verb| argument == verb.get_name())
}

/// `new-service udpate` most likely means a verb (design §7). `./udpate` says that it does not.
/// "Near" is a third of the letters: two edits would refuse `api` for its likeness to `add`.
fn refuse_near_verb(command: &clap::Command, new: &NewArgs) -> Result<(), Stop> {
    let Some(dir) = new.dir.as_ref().and_then(|dir| dir.to_str()) else { return Ok(()) };
    if dir.contains(std::path::is_separator) {
        return Ok(());
    }
    let verbs = command.get_subcommands().map(clap::Command::get_name).chain(VERBS_TO_COME).chain(["help"]);
    match nearest(dir, verbs) {
        Some(verb) if VERBS_TO_COME.contains(&verb) => {
            let fault =
                Fault::new(format!("`new-service {verb}` is not in this version, {}", env!("CARGO_PKG_VERSION")));
            Err(Stop::usage(fault.help(format!("for a service of the name \"{dir}\": new-service ./{dir}"))))
        }
        Some(verb) => {
            let fault = Fault::new(format!("\"{dir}\" is no verb (did you mean `new-service {verb}`?)"));
            Err(Stop::usage(fault.help(format!("for a service of that name: new-service ./{dir}"))))
        }
        None => Ok(()),
    }
}
