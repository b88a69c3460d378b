//! The second reading of `new`: the questions of its template are flags.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use clap::builder::{PossibleValue, StyledStr, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, FromArgMatches as _};

use super::first::named;
use super::{NewArgs, NewLine, command, command_for, verbs};
use crate::fault::{Fault, Faults, Stop};
use crate::pack::{Kind, Pack, Question};

/// The arguments of `new`, and the answers that flags gave, as typed: by the keys of their questions.
#[derive(Debug)]
pub struct Answered {
    pub new: NewArgs,
    pub flags: Vec<(String, Vec<String>)>,
}

impl NewLine {
    /// Reads the line for `pack`. Help and usage errors are clap's.
    pub fn answered(&self, pack: &Pack) -> anyhow::Result<Answered> {
        let matches = command_for(pack).try_get_matches_from(named(&self.arguments));
        let matches = matches.map_err(|error| self.named_verb(error))?;
        let Some((_, matches)) = matches.subcommand() else { unreachable!("the verb is among the arguments") };
        let new = NewArgs::from_arg_matches(matches)?;
        if let Some(fault) = new.dir.as_deref().filter(|_| self.implied).and_then(verbs::refuse_folder) {
            return Err(Stop::usage(fault).into());
        }
        Ok(Answered { new, flags: given(pack, matches) })
    }

    /// A repository that new-service made is around: there, `new` is never implied, so that a mistyped verb does not
    /// create a service.
    pub fn refuse_inside(&self) -> Result<(), Stop> {
        if !self.implied {
            return Ok(());
        }
        let Some(word) = &self.word else {
            let fault = Fault::new("no verb: this is a repository that new-service made");
            let help = "`new-service help` lists the verbs; to create a service here: new-service new DIR";
            return Err(Stop::usage(fault.help(help)));
        };
        let create = format!("to create a service here: new-service new {}", crate::template::sh(word));
        if word.contains(std::path::is_separator) {
            let message = "a folder needs `new` here: this is a repository that new-service made";
            return Err(Stop::usage(Fault::new(message).help(create)));
        }
        Err(Stop::usage(verbs::unknown(word, &format!("; {create}"))))
    }

    /// Where a word is mistyped and arguments follow, the word is at fault, and not the first of those arguments.
    fn named_verb(&self, error: clap::Error) -> anyhow::Error {
        match (error.kind(), self.word.as_deref().filter(|word| verbs::has_near(word))) {
            (ErrorKind::UnknownArgument, Some(word)) => Stop::usage(verbs::unknown(word, "")).into(),
            _ => error.into(),
        }
    }
}

/// That no question of `pack` has a flag of new-service's own; all that have one at once.
pub fn check_questions(pack: &Pack) -> Result<(), Faults> {
    let mut command = command();
    command.build();
    let new = command.find_subcommand("new").map(clap::Command::get_arguments);
    let own: Vec<&str> = new.into_iter().flatten().filter_map(Arg::get_long).collect();
    let mut faults = Faults::default();
    let mut flags = BTreeMap::new();
    for question in &pack.manifest.questions {
        let flag = question.flag();
        let whose = match flags.get(&flag) {
            _ if own.contains(&flag.as_str()) => "which is new-service's own".to_owned(),
            Some(other) => format!("which the question \"{other}\" has"),
            None => {
                flags.insert(flag, &question.key);
                continue;
            }
        };
        let message = format!("the question \"{}\" would be the flag --{flag}, {whose}", question.key);
        faults.push(Fault::at(question.place.clone(), message).help("give it another key"));
    }
    faults.or(())
}

/// `new` with the questions of `pack`, which [`check_questions`] has passed.
pub(super) fn join(new: clap::Command, pack: &Pack) -> clap::Command {
    let new = new.args(pack.manifest.questions.iter().map(|question| argument(question, pack)));
    let new = new.mut_arg("resource", |resource| resource.hide(!pack.takes_resources()));
    if pack.manifest.presets.is_empty() {
        return new.mut_arg("preset", |preset| preset.hide(true));
    }
    let shown = |preset: &crate::pack::Preset| match preset.shown() {
        help if help.is_empty() => PossibleValue::new(preset.name.clone()),
        help => PossibleValue::new(preset.name.clone()).help(help),
    };
    let names = pack.manifest.presets.iter().map(shown).collect();
    new.mut_arg("preset", |preset| preset.value_parser(Listed(names)))
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
    let argument = Arg::new(id(question))
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

fn id(question: &Question) -> String {
    format!("question-{}", question.key)
}

fn given(pack: &Pack, matches: &ArgMatches) -> Vec<(String, Vec<String>)> {
    let questions = pack.manifest.questions.iter();
    let values =
        |question: &Question| matches.get_many::<String>(&id(question)).map(|values| values.cloned().collect());
    questions.filter_map(|question| Some((question.key.clone(), values(question)?))).collect()
}

/// Shows the values in help and completions, and lets any text pass: the question itself judges
/// it, together with all other answers, so that every fault is reported at once.
#[derive(Clone)]
struct Listed(Vec<PossibleValue>);

impl TypedValueParser for Listed {
    type Value = String;

    fn parse_ref(&self, _: &clap::Command, _: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        value.to_str().map(str::to_owned).ok_or_else(|| clap::Error::new(ErrorKind::InvalidUtf8))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().cloned()))
    }
}
