//! Every `when` of a pack, and whether it makes a difference.

use std::collections::BTreeSet;

use tera::Context;

use super::rows::Rows;
use crate::fault::{Fault, Faults};
use crate::pack::{Condition, Layer, Pack};

/// What a condition decides.
pub enum Decides<'a> {
    Question(&'a str),
    Layer(&'a Layer),
    /// A rule for files; it counts where its layer is in.
    Rule(&'a Layer, &'a str),
    Refusal,
}

pub struct Judged<'a> {
    pub condition: &'a Condition,
    pub decides: Decides<'a>,
}

/// The conditions of a pack; they are known by their number here.
pub fn all(pack: &Pack) -> Vec<Judged<'_>> {
    let mut all = Vec::new();
    let mut add = |condition, decides| all.push(Judged { condition, decides });
    for question in &pack.manifest.questions {
        if let Some(when) = &question.when {
            add(when, Decides::Question(&question.key));
        }
    }
    for layer in &pack.layers {
        if let Some(when) = &layer.when {
            add(when, Decides::Layer(layer));
        }
        for rule in &layer.rules {
            if let Some(when) = &rule.when {
                add(when, Decides::Rule(layer, &rule.pattern));
            }
        }
        for refusal in &layer.refusals {
            add(&refusal.when, Decides::Refusal);
        }
    }
    all
}

impl Judged<'_> {
    /// Whether it is asked at all where these layers are in.
    pub fn counts(&self, layers: &[&Layer]) -> bool {
        match self.decides {
            Decides::Rule(layer, _) => layers.iter().any(|other| other.name == layer.name),
            _ => true,
        }
    }

    pub fn holds(&self, context: &Context) -> Result<bool, Fault> {
        self.condition.holds(context)
    }

    /// All that decides whether it holds, as far as it is asked: what it reads, and what its layer needs.
    pub fn reads(&self, pack: &Pack) -> BTreeSet<String> {
        let mut reads = self.condition.reads();
        if let Decides::Layer(layer) | Decides::Rule(layer, _) = self.decides {
            let (mut open, mut seen) = (vec![layer.name.as_str()], BTreeSet::new());
            while let Some(name) = open.pop() {
                if let Some(layer) = pack.layers.iter().find(|layer| layer.name == name)
                    && seen.insert(name)
                {
                    reads.extend(layer.when.iter().flat_map(Condition::reads));
                    open.extend(layer.requires.iter().map(|(name, _)| name.as_str()));
                }
            }
        }
        // A question that is not asked has no say.
        loop {
            let of = |key: &String| pack.manifest.question(key)?.when.as_ref().map(Condition::reads);
            let more: BTreeSet<String> = reads.iter().filter_map(of).flatten().collect();
            if more.is_subset(&reads) {
                return reads;
            }
            reads.extend(more);
        }
    }
}

/// Conditions that no answers make true, or none false.
pub fn faults(pack: &Pack, rows: &Rows) -> Faults {
    let mut faults = Faults::default();
    for (number, judged) in all(pack).iter().enumerate() {
        let when = &judged.condition.expression;
        let [fails, holds] = [false, true].map(|truth| rows.truths.contains(&(number, truth)));
        let (never, always) = match judged.decides {
            Decides::Question(key) => (format!("\"{key}\" is never asked"), format!("\"{key}\" is always asked")),
            Decides::Layer(layer) => {
                (format!("layer \"{}\" is never in", layer.name), format!("layer \"{}\" is always in", layer.name))
            }
            Decides::Rule(_, glob) => {
                (format!("\"{glob}\" is never written"), format!("\"{glob}\" is written wherever its layer is in"))
            }
            Decides::Refusal => ("it refuses nothing".to_owned(), "it refuses every answer".to_owned()),
        };
        let place = judged.condition.place.clone();
        if !holds && !fails {
            // Its layer is never in, which is told there.
            continue;
        }
        if !holds {
            let fault = Fault::at(place, format!("`when = '{when}'` holds for no answers: {never}"));
            faults.push(fault.help("what contradicts it is another `when`, a refusal, or the choices that there are"));
        } else if !fails {
            let fault = Fault::at(place, format!("`when = '{when}'` holds for all answers: {always}"));
            faults.push(fault.help("leave it out"));
        }
    }
    faults
}
