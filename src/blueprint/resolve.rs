//! From what was given to a complete set of answers: one question at a time, in the pack's order.
//!
//! The wizard and the flags walk the same steps, so they cannot differ.

use tera::Context;

use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::{Answer, Answers, Kind, Pack, Question};
use crate::template::render_text;

/// What the next question of the pack comes to.
#[derive(Debug)]
pub enum NextQuestion<'a> {
    /// To be asked; the default is what stands when nobody answers.
    Ask { question: &'a Question, default: Option<Answer> },
    /// Nothing is left to answer.
    Done,
}

/// Walks the questions of a pack for one service.
pub struct Resolver<'a> {
    pack: &'a Pack,
    name: String,
    given: Answers,
    /// Whether a preset was chosen: what presets answer is not asked.
    preset: bool,
}

impl<'a> Resolver<'a> {
    /// `given` holds answers from flags, files and presets; they must fit their questions.
    pub fn new(pack: &'a Pack, name: &str, given: Answers) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        for (key, answer) in given.iter() {
            match pack.manifest.question(key) {
                Some(question) => {
                    if let Err(why) = question.check(answer) {
                        faults.push(Fault::new(format!("{key}: {why}")));
                    }
                }
                None => {
                    let keys = || pack.manifest.questions.iter().map(|question| question.key.as_str());
                    let fault =
                        Fault::new(format!("the template asks nothing named \"{key}\"{}", did_you_mean(key, keys())));
                    faults.push(fault.help(format!("it asks: {}", keys().collect::<Vec<_>>().join(", "))));
                }
            }
        }
        faults.or(Self { pack, name: name.to_owned(), given, preset: false })
    }

    /// After a preset was chosen: its answers are among those given, and where it has none, that of
    /// another preset's question is the default.
    #[must_use]
    pub fn with_preset(self) -> Self {
        Self { preset: true, ..self }
    }

    pub fn answer(&mut self, key: &str, answer: Answer) {
        self.given.insert(key, answer);
    }

    /// Takes an answer back, so that it is asked again.
    pub fn forget(&mut self, key: &str) {
        self.given.remove(key);
    }

    pub fn given(&self, key: &str) -> Option<&Answer> {
        self.given.get(key)
    }

    /// The first question that applies, is open and has no answer.
    pub fn next(&self) -> Result<NextQuestion<'a>, Faults> {
        let mut context = self.context();
        for question in &self.pack.manifest.questions {
            let applies = applies(question, &context)?;
            let default = self.default_of(question, applies, &context)?;
            let settled = self.preset && default.is_some() && self.pack.manifest.is_preset(question);
            if applies && question.is_open() && !settled && self.given.get(&question.key).is_none() {
                return Ok(NextQuestion::Ask { question, default });
            }
            let answer = self.given.get(&question.key).filter(|_| applies).cloned().or(default);
            insert(&mut context, question, answer);
        }
        Ok(NextQuestion::Done)
    }

    /// Asks all that applies and is open in one go: `answer` gets each question and its default, and
    /// says what stands. What is given already is not looked at.
    pub fn answer_all(
        &self,
        mut answer: impl FnMut(&'a Question, Option<Answer>) -> Option<Answer>,
    ) -> Result<Answers, Faults> {
        let mut context = self.context();
        let mut answers = Answers::default();
        for question in &self.pack.manifest.questions {
            let applies = applies(question, &context)?;
            let default = self.default_of(question, applies, &context)?;
            let said = if applies && question.is_open() { answer(question, default) } else { default };
            if let Some(said) = &said {
                let refused = |why| Fault::at(question.place.clone(), format!("\"{}\": {why}", question.key));
                question.check(said).map_err(refused)?;
                answers.insert(&question.key, said.clone());
            }
            insert(&mut context, question, said);
        }
        Ok(answers)
    }

    /// Forgets answers that have no effect any more, but for those that are `asked_for` now.
    pub fn settle(&mut self, asked_for: &[&str]) -> Result<(), Faults> {
        let mut context = self.context();
        for question in &self.pack.manifest.questions {
            let applies = applies(question, &context)?;
            if !applies && !asked_for.contains(&question.key.as_str()) {
                self.given.remove(&question.key);
            }
            let default = self.default_of(question, applies, &context)?;
            let answer = self.given.get(&question.key).filter(|_| applies).cloned().or(default);
            insert(&mut context, question, answer);
        }
        Ok(())
    }

    /// Which questions apply, with the answer each has now; for the summary and `service.toml`.
    pub fn applicable(&self, answers: &Answers) -> Result<Vec<&'a Question>, Faults> {
        let mut context = self.context();
        for (key, answer) in answers.iter() {
            context.insert(key.to_owned(), answer);
        }
        let mut questions = Vec::new();
        for question in &self.pack.manifest.questions {
            if applies(question, &context)? {
                questions.push(question);
            }
        }
        Ok(questions)
    }

    /// Fills every gap with its default. What has none and was not given, and what was given and
    /// has no effect, are faults, all together.
    pub fn complete(&self) -> Result<Answers, Faults> {
        let mut context = self.context();
        let mut answers = Answers::default();
        let mut faults = Faults::default();
        for question in &self.pack.manifest.questions {
            let applies = applies(question, &context)?;
            let default = self.default_of(question, applies, &context)?;
            let given = self.given.get(&question.key);
            if let (Some(answer), false, Some(when)) = (given, applies, &question.when)
                && Some(answer) != default.as_ref()
            {
                let message = format!(
                    "{} = \"{answer}\" has no effect here: it counts only when {}",
                    question.key, when.expression
                );
                faults.push(Fault::new(message).help("leave it out, or change the other answer"));
            }
            let answer = given.filter(|_| applies).cloned().or(default);
            match &answer {
                Some(answer) => {
                    if let Err(why) = question.check(answer) {
                        faults.push(
                            Fault::new(format!("{}: {why}", question.key))
                                .help(format!("give one with --{}", question.flag())),
                        );
                    }
                    answers.insert(&question.key, answer.clone());
                }
                None => faults.push(
                    Fault::new(format!("\"{}\" has no default and was not given", question.key)).help(format!(
                        "--{} …: {}",
                        question.flag(),
                        question.prompt
                    )),
                ),
            }
            insert(&mut context, question, answer);
        }
        faults.or(answers)
    }

    fn context(&self) -> Context {
        let mut context = Context::new();
        context.insert("name", &self.name);
        context
    }

    /// What stands without an answer: templates in texts are rendered over the answers so far.
    fn default_of(&self, question: &Question, applies: bool, context: &Context) -> Result<Option<Answer>, Faults> {
        let otherwise = question.otherwise.as_ref().filter(|_| !applies);
        match otherwise.or(question.default.as_ref()) {
            Some(Answer::Text(template)) if question.kind == Kind::Text => {
                let file = &question.file;
                let text = render_text(&self.pack.manifest.delimiters, template, context)
                    .map_err(|why| Fault::new(format!("{file}: the default of \"{}\": {why}", question.key)))?;
                Ok(Some(Answer::Text(text)))
            }
            other => Ok(other.cloned()),
        }
    }
}

fn applies(question: &Question, context: &Context) -> Result<bool, Faults> {
    question.when.as_ref().map_or(Ok(true), |when| when.holds(context)).map_err(Faults::from)
}

/// An unanswered question reads as an empty text until it is answered, so later `when`s can be read.
fn insert(context: &mut Context, question: &Question, answer: Option<Answer>) {
    context.insert(question.key.clone(), &answer.unwrap_or_else(|| Answer::Text(String::new())));
}
