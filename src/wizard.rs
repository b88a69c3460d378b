//! Questions → answers at a terminal. Esc goes back, ^C stops with nothing written.

use inquire::validator::Validation;
use inquire::{Confirm, InquireError, Select, Text};

use crate::blueprint::{Next, Resolver};
use crate::evolve::interrupt;
use crate::fault::{Faults, Stop};
use crate::pack::{Answer, Answers, Kind, Pack, Question};
use crate::report;

/// What a prompt came to.
enum Reply<T> {
    Given(T),
    Back,
}

fn reply<T>(result: Result<T, InquireError>) -> anyhow::Result<Reply<T>> {
    match result {
        Ok(value) => Ok(Reply::Given(value)),
        Err(InquireError::OperationCanceled) => Ok(Reply::Back),
        Err(InquireError::OperationInterrupted) => Err(Stop::Interrupted.into()),
        Err(other) => Err(other.into()),
    }
}

/// What the last question decides.
enum Verdict {
    Create,
    Back,
}

/// A wizard for one service: walks the same steps as the flags do.
pub struct Wizard<'a> {
    pack: &'a Pack,
    /// Shown before the last yes: text for a name and its answers.
    preview: &'a dyn Fn(&str, &Answers) -> anyhow::Result<String>,
}

impl<'a> Wizard<'a> {
    pub fn new(pack: &'a Pack, preview: &'a dyn Fn(&str, &Answers) -> anyhow::Result<String>) -> Self {
        Self { pack, preview }
    }

    /// Asks for what `given` leaves open, shows the whole, and asks for the last yes.
    /// With `name`, the name is settled; otherwise it is the first question.
    pub fn run(&self, name: Option<&str>, given: &Answers) -> anyhow::Result<(String, Answers)> {
        if anstream::AutoStream::choice(&std::io::stderr()) == anstream::ColorChoice::Never {
            inquire::set_global_render_config(inquire::ui::RenderConfig::empty());
        }
        let manifest = &self.pack.manifest;
        report::say(&format!("{} ({} {})", manifest.description, manifest.name, manifest.version));
        report::say("Enter takes what is shown, Esc goes back, ^C stops; nothing is written before the last yes.\n");
        let mut chosen = name.map(str::to_owned);
        let mut said = Answers::default();
        loop {
            let current = match chosen.take() {
                Some(name) => name,
                None => self.ask_name()?,
            };
            match self.ask_all(&current, given, &mut said)? {
                Some(answers) => return Ok((current, answers)),
                // Back beyond the first question: to the name, where that is open.
                None => chosen = name.map(str::to_owned),
            }
        }
    }

    /// `None` when the person went back beyond the first question. `said` keeps what was answered,
    /// as the default for the next time.
    fn ask_all(&self, name: &str, given: &Answers, said: &mut Answers) -> anyhow::Result<Option<Answers>> {
        let mut resolver = Resolver::new(self.pack, name, given.clone())?;
        let mut trail: Vec<String> = Vec::new();
        loop {
            let back = match resolver.next()? {
                Next::Ask { question, default } => {
                    let default =
                        said.get(&question.key).cloned().filter(|answer| question.check(answer).is_ok()).or(default);
                    match ask(question, default)? {
                        Reply::Given(answer) => {
                            said.insert(&question.key, answer.clone());
                            resolver.answer(&question.key, answer);
                            trail.push(question.key.clone());
                            false
                        }
                        Reply::Back => true,
                    }
                }
                Next::Done => match resolver.complete() {
                    Ok(answers) => match self.last_word(name, &answers)? {
                        Verdict::Create => return Ok(Some(answers)),
                        Verdict::Back => true,
                    },
                    Err(faults) => {
                        go_back(&faults.into())?;
                        true
                    }
                },
            };
            if back {
                match trail.pop() {
                    Some(key) => resolver.forget(&key),
                    None => return Ok(None),
                }
            }
        }
    }

    fn ask_name(&self) -> anyhow::Result<String> {
        let rules = self.pack.manifest.name_rules.clone();
        let prompt = Text::new("Name of the service?").with_help_message("it is the folder's name as well");
        let check = move |text: &str| {
            Ok(match rules.check(text) {
                Ok(()) if std::path::Path::new(text).exists() => {
                    Validation::Invalid(format!("\"{text}\" exists here already").into())
                }
                Ok(()) => Validation::Valid,
                Err(fault) => Validation::Invalid(fault.message.into()),
            })
        };
        match reply(prompt.with_validator(check).prompt())? {
            Reply::Given(name) => Ok(name),
            Reply::Back => Err(Stop::Interrupted.into()),
        }
    }

    fn last_word(&self, name: &str, answers: &Answers) -> anyhow::Result<Verdict> {
        let preview = (self.preview)(name, answers);
        interrupt::check()?;
        match preview {
            Ok(text) => report::say(&format!("\n{text}")),
            Err(error) if error.is::<Faults>() => return go_back(&error).map(|()| Verdict::Back),
            Err(error) => return Err(error),
        }
        match reply(Confirm::new("Create it?").with_default(true).with_help_message("Esc to go back").prompt())? {
            Reply::Given(true) => Ok(Verdict::Create),
            Reply::Given(false) => Err(Stop::Interrupted.into()),
            Reply::Back => Ok(Verdict::Back),
        }
    }
}

/// These answers do not go together: says so, and the person goes back to change them, or stops.
fn go_back(why: &anyhow::Error) -> anyhow::Result<()> {
    report::error(why);
    match reply(Confirm::new("Go back and change an answer?").with_default(true).prompt())? {
        Reply::Given(true) | Reply::Back => Ok(()),
        Reply::Given(false) => Err(Stop::Interrupted.into()),
    }
}

fn ask(question: &Question, default: Option<Answer>) -> anyhow::Result<Reply<Answer>> {
    let help = Some(question.help.as_str()).filter(|help| !help.is_empty());
    match question.kind {
        Kind::Choice => {
            let labels = question.choices.iter().map(|choice| match choice.help.as_str() {
                "" => choice.value.clone(),
                help => format!("{}: {help}", choice.value),
            });
            let at = default.and_then(|default| {
                question.choices.iter().position(|choice| Answer::Text(choice.value.clone()) == default)
            });
            let mut prompt = Select::new(&question.prompt, labels.collect()).with_starting_cursor(at.unwrap_or(0));
            prompt.help_message = help.or(prompt.help_message);
            Ok(match reply(prompt.raw_prompt())? {
                Reply::Given(option) => Reply::Given(Answer::Text(question.choices[option.index].value.clone())),
                Reply::Back => Reply::Back,
            })
        }
        Kind::Bool => {
            let mut prompt = Confirm::new(&question.prompt).with_default(matches!(default, Some(Answer::Bool(true))));
            prompt.help_message = help;
            Ok(match reply(prompt.prompt())? {
                Reply::Given(yes) => Reply::Given(Answer::Bool(yes)),
                Reply::Back => Reply::Back,
            })
        }
        Kind::Text | Kind::Integer | Kind::List => {
            let default = default.map(|default| default.to_string());
            let judge = question.clone();
            let mut prompt = Text::new(&question.prompt).with_validator(move |text: &str| {
                Ok(judge.read(text).map_or_else(|why| Validation::Invalid(why.into()), |_| Validation::Valid))
            });
            prompt.help_message = help;
            if let Some(default) = default.as_deref().filter(|default| !default.is_empty()) {
                prompt = prompt.with_default(default);
            }
            Ok(match reply(prompt.prompt())? {
                Reply::Given(text) => Reply::Given(question.read(&text).map_err(anyhow::Error::msg)?),
                Reply::Back => Reply::Back,
            })
        }
    }
}
