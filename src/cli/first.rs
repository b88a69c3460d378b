//! The first reading of the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args as _, FromArgMatches as _, value_parser};

use super::{Cli, NewArgs, PlainVerb, SourceArgs, Verb, command};

/// What the command line asks for.
#[derive(Debug)]
pub enum Line {
    /// To be read again, with the questions of its template.
    New(NewLine),
    Plain(SourceArgs, PlainVerb),
}

/// A command line of `new`.
#[derive(Debug)]
pub struct NewLine {
    pub sources: SourceArgs,
    /// The file that the answers are from, which may name a template; none for standard input.
    pub from: Option<PathBuf>,
    /// Whether the verb is left out.
    pub(super) implied: bool,
    /// What stands in its place then; none where the line begins with a flag of the template, or has no words.
    pub(super) word: Option<String>,
    /// The arguments, the verb among them.
    pub(super) arguments: Vec<OsString>,
}

/// Reads `arguments` (without the program's name) as far as that needs no template. Help, version and usage errors
/// of a verb that needs none are clap's.
pub fn read(arguments: &[OsString]) -> Result<Line, clap::Error> {
    let matches = lenient(arguments.len()).try_get_matches_from(named(arguments))?;
    let of_new = flags_of_new().chain(words(arguments.len()));
    let is_of_new = of_new.into_iter().any(|arg| is_given(&matches, arg.get_id().as_str()));
    let from =
        |matches: &ArgMatches| matches.get_one::<PathBuf>("from").filter(|from| *from != Path::new("-")).cloned();
    let sources = SourceArgs::of(&matches)?;
    match matches.subcommand() {
        Some(("new", own)) if !is_of_new => Ok(Line::New(NewLine {
            sources,
            from: from(own),
            implied: false,
            word: None,
            arguments: arguments.to_vec(),
        })),
        // A verb that comes after a word, or after a flag of `new`, is a value.
        verb if is_of_new || (verb.is_none() && !ABOUT.iter().any(|(flag, _)| matches.get_flag(flag))) => {
            let arguments = std::iter::once("new".into()).chain(arguments.iter().cloned()).collect();
            let word = matches.get_one::<OsString>("dir").map(|word| word.to_string_lossy().into_owned());
            let word = word.filter(|word| !word.starts_with('-'));
            Ok(Line::New(NewLine { sources, from: from(&matches), implied: true, word, arguments }))
        }
        _ => {
            let matches = command().try_get_matches_from(named(arguments))?;
            let sources = SourceArgs::of(&matches)?;
            match Cli::from_arg_matches(&matches)?.verb {
                Verb::Plain(verb) => Ok(Line::Plain(sources, verb)),
                Verb::New(new) => Ok(Line::New(NewLine {
                    sources,
                    from: new.from,
                    implied: false,
                    word: None,
                    arguments: arguments.to_vec(),
                })),
            }
        }
    }
}

/// The arguments as clap wants them: after the name of the program.
pub(super) fn named(arguments: &[OsString]) -> impl Iterator<Item = OsString> {
    std::iter::once(OsString::from("new-service")).chain(arguments.iter().cloned())
}

/// The flags that print something and do nothing else.
const ABOUT: [(&str, char); 2] = [("help", 'h'), ("version", 'V')];

/// The command line for any template. Before a verb, and after `new`, a flag that is not new-service's own is a word
/// like others: it is a question of the template, or a mistake, and the second reading knows. Nothing is refused here
/// for the same reason.
fn lenient(count: usize) -> clap::Command {
    let about = |(flag, short)| Arg::new(flag).long(flag).short(short).action(ArgAction::SetTrue);
    let open = |command: clap::Command| {
        let command = command.mut_arg("dir", |dir| dir.allow_hyphen_values(true).value_parser(value_parser!(OsString)));
        command.args(words(count)).args(ABOUT.map(about))
    };
    let command = command().ignore_errors(true).disable_help_flag(true).disable_version_flag(true);
    open(command.args(flags_of_new()).mut_subcommand("new", open))
}

/// What `new` takes of any template.
fn flags_of_new() -> impl Iterator<Item = Arg> {
    let new = NewArgs::augment_args(clap::Command::new("new"));
    new.get_arguments().cloned().collect::<Vec<_>>().into_iter()
}

/// A place for each of `count` words.
fn words(count: usize) -> impl Iterator<Item = Arg> {
    let word = |number| Arg::new(format!("word-{number}")).value_parser(value_parser!(OsString));
    (0..count).map(move |number| word(number).allow_hyphen_values(true))
}

fn is_given(matches: &ArgMatches, argument: &str) -> bool {
    matches.value_source(argument) == Some(ValueSource::CommandLine)
}
