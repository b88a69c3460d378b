//! Which services are tried: any two answers together, every condition both ways, every file and line that
//! answers can bring in, and every text that a question is tried with, in as few services as will do.

use std::collections::{BTreeMap, BTreeSet};

use tera::Context;

use super::conditions::{self, Judged};
use super::factors::{self, Factor};
use super::pairwise::{self, Chooser, Cover, FactorSet, Sought, Verdict};
use super::parts::{self, PackPart};
use super::resources::{Amount, Resources};
use super::values::{self, MaybeAnswer};
use crate::blueprint::{Blueprint, Drawn, Resolver};
use crate::fault::{Fault, Faults};
use crate::pack::{Answer, Answers, Layer, OF_RESOURCES, Pack, Question, RESOURCES};
use crate::render::{context_of, select};
use crate::template::sh;

/// 2026-01-01T00:00:00Z: what is drawn is no part of what is tried.
const MOMENT: u64 = 1_767_225_600;

/// `template check` tries the same services each time.
pub(super) const SEED: u64 = 1;

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
    /// What was answered, where that is not the default.
    pub fn answers(&self) -> Answers {
        let mut answers = Answers::default();
        self.given.iter().for_each(|(key, answer)| answers.insert(key, answer.clone()));
        answers
    }

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
    /// Numbers of conditions ([`conditions::all`]), with a value that each can have, or may have: the search for
    /// it was given up.
    pub truths: BTreeSet<(usize, bool)>,
    /// Two answers that the pack refuses whatever stands beside them, as `key=value`.
    pub refused: Vec<[String; 2]>,
    /// Two answers of which it is not known: the search cost too much.
    pub undecided: Vec<[String; 2]>,
    /// The questions whose answers make a difference to what was looked at; and whether there are resources.
    pub seen: Vec<String>,
}

/// What the pack makes of a row that it admits.
#[derive(Clone)]
pub(super) struct Admitted<'a> {
    pub(super) row: Row,
    pub(super) context: Context,
    pub(super) layers: Vec<&'a Layer>,
    /// What the conditions come to, by number.
    truths: BTreeSet<(usize, bool)>,
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
    pub(super) admitted: BTreeMap<pairwise::Levels, Admitted<'a>>,
    pub(super) rows: Rows,
    faults: Faults,
}

impl Rows {
    /// The rows of a pack; faults where it takes no answers at all, or its conditions cannot be read.
    pub fn of(pack: &Pack) -> Result<Self, Faults> {
        let mut trial = Trial::of(pack)?;
        let chosen = trial.cover();
        if trial.admitted.is_empty() && trial.faults.is_empty() {
            let fault = Fault::new(format!("{}: no answers make a service", pack.shown("pack.toml")));
            trial.faults.push(fault.help("a refusal or a missing layer stands in the way of each"));
        }
        trial.choose(&chosen);
        trial.end()
    }
}

impl<'a> Trial<'a> {
    pub(super) fn of(pack: &'a Pack) -> Result<Self, Faults> {
        let names = values::names(&pack.manifest);
        if names.is_empty() {
            let fault = Fault::new(format!("{}: [name-rules] let no plain name pass", pack.shown("pack.toml")));
            return Err(fault.help("\"shop\" and \"order-api\" are among those that were tried").into());
        }
        Ok(Self {
            pack,
            factors: factors::of(pack),
            conditions: conditions::all(pack),
            names,
            named: factors::names(pack),
            resources: Resources::of(pack),
            admitted: BTreeMap::new(),
            rows: Rows::default(),
            faults: Faults::default(),
        })
    }

    pub(super) fn end(mut self) -> Result<Rows, Faults> {
        self.faults.extend(std::mem::take(&mut self.resources.faults));
        self.faults.or(self.rows)
    }

    pub(super) fn chooser(&self, seed: u64) -> Chooser {
        Chooser::new(self.factors.iter().map(|factor| factor.values.len()).collect(), seed)
    }

    /// Rows that hold every two answers, every truth of a condition and every part that there is.
    fn cover(&mut self) -> Vec<pairwise::Levels> {
        let mut chooser = self.chooser(SEED);
        let defaults = self.defaults();
        let cover = chooser.cover(&[defaults], |row| self.verdict(row));
        let mut rows = cover.rows;
        for number in 0..self.conditions.len() {
            for truth in [false, true] {
                rows.extend(self.with_truth(&chooser, number, truth, &rows));
            }
        }
        for part in parts::of(self.pack) {
            rows.extend(self.with_part(&chooser, &part, &rows));
        }
        rows
    }

    /// One more row, in which a condition has a value that it has in none of `rows`.
    fn with_truth(
        &mut self,
        chooser: &Chooser,
        number: usize,
        truth: bool,
        rows: &[pairwise::Levels],
    ) -> Option<pairwise::Levels> {
        let has = |admitted: &Admitted| admitted.truths.contains(&(number, truth));
        if rows.iter().any(|row| has(&self.admitted[row])) {
            return None;
        }
        if let Some((row, _)) = self.admitted.iter().find(|(_, admitted)| has(admitted)) {
            return Some(row.clone());
        }
        if self.rows.truths.contains(&(number, truth)) {
            // A refusal, in a row that it refuses.
            return None;
        }
        let scope = self.scope(&self.conditions[number].reads(self.pack));
        let refusal = truth && matches!(self.conditions[number].decides, conditions::Decides::Refusal);
        let sought = if refusal {
            // Rows that are refused are what is looked for: nothing known of them counts.
            self.chooser(SEED).seek(&[], |row| {
                let (_, context) = self.asked(row)?;
                self.judge(&context, &[], true);
                if self.rows.truths.contains(&(number, truth)) { Ok(()) } else { Err(scope.clone()) }
            })
        } else {
            chooser.clone().seek(&[], |row| {
                self.verdict(row)?;
                if has(&self.admitted[row]) { Ok(()) } else { Err(scope.clone()) }
            })
        };
        match sought {
            Sought::Found(row) if !refusal => return Some(row),
            Sought::Found(_) | Sought::Refused => {}
            Sought::Undecided => drop(self.rows.truths.insert((number, truth))),
        }
        None
    }

    /// One more row, which has a part that none of `rows` has.
    fn with_part(&mut self, chooser: &Chooser, part: &PackPart, rows: &[pairwise::Levels]) -> Option<pairwise::Levels> {
        if rows.iter().any(|row| part.is_in(&self.admitted[row])) {
            return None;
        }
        let scope = self.scope(&part.reads(self.pack));
        let sought = chooser.clone().seek(&[], |row| {
            self.verdict(row)?;
            if part.is_in(&self.admitted[row]) { Ok(()) } else { Err(scope.clone()) }
        });
        match sought {
            Sought::Found(row) => Some(row),
            Sought::Refused | Sought::Undecided => None,
        }
    }

    /// Says which pairs no row holds.
    pub(super) fn leave_out(&mut self, cover: &Cover) {
        let shown =
            |(factor, value): pairwise::FactorValue| format!("{}={}", self.key_of(factor), self.shown(factor, value));
        let all = |pairs: &[pairwise::Pair]| pairs.iter().map(|pair| [shown(pair.0), shown(pair.1)]).collect();
        let (refused, undecided) = (all(&cover.refused), all(&cover.undecided));
        (self.rows.refused, self.rows.undecided) = (refused, undecided);
    }

    pub(super) fn key_of(&self, factor: usize) -> &str {
        match self.factors[factor].question {
            Some(question) => &question.key,
            None if factor == self.factors.len() - 1 => RESOURCES,
            None => "name",
        }
    }

    fn shown(&self, factor: usize, value: usize) -> String {
        match &self.factors[factor].values[value] {
            Some(answer) => answer.to_string(),
            None if factor == self.factors.len() - 1 => format!("{:?}", Amount::ALL[value]).to_lowercase(),
            None if self.factors[factor].question.is_some() => "(default)".to_owned(),
            None => self.named[value].clone(),
        }
    }

    /// The row of all defaults.
    fn defaults(&self) -> pairwise::Levels {
        let default = |factor: &Factor| {
            let default = factor.question.and_then(|question| question.default.as_ref());
            let at = factor.values.iter().position(|value| value.is_some() && value.as_ref() == default);
            at.unwrap_or(0)
        };
        self.factors.iter().map(default).collect()
    }

    /// The row of a service; none where it has an answer that is not tried.
    pub(super) fn levels(&self, blueprint: &Blueprint) -> Option<pairwise::Levels> {
        let level = |factor: usize| match self.factors[factor].question {
            Some(question) => {
                let Factor { values, any, .. } = &self.factors[factor];
                let answer = blueprint.answers.get(&question.key);
                let stands = values.iter().position(|value| value.as_ref() == answer);
                stands.or_else(|| (!any.is_empty()).then(|| values.len() - 1))
            }
            None if self.key_of(factor) == RESOURCES => Some(match blueprint.resources.len() {
                0 => Amount::None,
                1 => Amount::Plain,
                _ => Amount::Full,
            } as usize),
            None => Some(self.named.iter().position(|name| *name == blueprint.name).unwrap_or_default()),
        };
        (0..self.factors.len()).map(level).collect()
    }

    /// The factors that decide on these answers.
    fn scope(&self, reads: &BTreeSet<String>) -> FactorSet {
        let position = |key: &String| match key.as_str() {
            "name" => Some(self.factors.len() - 2),
            name if OF_RESOURCES.contains(&name) => Some(self.factors.len() - 1),
            _ => self.factors.iter().position(|factor| factor.question.is_some_and(|question| question.key == *key)),
        };
        reads.iter().filter_map(position).collect()
    }

    /// Whether the pack admits a row; what it makes of it is kept.
    pub(super) fn verdict(&mut self, row: &[usize]) -> Verdict {
        if self.admitted.contains_key(row) {
            return Ok(());
        }
        let (mut found, known) = self.asked(row)?;
        let amount = Amount::ALL[row[self.factors.len() - 1]];
        let Some(resources) = self.resources.of_service(amount, &known) else { return Err(self.why_resources()) };
        found.blueprint.resources = resources;
        let context = if amount == Amount::None { known } else { context_of(&found.blueprint, self.pack) };
        let layers = match select(self.pack, &context) {
            Ok(layers) => layers,
            Err(faults) => {
                // A refusal is what the pack says; what has a place in it is wrong there.
                let wrong: Vec<Fault> = faults.0.into_iter().filter(|fault| fault.place.is_some()).collect();
                let scope = if wrong.is_empty() { self.why(&context) } else { self.why_wrong(&Faults(wrong.clone())) };
                let _ = self.kept::<()>(Err(Faults(wrong)));
                self.judge(&context, &[], true);
                return Err(scope);
            }
        };
        if amount != Amount::None && !layers.iter().any(|layer| layer.is_for_resources()) {
            return Err(self.why_resources());
        }
        let truths = self.judge(&context, &layers, false);
        self.admitted.insert(row.to_vec(), Admitted { row: found, context, layers, truths });
        Ok(())
    }

    /// Why answers are refused: what the first refusal reads, or a layer that is in and one that it requires.
    fn why(&self, context: &Context) -> FactorSet {
        let holds = |judged: &&Judged| judged.holds(context).unwrap_or_default();
        let mut refusals =
            self.conditions.iter().filter(|judged| matches!(judged.decides, conditions::Decides::Refusal));
        if let Some(refusal) = refusals.find(holds) {
            return self.scope(&refusal.reads(self.pack));
        }
        let is_in = |layer: &Layer| layer.when.as_ref().is_none_or(|when| when.holds(context).unwrap_or_default());
        let by_name = |name: &str| self.pack.layers.iter().find(|layer| layer.name == name);
        for layer in self.pack.layers.iter().filter(|layer| is_in(layer)) {
            let mut required = layer.requires.iter().filter_map(|(name, _)| by_name(name));
            if let Some(missing) = required.find(|required| !is_in(required)) {
                let mut reads = conditions::reads_of(missing, self.pack);
                reads.extend(conditions::reads_of(layer, self.pack));
                return self.scope(&reads);
            }
        }
        (0..self.factors.len()).collect()
    }

    /// What decides on whether there are resources, and which.
    fn why_resources(&self) -> FactorSet {
        self.scope(&conditions::with_their_own([RESOURCES.to_owned()].into(), self.pack))
    }

    /// What decides on a fault with a place: the condition that has it, or the question.
    fn why_wrong(&self, faults: &Faults) -> FactorSet {
        let place = |fault: &Fault| fault.place.clone();
        for place in faults.0.iter().filter_map(place) {
            if let Some(judged) = self.conditions.iter().find(|judged| judged.condition.place == place) {
                return self.scope(&judged.reads(self.pack));
            }
            if let Some(question) = self.pack.manifest.questions.iter().find(|question| question.place == place) {
                return self.scope(&conditions::with_their_own([question.key.clone()].into(), self.pack));
            }
        }
        (0..self.factors.len()).collect()
    }

    /// The service of a row, without resources, where it answers what is asked and nothing else.
    fn asked(&mut self, row: &[usize]) -> Result<(Row, Context), FactorSet> {
        let plainest = |question: &Question| {
            let values = values::of(question, &BTreeSet::new(), &self.pack.manifest);
            values.into_iter().next().flatten()
        };
        let name = self.named[row[self.factors.len() - 2]].clone();
        let found = match self.answers(row, &name, plainest) {
            Ok(found) => found?,
            Err(faults) => {
                let scope = self.why_wrong(&faults);
                let _ = self.kept::<()>(Err(faults));
                return Err(scope);
            }
        };
        let context = context_of(&found.blueprint, self.pack);
        Ok((found, context))
    }

    /// What the conditions come to; of answers that are refused, the refusals alone.
    fn judge(&mut self, context: &Context, layers: &[&Layer], refused: bool) -> BTreeSet<(usize, bool)> {
        let mut truths = BTreeSet::new();
        for (number, judged) in self.conditions.iter().enumerate() {
            let asked = !refused || matches!(judged.decides, conditions::Decides::Refusal);
            if !asked || !judged.counts(layers) {
                continue;
            }
            match judged.holds(context) {
                Ok(truth) => drop(truths.insert((number, truth))),
                Err(fault) if self.faults.0.contains(&fault) => {}
                Err(fault) => self.faults.push(fault),
            }
        }
        self.rows.truths.extend(truths.iter().copied());
        truths
    }

    /// The answers of a row; where it answers what is not asked, what decides on that. `free` answers the
    /// questions that are no factors.
    fn answers(
        &self,
        row: &[usize],
        name: &str,
        mut free: impl FnMut(&Question) -> MaybeAnswer,
    ) -> Result<Result<Row, FactorSet>, Faults> {
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
        let mut given_way = self.factors.iter().zip(row).filter(|(factor, value)| !stands(factor, value));
        if let Some(question) = given_way.find_map(|(factor, _)| factor.question) {
            let reads = conditions::with_their_own([question.key.clone()].into(), self.pack);
            return Ok(Err(self.scope(&reads)));
        }
        let drawn = Drawn::at(MOMENT);
        let blueprint = Blueprint { name: name.to_owned(), answers, resources: Vec::new(), drawn };
        Ok(Ok(Row { blueprint, given, asked }))
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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Questions with so many choices each, and conditions over them: of questions, as (number, `when`), where
    /// the first choice stands otherwise, and of refusals.
    fn pack(sizes: &[usize], asked: &[(usize, String)], refused: &[String]) -> std::sync::Arc<Pack> {
        let mut manifest = "name = \"many\"\nversion = \"0.1.0\"\nedition = 2\n".to_owned();
        for (number, size) in sizes.iter().enumerate() {
            let choices = (0..*size).map(|choice| format!("\"c{choice}\"")).collect::<Vec<_>>().join(", ");
            let _ = writeln!(
                manifest,
                "[[question]]\nkey = \"q{number}\"\nprompt = \"?\"\nkind = \"choice\"\nchoices = [{choices}]\n\
                 default = \"c0\""
            );
            if let Some((_, when)) = asked.iter().find(|(asked, _)| *asked == number) {
                let _ = writeln!(manifest, "otherwise = \"c0\"\nwhen = '{when}'");
            }
        }
        let mut layer = "title = \"Core\"\n".to_owned();
        for when in refused {
            let _ = writeln!(layer, "[[refuse]]\nwhen = '{when}'\nreason = \"no\"");
        }
        let all = (0..sizes.len()).map(|number| format!("{{{{ q{number} }}}}")).collect::<Vec<_>>().concat();
        let files = [("pack.toml", manifest), ("layers/core/layer.toml", layer), ("layers/core/files/a.tera", all)];
        let files = files.map(|(path, text)| (path.to_owned(), text.into_bytes().into()));
        Pack::from_files(&files.into(), "pack").unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn is(question: usize, choice: usize) -> String {
        format!("q{question} == \"c{choice}\"")
    }

    /// Two answers of one service, each as (question, choice).
    fn held<'a>(services: impl IntoIterator<Item = &'a Answers>) -> BTreeSet<[(String, String); 2]> {
        let pairs = |answers: &Answers| {
            let all: Vec<(String, String)> =
                answers.iter().map(|(key, answer)| (key.to_owned(), answer.to_string())).collect();
            all.iter().flat_map(|one| all.iter().map(|other| [one.clone(), other.clone()])).collect::<Vec<_>>()
        };
        services.into_iter().flat_map(pairs).collect()
    }

    #[test]
    fn twenty_questions_with_refusals_take_at_most_45_services() {
        let sizes: Vec<usize> = (2..=5).flat_map(|size| [size; 5]).collect();
        let asked = [(19, is(0, 1)), (12, format!("{} or {}", is(5, 1), is(6, 2)))];
        let refused = [
            format!("{} and {}", is(1, 0), is(7, 1)),
            format!("{} and {}", is(15, 4), is(16, 4)),
            format!("{} and {} and {}", is(2, 1), is(8, 2), is(13, 3)),
            format!("{} and not {}", is(17, 3), is(10, 0)),
        ];
        let pack = pack(&sizes, &asked, &refused);
        let rows = Rows::of(&pack).unwrap();
        assert!(rows.chosen.len() <= 45, "{} services", rows.chosen.len());
        let held = held(rows.chosen.iter().map(|row| &row.blueprint.answers));
        let key = |question: usize, choice: usize| (format!("q{question}"), format!("c{choice}"));
        for (one, other) in [((1, 0), (7, 1)), ((15, 4), (16, 4)), ((17, 3), (10, 1)), ((0, 0), (19, 1))] {
            assert!(!held.contains(&[key(one.0, one.1), key(other.0, other.1)]), "{one:?} {other:?}");
        }
        // All others go together: of the questions with refusals, too.
        let refused = 1 + 1 + 3 + 4;
        let all: usize = sizes.iter().sum();
        let alike: usize = sizes.iter().map(|size| size * size).sum();
        assert_eq!(held.len(), all * all - alike + all - 2 * refused);
    }

    /// As many packs as there are seeds, each small enough to try every answer.
    #[test]
    fn the_services_hold_what_every_combination_holds() {
        for seed in 0..60_u64 {
            // Numbers that look drawn: a multiplicative generator, its high bits.
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut below = |end: usize| {
                state = state.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
                usize::try_from(state >> 33).unwrap() % end
            };
            let sizes: Vec<usize> = (0..2 + below(3)).map(|_| 2 + below(3)).collect();
            let mut any = || {
                let question = below(sizes.len());
                is(question, below(sizes[question]))
            };
            let refused: Vec<String> = (0..3).map(|_| format!("{} and {}", any(), any())).collect();
            let last = sizes.len() - 1;
            let asked = [(last, is(0, 1))];
            let pack = pack(&sizes, &asked, &refused);
            let mut all = Vec::new();
            let mut row = vec![0; sizes.len()];
            loop {
                let mut given = Answers::default();
                for (number, choice) in row.iter().enumerate() {
                    given.insert(&format!("q{number}"), Answer::Text(format!("c{choice}")));
                }
                let answers = Resolver::new(&pack, "shop", given).unwrap().complete();
                if let Ok(answers) = answers {
                    let drawn = Drawn::at(MOMENT);
                    let blueprint = Blueprint { name: "shop".into(), answers, resources: Vec::new(), drawn };
                    if select(&pack, &context_of(&blueprint, &pack)).is_ok() {
                        all.push(blueprint.answers);
                    }
                }
                let Some(at) = (0..row.len()).find(|at| row[*at] + 1 < sizes[*at]) else { break };
                row[..at].fill(0);
                row[at] += 1;
            }
            match Rows::of(&pack) {
                Ok(rows) => {
                    let chosen = held(rows.chosen.iter().map(|row| &row.blueprint.answers));
                    assert_eq!(chosen, held(&all), "seed {seed}: {sizes:?} {refused:?}");
                }
                Err(faults) => assert!(all.is_empty(), "seed {seed}: {faults}"),
            }
        }
    }
}
