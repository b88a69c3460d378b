//! Questions → answers at a terminal. Esc goes back, ^C stops with nothing written.

use std::path::Path;

use inquire::validator::Validation;
use inquire::{Confirm, InquireError, Select, Text};

use crate::blueprint::{self, Blueprint, Drawn, NextQuestion, Resolver};
use crate::evolve::{Plan, interrupt};
use crate::fault::{Faults, Stop};
use crate::pack::{Answer, Answers, Kind, Pack, Preset, Question, visible};
use crate::render;
use crate::report;
use crate::schema::{Drafts, Resource};

/// The grammar of resources, on one line.
const GRAMMAR: &str = "NAME FIELD:TYPE… as in: order owner:ref(user) total:int; product write=signed-in name:string";

/// As many files of a folder are named in a question.
const SHOWN: usize = 6;

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

/// What the last question shows, and what is created when the answer is yes.
pub struct Preview {
    pub text: String,
    pub plan: Plan,
}

/// What flags and files gave, before anything is asked.
pub struct Prefilled {
    /// Settled where there is one; else the first question.
    pub name: Option<String>,
    /// Whether a preset is among what gave the answers.
    pub preset: bool,
    pub answers: Answers,
    /// Asked for where there are none.
    pub resources: Vec<Resource>,
    pub drawn: Drawn,
}

/// What was said so far: what the person comes back to, as the default.
#[derive(Default)]
struct Entered {
    preset: Option<usize>,
    answers: Answers,
    resources: Vec<String>,
}

/// A wizard for one service: walks the same steps as the flags do.
pub struct Wizard<'a> {
    pack: &'a Pack,
    given: Prefilled,
    /// Shown before the last yes.
    preview: &'a dyn Fn(&Blueprint) -> anyhow::Result<Preview>,
}

impl<'a> Wizard<'a> {
    pub fn new(pack: &'a Pack, given: Prefilled, preview: &'a dyn Fn(&Blueprint) -> anyhow::Result<Preview>) -> Self {
        Self { pack, given, preview }
    }

    /// Asks for what is left open, shows the whole, and asks for the last yes.
    pub fn run(&self) -> anyhow::Result<(Blueprint, Plan)> {
        plain_where_colourless();
        let manifest = &self.pack.manifest;
        report::say(&format!("{} ({} {})", manifest.description, manifest.name, manifest.version));
        report::say("Enter takes what is shown, Esc goes back, ^C stops; nothing is written before the last yes.\n");
        let mut said = Entered::default();
        loop {
            let name = match &self.given.name {
                Some(name) => name.clone(),
                None => self.ask_name()?,
            };
            // None: back beyond the first question, to the name where that is open.
            if let Some(done) = self.after_name(&name, &mut said)? {
                return Ok(done);
            }
        }
    }

    fn after_name(&self, name: &str, said: &mut Entered) -> anyhow::Result<Option<(Blueprint, Plan)>> {
        if !self.preset_is_open() {
            let resolver = Resolver::new(self.pack, name, self.given.answers.clone())?;
            let resolver = if self.given.preset { resolver.with_preset() } else { resolver };
            return self.ask_all(name, resolver, said);
        }
        loop {
            let Reply::Given(preset) = self.ask_preset(said)? else { return Ok(None) };
            let mut answers = preset.map(|preset| preset.answers.clone()).unwrap_or_default();
            answers.extend(self.given.answers.clone());
            let resolver = Resolver::new(self.pack, name, answers)?;
            let resolver = if preset.is_some() { resolver.with_preset() } else { resolver };
            if let Some(done) = self.ask_all(name, resolver, said)? {
                return Ok(Some(done));
            }
        }
    }

    /// Whether a preset would decide anything that is not decided.
    fn preset_is_open(&self) -> bool {
        let manifest = &self.pack.manifest;
        let open = |question: &Question| {
            question.is_open() && manifest.is_preset(question) && self.given.answers.get(&question.key).is_none()
        };
        !self.given.preset && manifest.questions.iter().any(open)
    }

    /// The presets, and none of them.
    fn ask_preset(&self, said: &mut Entered) -> anyhow::Result<Reply<Option<&'a Preset>>> {
        let presets = &self.pack.manifest.presets;
        let labels = presets.iter().map(|preset| labelled(&preset.name, &preset.help));
        let labels: Vec<String> = labels.chain([labelled("custom", "every question is asked")]).collect();
        // The defaults, where they have a name: Enter all the way is what --yes gives.
        let default = presets.iter().position(Preset::is_default).unwrap_or(presets.len());
        let prompt = Select::new("Preset", labels).with_starting_cursor(said.preset.unwrap_or(default));
        Ok(match reply(prompt.raw_prompt())? {
            Reply::Given(option) => {
                said.preset = Some(option.index);
                Reply::Given(presets.get(option.index))
            }
            Reply::Back => Reply::Back,
        })
    }

    /// `None` when the person went back beyond the first question.
    fn ask_all(
        &self,
        name: &str,
        mut resolver: Resolver,
        said: &mut Entered,
    ) -> anyhow::Result<Option<(Blueprint, Plan)>> {
        let mut trail: Vec<String> = Vec::new();
        loop {
            let back = match resolver.next()? {
                NextQuestion::Ask { question, default } => {
                    let before = said.answers.get(&question.key).cloned();
                    let default = before.filter(|answer| question.check(answer).is_ok()).or(default);
                    match ask(question, default)? {
                        Reply::Given(answer) => {
                            said.answers.insert(&question.key, answer.clone());
                            resolver.answer(&question.key, answer);
                            trail.push(question.key.clone());
                            false
                        }
                        Reply::Back => true,
                    }
                }
                NextQuestion::Done => match resolver.complete() {
                    Ok(answers) => match self.after_questions(name, answers, said)? {
                        Some(done) => return Ok(Some(done)),
                        None => true,
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

    /// The resources, where these answers leave in what makes something of them, and the last yes.
    fn after_questions(
        &self,
        name: &str,
        answers: Answers,
        said: &mut Entered,
    ) -> anyhow::Result<Option<(Blueprint, Plan)>> {
        let (resources, drawn) = (self.given.resources.clone(), self.given.drawn.clone());
        let mut blueprint = Blueprint { name: name.to_owned(), answers, resources, drawn };
        if let Err(faults) = render::select(self.pack, &render::context_of(&blueprint, self.pack)) {
            return go_back(&faults.into()).map(|()| None);
        }
        let open = self.given.resources.is_empty() && render::take_resources(&blueprint, self.pack);
        let mut at = 0;
        loop {
            if open {
                match ask_resources(self.pack, at, &mut said.resources)? {
                    Reply::Given(resources) => blueprint.resources = resources,
                    Reply::Back => return Ok(None),
                }
            }
            match self.last_word(&blueprint)? {
                Reply::Given(plan) => return Ok(Some((blueprint, plan))),
                Reply::Back if open => at = said.resources.len(),
                Reply::Back => return Ok(None),
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

    fn last_word(&self, blueprint: &Blueprint) -> anyhow::Result<Reply<Plan>> {
        let preview = (self.preview)(blueprint);
        interrupt::check()?;
        let Preview { text, plan } = match preview {
            Ok(preview) => preview,
            Err(error) if error.is::<Faults>() => return go_back(&error).map(|()| Reply::Back),
            Err(error) => return Err(error),
        };
        report::say(&format!("\n{text}"));
        match reply(Confirm::new("Create it?").with_default(true).with_help_message("Esc to go back").prompt())? {
            Reply::Given(true) => Ok(Reply::Given(plan)),
            Reply::Given(false) => Err(Stop::Interrupted.into()),
            Reply::Back => Ok(Reply::Back),
        }
    }
}

/// Asks whether `files`, which `dir` holds already, are to stay: a no stops.
pub fn keeps_existing(dir: &Path, files: &[String]) -> anyhow::Result<bool> {
    plain_where_colourless();
    let shown: Vec<String> = files.iter().take(SHOWN).map(|name| visible(name)).collect();
    let more = if files.len() > SHOWN { format!(" and {} more", files.len() - SHOWN) } else { String::new() };
    report::say(&format!("{} holds {}{more}.", dir.display(), shown.join(", ")));
    let prompt = Confirm::new("Keep them, and add what is missing?").with_default(true);
    match reply(prompt.with_help_message("no file that exists is overwritten").prompt())? {
        Reply::Given(true) => Ok(true),
        Reply::Given(false) | Reply::Back => Err(Stop::Interrupted.into()),
    }
}

fn plain_where_colourless() {
    if anstream::AutoStream::choice(&std::io::stderr()) == anstream::ColorChoice::Never {
        inquire::set_global_render_config(inquire::ui::RenderConfig::empty());
    }
}

/// Lines of resources from the `at`th on: each is judged as it comes, with those before it.
fn ask_resources(pack: &Pack, mut at: usize, lines: &mut Vec<String>) -> anyhow::Result<Reply<Vec<Resource>>> {
    let judge = |lines: &[String]| {
        let mut drafts = Drafts::default();
        for (number, line) in (1..).zip(lines) {
            drafts.typed(number, line);
        }
        blueprint::resources(drafts, pack)
    };
    let mut text = lines.get(at).cloned().unwrap_or_default();
    loop {
        let prompt = Text::new("Resources, one a line (empty: done)").with_help_message(GRAMMAR);
        match reply(prompt.with_initial_value(&text).prompt())? {
            Reply::Back if at == 0 => return Ok(Reply::Back),
            Reply::Back => at -= 1,
            Reply::Given(line) if line.trim().is_empty() => {
                lines.truncate(at);
                return Ok(Reply::Given(judge(lines)?));
            }
            Reply::Given(line) => {
                let before = lines.get(..at).unwrap_or_default();
                if let Err(faults) = judge(&[before, std::slice::from_ref(&line)].concat()) {
                    report::error(&faults.into());
                    text = line;
                    continue;
                }
                match lines.get_mut(at) {
                    Some(known) => *known = line,
                    None => lines.push(line),
                }
                at += 1;
            }
        }
        text = lines.get(at).cloned().unwrap_or_default();
    }
}

fn labelled(name: &str, help: &str) -> String {
    if help.is_empty() { name.to_owned() } else { format!("{name}: {help}") }
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
            let labels = question.choices.iter().map(|choice| labelled(&choice.value, &choice.help));
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
