//! Texts and names take turns in the services that are tried, until each has had its own.

use std::collections::BTreeSet;

use super::pairwise;
use super::rows::{Row, Trial};
use super::values::{self, MaybeAnswer};
use crate::blueprint::{Blueprint, Resolver};
use crate::pack::{Answers, Question};
use crate::render::{context_of, select};

/// A question whose values have their turns, and how many have had theirs.
struct Turns<'a> {
    question: &'a Question,
    values: Vec<MaybeAnswer>,
    done: usize,
    /// Of a question that decides something: the answer that the values may stand for.
    instead_of: Option<MaybeAnswer>,
}

impl Turns<'_> {
    /// Whether its values may stand in this row.
    fn fit(&self, row: &Row) -> bool {
        let stands = |value: &MaybeAnswer| row.blueprint.answers.get(&self.question.key) == value.as_ref();
        row.asked.contains(&self.question.key) && self.instead_of.as_ref().is_none_or(stands)
    }
}

impl<'a> Trial<'a> {
    /// Gives the rows texts and names in turn, and takes them again until each text has had its turn.
    pub(super) fn choose(&mut self, rows: &[pairwise::Levels]) {
        let mut turns = self.turns();
        for row in rows {
            self.take(row, &mut turns);
        }
        for row in rows {
            let is_left = |turns: &Turns, row: &Row| turns.done < turns.values.len() && turns.fit(row);
            let done = |turns: &[Turns]| turns.iter().map(|turns| turns.done).sum::<usize>();
            while turns.iter().any(|turns| is_left(turns, &self.admitted[row].row)) {
                let before = done(&turns);
                self.take(row, &mut turns);
                if done(&turns) == before {
                    break;
                }
            }
        }
    }

    /// Takes each row once, with texts and names whose turn it is; the seed says where the turns begin.
    pub(super) fn take_each(&mut self, rows: &[pairwise::Levels], seed: u64) {
        let mut turns = self.turns();
        for turns in &mut turns {
            turns.done = usize::try_from(seed % turns.values.len() as u64).unwrap_or_default();
        }
        let names = self.names.len();
        self.names.rotate_left(usize::try_from(seed % names as u64).unwrap_or_default());
        for row in rows {
            self.take(row, &mut turns);
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

    /// Chooses an admitted row, with the texts whose turn it is.
    fn take(&mut self, row: &[usize], turns: &mut [Turns]) {
        let allowed = self.admitted[row].row.clone();
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
