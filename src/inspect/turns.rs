//! Texts and names take turns in the services that are tried, until each has had its own.

use std::collections::BTreeSet;

use super::pairwise::fewest;
use super::rows::{Row, Trial};
use super::values::{self, Value};
use crate::blueprint::{Blueprint, Resolver};
use crate::pack::{Answers, Question};
use crate::render::{context_of, select};

/// A question whose values have their turns, and how many have had theirs.
struct Turns<'a> {
    question: &'a Question,
    values: Vec<Value>,
    done: usize,
    /// Of a question that decides something: the answer that the values may stand for.
    instead_of: Option<Value>,
}

impl Turns<'_> {
    /// Whether its values may stand in this row.
    fn fit(&self, row: &Row) -> bool {
        let stands = |value: &Value| row.blueprint.answers.get(&self.question.key) == value.as_ref();
        row.asked.contains(&self.question.key) && self.instead_of.as_ref().is_none_or(stands)
    }
}

impl<'a> Trial<'a> {
    /// Of the rows that are allowed, few that hold all; then gives texts and names in turn, and takes rows
    /// again until each text has had its turn.
    pub(super) fn choose(&mut self, held: &[Vec<usize>]) {
        let chosen = fewest(held);
        let mut turns = self.turns();
        for at in chosen.iter().copied() {
            self.take(at, &mut turns);
        }
        for at in chosen {
            let is_left = |turns: &Turns, row: &Row| turns.done < turns.values.len() && turns.fit(row);
            let done = |turns: &[Turns]| turns.iter().map(|turns| turns.done).sum::<usize>();
            while turns.iter().any(|turns| is_left(turns, &self.rows.allowed[at])) {
                let before = done(&turns);
                self.take(at, &mut turns);
                if done(&turns) == before {
                    break;
                }
            }
        }
    }

    fn turns(&self) -> Vec<Turns<'a>> {
        let questions = self.pack.manifest.questions.iter().filter(|question| question.is_open());
        let of = |question: &'a Question| {
            let mut factors = self.factors.iter();
            match factors.find(|factor| factor.question.is_some_and(|other| other.key == question.key)) {
                Some(factor) => {
                    let instead_of = factor.values.last().cloned();
                    Turns { question, values: factor.any.clone(), done: 0, instead_of }
                }
                None => {
                    let values = values::of(question, &BTreeSet::new(), &self.pack.manifest);
                    Turns { question, values, done: 0, instead_of: None }
                }
            }
        };
        questions.map(of).filter(|turns| !turns.values.is_empty()).collect()
    }

    /// Chooses an allowed row, with the texts whose turn it is.
    fn take(&mut self, at: usize, turns: &mut [Turns]) {
        let allowed = self.rows.allowed[at].clone();
        // A name that a condition is about stays.
        let name = if allowed.blueprint.name == self.named[0] {
            self.names[self.rows.chosen.len() % self.names.len()].clone()
        } else {
            allowed.blueprint.name.clone()
        };
        let mut given = Vec::new();
        let resolver = Resolver::new(self.pack, &name, Answers::default());
        let answers = resolver.and_then(|resolver| {
            resolver.answer_all(|question, default| {
                let mut turning =
                    turns.iter_mut().filter(|turns| turns.question.key == question.key && turns.fit(&allowed));
                let said = match turning.next() {
                    Some(turns) => {
                        turns.done += 1;
                        turns.values[(turns.done - 1) % turns.values.len()].clone()
                    }
                    None => allowed.blueprint.answers.get(&question.key).cloned(),
                };
                if let Some(answer) = &said
                    && said != default
                {
                    given.push((question.key.clone(), answer.clone()));
                }
                said.or(default)
            })
        });
        let Some(answers) = self.kept(answers) else { return };
        let blueprint = Blueprint { name, answers, ..allowed.blueprint };
        // A text may be one that a refusal is about.
        if select(self.pack, &context_of(&blueprint, self.pack)).is_ok() {
            self.rows.chosen.push(Row { blueprint, given, asked: allowed.asked });
        }
    }
}
