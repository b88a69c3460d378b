//! A pack's own tests: `tests/*.toml`, each a case of answers and what is written for them.
//!
//! ```toml
//! name = "shop"                          # of the service; left out: "shop"
//! answers = { database = "postgres" }
//! resources = ["order note:text?"]
//! refused = "needs a container"          # these answers are refused, and this is said of it
//! exists = ["src/**"]                    # globs over paths of the service
//! absent = ["Dockerfile"]
//! command = ["make test"]                # run in the service, only with --build
//! [contains]
//! "README.md" = ["# shop"]               # texts that stand in the file
//! [equals]
//! "LICENSE" = "expected/LICENSE"         # a file below tests/ that it equals
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use glob::Pattern;
use serde::Deserialize;
use toml::Spanned;

use crate::blueprint::{self, Blueprint, Drawn, Resolver};
use crate::fault::{Fault, Faults, Place, did_you_mean};
use crate::pack::{Answer, Answers, Files, Pack, Text, shown};
use crate::render::{Tree, keep_resources, render_in_time, select};
use crate::schema::Drafts;

const FOLDER: &str = "tests/";
const NAME: &str = "shop";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseForm {
    name: Option<Spanned<String>>,
    #[serde(default)]
    answers: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
    #[serde(default)]
    resources: Vec<Spanned<String>>,
    refused: Option<Spanned<String>>,
    #[serde(default)]
    exists: Vec<Spanned<String>>,
    #[serde(default)]
    absent: Vec<Spanned<String>>,
    #[serde(default)]
    contains: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    #[serde(default)]
    equals: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    command: Vec<Spanned<String>>,
}

/// A case whose file is well written.
#[derive(Debug)]
pub struct Case {
    /// As faults name it.
    pub file: String,
    /// None where the answers are refused.
    pub blueprint: Option<Blueprint>,
    /// To be run in the service, each with its place.
    pub commands: Vec<(String, Place)>,
    wants: Vec<(Want, Place)>,
}

#[derive(Debug)]
enum Want {
    Exists(Pattern),
    Absent(Pattern),
    Contains(String, String),
    Equals(String, Vec<u8>),
}

/// The cases of a pack, and what is wrong with those that cannot be tried.
pub fn read(files: &Files, pack: &Pack) -> (Vec<Case>, Faults) {
    let mut faults = Faults::default();
    let mut cases = Vec::new();
    for (path, content) in files {
        let is_case =
            path.strip_prefix(FOLDER).is_some_and(|name| !name.contains('/') && name.strip_suffix(".toml").is_some());
        if !is_case {
            continue;
        }
        let case = Text::from_utf8(pack.shown(path), content.clone()).map_err(Faults::from).and_then(|text| {
            let (form, faults) = text.pack_toml()?;
            CaseReader { files, pack, text: &text, faults }.read(&form)
        });
        match case {
            Ok(case) => cases.push(case),
            Err(more) => faults.extend(more),
        }
    }
    (cases, faults)
}

struct CaseReader<'a> {
    files: &'a Files,
    pack: &'a Pack,
    text: &'a Text,
    faults: Faults,
}

impl CaseReader<'_> {
    fn read(mut self, form: &CaseForm) -> Result<Case, Faults> {
        let name = form.name.as_ref().map_or(NAME, |name| name.get_ref());
        let top = form.name.as_ref().map_or(0, |name| name.span().start);
        if let Err(fault) = self.pack.manifest.name_rules.check(name) {
            self.fault(top, fault);
        }
        let answers = self.answers(form);
        let mut drafts = Drafts::default();
        for (number, spec) in (1..).zip(&form.resources) {
            drafts.flag(number, spec.get_ref());
        }
        let place = form.resources.first().map_or(top, |spec| spec.span().start);
        let resources =
            if form.resources.is_empty() { Ok(Vec::new()) } else { blueprint::resources(drafts, self.pack) };
        let mut wants = Vec::new();
        for (patterns, want) in [(&form.exists, Want::Exists as fn(_) -> _), (&form.absent, Want::Absent)] {
            for pattern in patterns {
                match Pattern::new(pattern.get_ref()) {
                    Ok(glob) => wants.push((want(glob), self.text.place(pattern.span().start))),
                    Err(error) => self.fault(pattern.span().start, Fault::new(format!("no file pattern: {error}"))),
                }
            }
        }
        for (path, texts) in &form.contains {
            for text in texts {
                let want = Want::Contains(path.get_ref().clone(), text.get_ref().clone());
                wants.push((want, self.text.place(text.span().start)));
            }
        }
        for (path, expected) in &form.equals {
            let source = format!("{FOLDER}{}", expected.get_ref());
            match self.files.get(&source) {
                Some(content) => {
                    let want = Want::Equals(path.get_ref().clone(), content.to_vec());
                    wants.push((want, self.text.place(expected.span().start)));
                }
                None => {
                    let near = did_you_mean(&source, self.files.keys().map(String::as_str));
                    let message = format!("no file \"{}\" in the pack{near}", shown(&source));
                    self.fault(expected.span().start, Fault::new(message));
                }
            }
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let drawn = Drawn::at(0);
        let made = Resolver::new(self.pack, name, answers).and_then(|resolver| {
            let answers = resolver.complete()?;
            let blueprint = Blueprint { name: name.to_owned(), answers, resources: resources?, drawn };
            let layers = select(self.pack, &crate::render::context_of(&blueprint, self.pack))?;
            keep_resources(&blueprint, self.pack, &layers)?;
            Ok(blueprint)
        });
        let refused = form.refused.as_ref().map(|refused| (refused.get_ref().as_str(), refused.span().start));
        let blueprint = match (made, refused) {
            (Ok(blueprint), None) => Some(blueprint),
            (Err(faults), None) => {
                faults.0.into_iter().for_each(|fault| self.fault(place, fault));
                None
            }
            (Ok(_), Some((_, at))) => {
                self.fault(at, Fault::new("these answers are not refused"));
                None
            }
            (Err(said), Some((words, at))) => {
                if !said.to_string().contains(words) {
                    let message = format!("these answers are refused, and otherwise: {}", one_line(&said));
                    self.fault(at, Fault::new(message));
                }
                None
            }
        };
        let commands = form.command.iter().map(|line| (line.get_ref().clone(), self.text.place(line.span().start)));
        let commands = commands.collect();
        self.faults.or(Case { file: self.text.file.clone(), blueprint, commands, wants })
    }

    /// Another's fault, told at its place in this file.
    fn fault(&mut self, at: usize, fault: Fault) {
        self.faults.push(Fault { place: Some(self.text.place(at)), ..fault });
    }

    fn answers(&mut self, form: &CaseForm) -> Answers {
        let mut answers = Answers::default();
        for (key, value) in &form.answers {
            let question = self.pack.manifest.question(key.get_ref());
            let Some(question) = question else {
                let keys = || self.pack.manifest.questions.iter().map(|question| question.key.as_str());
                let near = did_you_mean(key.get_ref(), keys());
                let fault = Fault::new(format!("the template asks nothing named \"{}\"{near}", shown(key.get_ref())));
                let fault = fault.help(format!("it asks: {}", keys().collect::<Vec<_>>().join(", ")));
                self.fault(key.span().start, fault);
                continue;
            };
            let read = Answer::from_toml(value.get_ref()).and_then(|answer| question.check(&answer).map(|()| answer));
            match read {
                Ok(answer) => answers.insert(key.get_ref(), answer),
                Err(why) => self.fault(value.span().start, Fault::new(format!("{}: {why}", key.get_ref()))),
            }
        }
        answers
    }
}

impl Case {
    /// What is written otherwise than the case says.
    pub fn faults(&self, pack: &Arc<Pack>) -> Faults {
        let Some(blueprint) = &self.blueprint else { return Faults::default() };
        let tree = match render_in_time(blueprint, pack) {
            Ok(tree) => tree,
            Err(faults) => return faults,
        };
        let mut faults = Faults::default();
        for (want, place) in &self.wants {
            if let Err(fault) = want.check(&tree) {
                faults.push(Fault { place: Some(place.clone()), ..fault });
            }
        }
        faults
    }
}

impl Want {
    fn check(&self, tree: &Tree) -> Result<(), Fault> {
        let matching =
            |glob: &Pattern| tree.iter().map(|(path, _)| path.as_str().to_owned()).find(|path| glob.matches(path));
        let content = |path: &str| {
            let near = did_you_mean(path, tree.iter().map(|(path, _)| path.as_str()));
            tree.get(path).map(|file| &file.content).ok_or_else(|| Fault::new(format!("{path} is not written{near}")))
        };
        match self {
            Self::Exists(glob) => {
                let near = did_you_mean(glob.as_str(), tree.iter().map(|(path, _)| path.as_str()));
                matching(glob).map(drop).ok_or_else(|| Fault::new(format!("{glob} is not written{near}")))
            }
            Self::Absent(glob) => matching(glob).map_or(Ok(()), |path| Err(Fault::new(format!("{path} is written")))),
            Self::Contains(path, text) => {
                if String::from_utf8_lossy(content(path)?).contains(text) {
                    return Ok(());
                }
                Err(Fault::new(format!("{path} does not hold \"{}\"", shown(text))))
            }
            Self::Equals(path, expected) => {
                let content = content(path)?;
                if content == expected {
                    return Ok(());
                }
                let line = |text: &[u8], at: usize| {
                    let text = String::from_utf8_lossy(text);
                    text.split('\n').nth(at).map_or_else(|| "no line".to_owned(), |line| format!("`{}`", shown(line)))
                };
                let lines = String::from_utf8_lossy(expected).split('\n').count();
                let at = (0..lines).find(|at| line(content, *at) != line(expected, *at)).unwrap_or(lines);
                let message = format!("line {} of {path} is {}, not {}", at + 1, line(content, at), line(expected, at));
                Err(Fault::new(message))
            }
        }
    }
}

fn one_line(faults: &Faults) -> String {
    faults.0.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ")
}
