//! From what a repository is made of, and a command, to what it is to be made of.

mod resource;

use self::resource::judged;
use crate::blueprint::{self, Blueprint, Drawn, PartialBlueprint, Resolver};
use crate::cli::{AddArgs, Change, RemoveArgs};
use crate::evolve::{Lock, Repo};
use crate::fault::{Fault, Faults, Stop, did_you_mean};
use crate::pack::{Answer, Answers, Kind, Layer, Pack, Question};
use crate::schema::{Access, Resource};

/// Declares that every account may write the resources without an owner, as in the repository of `lock`; a note each.
fn keep_access(resources: &mut [Resource], lock: &Lock, pack: &Pack) -> Vec<String> {
    let was_in = |layer: &&Layer| lock.files.values().any(|file| file.layer == layer.name);
    if !blueprint::has_accounts(&pack.layers.iter().filter(was_in).collect::<Vec<_>>()) {
        return Vec::new();
    }
    let mut notes = Vec::new();
    for resource in resources.iter_mut().filter(|resource| resource.owner.is_none() && resource.access.write.is_none())
    {
        resource.access.write = Some(Access::SignedIn);
        notes.push(format!(
            "every account may write each {0}, as before: {1} says so now (write = \"{2}\" of \"{0}\"); \
             without the line, only administrators may",
            resource.name,
            blueprint::FILE_NAME,
            Access::SignedIn.as_str(),
        ));
    }
    notes
}

/// What `service.toml` gives, read once: what a change begins with.
#[derive(Clone)]
pub struct RepoInputs {
    pub name: String,
    given: Answers,
    resources: Vec<Resource>,
    /// What the person should know of it.
    pub notes: Vec<String>,
}

impl RepoInputs {
    /// For an `update`, answers to what the template no longer asks are left out, and named.
    pub fn read(repo: &Repo, pack: &Pack, update: bool) -> Result<Self, Faults> {
        let older = update && repo.lock().is_ok_and(|lock| lock.digest != pack.digest);
        let read = if older { repo.service.read_older(pack) } else { repo.service.read(pack) };
        let PartialBlueprint { name, answers, resources, unknown } = read?;
        let Some(name) = name else {
            let fault = Fault::new(format!("{}: it has no `name`", blueprint::FILE_NAME));
            return Err(fault.help("the name of the service, as in: name = \"shop\"").into());
        };
        pack.manifest.name_rules.check(&name)?;
        let note = |key: &String| format!("the template no longer asks for \"{key}\": the answer is left out");
        let mut notes: Vec<String> = unknown.iter().map(note).collect();
        let mut resources = blueprint::resources(resources, pack)?;
        if let Ok(lock) = repo.lock()
            && lock.predates_access_rules()
        {
            notes.extend(keep_access(&mut resources, lock, pack));
        }
        Ok(Self { name, given: answers, resources, notes })
    }

    /// The blueprint after `change`.
    pub fn after(&mut self, change: &Change, pack: &Pack, drawn: Drawn) -> anyhow::Result<Blueprint> {
        match change {
            Change::Add(arguments) => self.add(arguments, pack, drawn),
            Change::Remove(arguments) => self.remove(arguments, pack, drawn),
            Change::Resource(arguments) => self.resource(arguments, pack, drawn),
            Change::Apply(_) | Change::Undo | Change::Update(_) | Change::Diff(_) => Ok(self.standing(pack, drawn)?),
        }
    }

    /// The blueprint as it stands.
    pub fn standing(&mut self, pack: &Pack, drawn: Drawn) -> Result<Blueprint, Faults> {
        self.blueprint(pack, drawn, &[])
    }

    /// `asked_for` must have an effect; other answers that have none any more are left out.
    fn blueprint(&mut self, pack: &Pack, drawn: Drawn, asked_for: &[&str]) -> Result<Blueprint, Faults> {
        let given = std::mem::take(&mut self.given);
        let mut resolver = Resolver::new(pack, &self.name, given)?;
        if !asked_for.is_empty() {
            resolver.settle(asked_for)?;
        }
        let resources = std::mem::take(&mut self.resources);
        Ok(Blueprint { name: self.name.clone(), answers: resolver.complete()?, resources, drawn })
    }

    fn add(&mut self, arguments: &AddArgs, pack: &Pack, drawn: Drawn) -> anyhow::Result<Blueprint> {
        let before = self.given.clone();
        let mut faults = Faults::default();
        let mut keys = Vec::new();
        for text in &arguments.answers {
            let Some((key, value)) = text.split_once('=') else {
                let fault = Fault::new(format!("{text}: KEY=VALUE is expected"));
                faults.push(match pack.manifest.question(text) {
                    Some(question) => fault.help(choices(question)),
                    None => fault.help("`new-service catalog` lists the keys"),
                });
                continue;
            };
            let Some(question) = question(key, pack, &mut faults) else { continue };
            match question.read(value) {
                Ok(answer) => {
                    let answer = match (answer, self.given.get(key)) {
                        (Answer::List(more), Some(Answer::List(there))) => {
                            let new = more.into_iter().filter(|item| !there.contains(item));
                            Answer::List(there.iter().cloned().chain(new).collect())
                        }
                        (answer, _) => answer,
                    };
                    self.given.insert(key, answer);
                    keys.push(question.key.as_str());
                }
                Err(why) => faults.push(Fault::new(format!("{text}: {why}"))),
            }
        }
        faults.or(()).map_err(Stop::Usage)?;
        self.leave_the_rest(before, &keys, pack);
        Ok(self.blueprint(pack, drawn, &keys)?)
    }

    /// A question that counts only now is no reason for more than was asked for: its answer stays. `before` are the
    /// answers without those that are `asked_for`.
    fn leave_the_rest(&mut self, before: Answers, asked_for: &[&str], pack: &Pack) {
        let standing = |given| {
            let mut resolver = Resolver::new(pack, &self.name, given)?;
            resolver.settle(asked_for)?;
            let answers = resolver.complete()?;
            let applicable = resolver.applicable(&answers)?;
            Ok::<_, Faults>((answers, applicable))
        };
        // What is wrong with the answers is for the blueprint to say; what was wrong may be mended now.
        let (Ok((stood, applied)), Ok((_, applicable))) = (standing(before), standing(self.given.clone())) else {
            return;
        };
        for question in applicable {
            let is_new = self.given.get(&question.key).is_none() && !applied.iter().any(|one| one.key == question.key);
            let stands = stood.get(&question.key).filter(|answer| question.check(answer).is_ok());
            if let (true, true, Some(answer)) = (is_new, question.otherwise.is_some(), stands) {
                self.given.insert(&question.key, answer.clone());
                self.notes.push(format!("{} stays \"{answer}\"; it can be {} now", question.key, choices(question)));
            }
        }
    }

    fn remove(&mut self, arguments: &RemoveArgs, pack: &Pack, drawn: Drawn) -> anyhow::Result<Blueprint> {
        let mut faults = Faults::default();
        let mut keys = Vec::new();
        let mut gone = Vec::new();
        for text in &arguments.keys {
            let (key, item) = text.split_once('=').map_or((text.as_str(), None), |(key, item)| (key, Some(item)));
            let is_resource = self.resources.iter().any(|resource| resource.name == key);
            match pack.manifest.question(key) {
                Some(_) if is_resource => {
                    let message = format!("\"{key}\" is an answer and a resource: which one is meant?");
                    faults.push(Fault::new(message).help(format!(
                        "the answer: add {key}=…; the resource: edit service.toml, then `new-service apply`"
                    )));
                }
                None if is_resource && item.is_none() => gone.push(key),
                None => {
                    let names = self.resources.iter().map(|resource| resource.name.as_str());
                    let names: Vec<&str> =
                        names.chain(pack.manifest.questions.iter().map(|question| question.key.as_str())).collect();
                    let near = did_you_mean(key, names.iter().copied());
                    let fault = Fault::new(format!("\"{key}\" is neither an answer nor a resource{near}"));
                    faults.push(fault.help(format!("there are: {}", names.join(", "))));
                }
                Some(question) => match taken_back(question, item, self.given.get(key)) {
                    Ok(answer) => {
                        match answer {
                            Some(answer) => self.given.insert(key, answer),
                            None => self.given.remove(key),
                        }
                        keys.push(question.key.as_str());
                    }
                    Err(fault) => faults.push(fault),
                },
            }
        }
        faults.or(()).map_err(Stop::Usage)?;
        if !gone.is_empty() {
            let kept = self.resources.iter().filter(|resource| !gone.contains(&resource.name.as_str()));
            self.resources = judged(kept.map(ToString::to_string), None, pack)?;
        }
        // Nothing is asked for: what has no effect now goes as well.
        let nothing = [""];
        Ok(self.blueprint(pack, drawn, &nothing)?)
    }
}

fn question<'a>(key: &str, pack: &'a Pack, faults: &mut Faults) -> Option<&'a Question> {
    let found = pack.manifest.question(key);
    if found.is_none() {
        let keys = || pack.manifest.questions.iter().map(|question| question.key.as_str());
        let fault = Fault::new(format!("{key}: the template asks nothing of that name{}", did_you_mean(key, keys())));
        faults.push(fault.help(format!("it asks: {}", keys().collect::<Vec<_>>().join(", "))));
    }
    found
}

fn choices(question: &Question) -> String {
    let values: Vec<&str> = question.choices.iter().map(|choice| choice.value.as_str()).collect();
    if values.is_empty() {
        format!("{}=…", question.key)
    } else {
        format!("{}={}", question.key, values.join(", or "))
    }
}

/// What stands when an answer is taken back: nothing of the kind, where the question has such an answer, and
/// else its default.
fn taken_back(question: &Question, item: Option<&str>, given: Option<&Answer>) -> Result<Option<Answer>, Fault> {
    const NOTHING: &str = "none";
    match (question.kind, item) {
        (Kind::List, Some(item)) => {
            let Some(Answer::List(items)) = given else { return Ok(None) };
            if !items.iter().any(|there| there == item) {
                let near = did_you_mean(item, items.iter().map(String::as_str));
                return Err(Fault::new(format!("{}: \"{item}\" is not in it{near}", question.key)));
            }
            Ok(Some(Answer::List(items.iter().filter(|there| *there != item).cloned().collect())))
        }
        (_, Some(_)) => Err(Fault::new(format!("{}: only a list has items to remove", question.key))
            .help(format!("new-service remove {}", question.key))),
        (Kind::List, None) => Ok(Some(Answer::List(Vec::new()))),
        (Kind::Bool, None) => Ok(Some(Answer::Bool(false))),
        (Kind::Choice, None) if question.choices.iter().any(|choice| choice.value == NOTHING) => {
            Ok(Some(Answer::Text(NOTHING.into())))
        }
        _ => Ok(None),
    }
}
