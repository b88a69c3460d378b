//! Which services are tried: any two answers together, every condition both ways, and every text that a
//! question is tried with, in as few services as will do.

use std::collections::{BTreeMap, BTreeSet};

use tera::Context;

use super::conditions::{self, Judged};
use super::factors::{self, Factor};
use super::pairwise::{self, Pair, pairs, product};
use super::resources::{Amount, Resources};
use super::values;
use super::values::Value;
use crate::blueprint::{Blueprint, Drawn, Resolver};
use crate::fault::{Fault, Faults};
use crate::pack::{Answer, Answers, KINDS, Layer, Pack, Question, RESOURCES, TARGETS};
use crate::render::{context_of, select};
use crate::template::sh;

/// Above this, to try each row there could be takes too long, and those stand for them that hold any two
/// answers, or all that one condition reads, beside the defaults.
const MOST_ROWS: usize = 4096;

/// 2026-01-01T00:00:00Z: what is drawn is no part of what is tried.
const MOMENT: u64 = 1_767_225_600;

/// A service that is tried.
#[derive(Debug, Clone)]
pub struct Row {
    pub blueprint: Blueprint,
    /// What was answered, where that is not the default.
    pub(super) given: Vec<(String, Answer)>,
    /// The questions that were asked.
    pub(super) asked: BTreeSet<String>,
}

impl Row {
    /// The arguments of `new` that give it.
    pub fn shown(&self) -> String {
        let mut words = vec![self.blueprint.name.clone()];
        for (key, answer) in &self.given {
            let answer = match answer {
                Answer::List(items) => items.join(","),
                other => other.to_string(),
            };
            words.extend(["--set".to_owned(), sh(&format!("{key}={answer}"))]);
        }
        for resource in &self.blueprint.resources {
            words.extend(["--resource".to_owned(), sh(&resource.to_string())]);
        }
        words.join(" ")
    }
}

/// The services that a pack is tried with.
#[derive(Debug, Default)]
pub struct Rows {
    pub chosen: Vec<Row>,
    /// All that the pack allows of those that were looked at; each text has its default, or the plainest.
    pub allowed: Vec<Row>,
    /// Numbers of conditions ([`conditions::all`]), with a value that each can have.
    pub truths: BTreeSet<(usize, bool)>,
}

/// A pack, being tried.
pub struct Trial<'a> {
    pub(super) pack: &'a Pack,
    pub(super) factors: Vec<Factor<'a>>,
    conditions: Vec<Judged<'a>>,
    /// Names that take turns, and those that a row decides on.
    pub(super) names: Vec<String>,
    pub(super) named: Vec<String>,
    resources: Resources<'a>,
    pub(super) rows: Rows,
    faults: Faults,
}

impl Rows {
    /// The rows of a pack; faults where it takes no answers at all, or its conditions cannot be read.
    pub fn of(pack: &Pack) -> Result<Self, Faults> {
        let names = values::names(&pack.manifest);
        if names.is_empty() {
            let fault = Fault::new(format!("{}: [name-rules] let no plain name pass", pack.shown("pack.toml")));
            return Err(fault.help("\"shop\" and \"order-api\" are among those that were tried").into());
        }
        let mut trial = Trial {
            pack,
            factors: factors::of(pack),
            conditions: conditions::all(pack),
            names,
            named: factors::names(pack),
            resources: Resources::of(pack),
            rows: Rows::default(),
            faults: Faults::default(),
        };
        let held = trial.look();
        if trial.rows.allowed.is_empty() && trial.faults.is_empty() {
            let fault = Fault::new(format!("{}: no answers make a service", pack.shown("pack.toml")));
            trial.faults.push(fault.help("a refusal or a missing layer stands in the way of each"));
        }
        trial.choose(&held);
        trial.faults.extend(std::mem::take(&mut trial.resources.faults));
        trial.faults.or(trial.rows)
    }
}

/// Whether so many values make no more combinations than are tried one by one.
fn is_few(sizes: &[usize]) -> bool {
    sizes.iter().try_fold(1_usize, |count, size| count.checked_mul(*size).filter(|n| *n <= MOST_ROWS)).is_some()
}

impl Trial<'_> {
    /// Looks at every row, or at what stands for them; what each that is allowed holds, by number.
    fn look(&mut self) -> Vec<Vec<usize>> {
        let sizes: Vec<usize> = self.factors.iter().map(|factor| factor.values.len()).collect();
        let rows = if is_few(&sizes) { product(&sizes) } else { self.beside_the_defaults(&sizes) };
        let mut numbers: BTreeMap<Held, usize> = BTreeMap::new();
        let mut held = Vec::new();
        for row in rows {
            let Some((found, truths)) = self.admit(&row) else { continue };
            let all = pairs(&row).map(Held::Pair).chain(truths.into_iter().map(Held::Truth));
            let number = |one: Held| {
                let next = numbers.len();
                *numbers.entry(one).or_insert(next)
            };
            held.push(all.map(number).collect());
            self.rows.allowed.push(found);
        }
        held
    }

    /// Rows that differ from the defaults in two answers, or in those that one condition reads.
    fn beside_the_defaults(&self, sizes: &[usize]) -> Vec<pairwise::Row> {
        let (name, resources) = (self.factors.len() - 2, self.factors.len() - 1);
        let position = |key: &str| match key {
            "name" => Some(name),
            RESOURCES | KINDS | TARGETS => Some(resources),
            _ => self.factors.iter().position(|factor| factor.question.is_some_and(|question| question.key == key)),
        };
        let default = |factor: &Factor| {
            let default = factor.question.and_then(|question| question.default.as_ref());
            let at = factor.values.iter().position(|value| value.is_some() && value.as_ref() == default);
            at.unwrap_or(0)
        };
        let defaults: pairwise::Row = self.factors.iter().map(default).collect();
        let mut sets: Vec<Vec<usize>> = Vec::new();
        for one in 0..sizes.len() {
            sets.extend((one + 1..sizes.len()).map(|other| vec![one, other]));
        }
        for judged in &self.conditions {
            let reads: BTreeSet<usize> = judged.reads(self.pack).iter().filter_map(|key| position(key)).collect();
            sets.push(reads.into_iter().collect());
        }
        let mut rows = BTreeSet::from([defaults.clone()]);
        for set in sets {
            let sizes: Vec<usize> = set.iter().map(|at| sizes[*at]).collect();
            if !is_few(&sizes) {
                continue;
            }
            for values in product(&sizes) {
                let mut row = defaults.clone();
                set.iter().zip(values).for_each(|(at, value)| row[*at] = value);
                rows.insert(row);
            }
        }
        rows.into_iter().collect()
    }

    /// The service of a row, where the pack allows it, and what its conditions come to.
    fn admit(&mut self, row: &[usize]) -> Option<(Row, Vec<(usize, bool)>)> {
        let plainest = |question: &Question| {
            let values = values::of(question, &BTreeSet::new(), &self.pack.manifest);
            values.into_iter().next().flatten()
        };
        let name = self.named[row[self.factors.len() - 2]].clone();
        let found = self.answers(row, &name, plainest);
        let mut found = self.kept(found)??;
        let amount = Amount::ALL[row[self.factors.len() - 1]];
        let known = context_of(&found.blueprint, self.pack);
        found.blueprint.resources = self.resources.of_service(amount, &known)?;
        let context = if amount == Amount::None { known } else { context_of(&found.blueprint, self.pack) };
        let layers = select(self.pack, &context);
        let mut truths = Vec::new();
        let layers: Vec<&Layer> = match layers {
            Ok(layers) if amount == Amount::None || layers.iter().any(|layer| layer.is_for_resources()) => layers,
            Ok(_) => return None,
            Err(faults) => {
                // A refusal is what the pack says; what has a place in it is wrong there.
                let _ = self.kept::<()>(Err(Faults(faults.0.into_iter().filter(|one| one.place.is_some()).collect())));
                self.judge(&context, &[], true);
                return None;
            }
        };
        truths.extend(self.judge(&context, &layers, false));
        Some((found, truths))
    }

    /// What the conditions come to; of answers that are refused, the refusals alone.
    fn judge(&mut self, context: &Context, layers: &[&Layer], refused: bool) -> Vec<(usize, bool)> {
        let mut truths = Vec::new();
        for (number, judged) in self.conditions.iter().enumerate() {
            let asked = !refused || matches!(judged.decides, conditions::Decides::Refusal);
            if !asked || !judged.counts(layers) {
                continue;
            }
            match judged.holds(context) {
                Ok(truth) => truths.push((number, truth)),
                Err(fault) if self.faults.0.contains(&fault) => {}
                Err(fault) => self.faults.push(fault),
            }
        }
        self.rows.truths.extend(truths.iter().copied());
        truths
    }

    /// The answers of a row; none where it answers what is not asked. `free` answers the questions that are
    /// no factors.
    fn answers(
        &self,
        row: &[usize],
        name: &str,
        mut free: impl FnMut(&Question) -> Value,
    ) -> Result<Option<Row>, Faults> {
        let (mut given, mut asked) = (Vec::new(), BTreeSet::new());
        let mut missing = Faults::default();
        let value = |key: &str| {
            let at = self.factors.iter().position(|factor| factor.question.is_some_and(|asked| asked.key == key))?;
            Some(&self.factors[at].values[row[at]])
        };
        let resolver = Resolver::new(self.pack, name, Answers::default())?;
        let answers = resolver.answer_all(|question, default| {
            asked.insert(question.key.clone());
            let said = value(&question.key).cloned().unwrap_or_else(|| free(question));
            if let Some(answer) = &said
                && said != default
            {
                given.push((question.key.clone(), answer.clone()));
            }
            let said = said.or(default);
            if said.is_none() {
                let message =
                    format!("\"{}\" has no default, and takes none of the answers that were tried", question.key);
                missing.push(Fault::at(question.place.clone(), message).help("give it a default"));
            }
            said
        })?;
        missing.or(())?;
        let stands = |factor: &Factor, value: &usize| match (factor.question, &factor.values[*value]) {
            (Some(question), Some(answer)) => answers.get(&question.key) == Some(answer),
            _ => true,
        };
        if !self.factors.iter().zip(row).all(|(factor, value)| stands(factor, value)) {
            return Ok(None);
        }
        let drawn = Drawn::at(MOMENT);
        let blueprint = Blueprint { name: name.to_owned(), answers, resources: Vec::new(), drawn };
        Ok(Some(Row { blueprint, given, asked }))
    }

    /// Keeps the faults, each once.
    pub(super) fn kept<T>(&mut self, result: Result<T, Faults>) -> Option<T> {
        result
            .map_err(|faults| {
                let new: Vec<Fault> = faults.0.into_iter().filter(|fault| !self.faults.0.contains(fault)).collect();
                self.faults.extend(Faults(new));
            })
            .ok()
    }
}

/// What a row of the cover holds.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Pair(Pair),
    Truth((usize, bool)),
}
