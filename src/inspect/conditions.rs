//! Every `when` of a pack, and whether it makes a difference.

use std::collections::BTreeSet;

use tera::Context;

use super::rows::Rows;
use crate::fault::{Fault, Faults};
use crate::pack::{Answer, Condition, Layer, OF_RESOURCES, Pack};
use crate::template::variables_of;

/// What a condition decides.
pub enum Decides<'a> {
    Question(&'a str),
    Layer(&'a Layer),
    /// A rule for files; it counts where its layer is in.
    Rule(&'a Layer, &'a str),
    /// A practice that the layer claims; it counts where the layer is in.
    Claim(&'a Layer, &'a str),
    /// Something that its layer contributes; it counts where the layer is in.
    Contribution(&'a Layer),
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
    for refusal in &pack.manifest.refusals {
        add(&refusal.when, Decides::Refusal);
    }
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
        for claim in &layer.claims {
            if let Some(when) = &claim.when {
                add(when, Decides::Claim(layer, &claim.id));
            }
        }
        for one in &layer.contributions {
            if let Some(when) = &one.when {
                add(when, Decides::Contribution(layer));
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
            Decides::Rule(layer, _) | Decides::Claim(layer, _) | Decides::Contribution(layer) => {
                layers.iter().any(|other| other.name == layer.name)
            }
            _ => true,
        }
    }

    pub fn holds(&self, context: &Context) -> Result<bool, Fault> {
        self.condition.holds(context)
    }

    /// All that decides whether it holds, as far as it is asked: what it reads, and what its layer needs.
    pub fn reads(&self, pack: &Pack) -> BTreeSet<String> {
        let mut reads = self.condition.reads();
        if let Decides::Layer(layer)
        | Decides::Rule(layer, _)
        | Decides::Claim(layer, _)
        | Decides::Contribution(layer) = self.decides
        {
            reads.extend(reads_of(layer, pack));
        }
        with_their_own(reads, pack)
    }
}

/// All that decides whether a layer is in: what it reads, and what those that it requires read.
pub fn reads_of(layer: &Layer, pack: &Pack) -> BTreeSet<String> {
    let mut reads = BTreeSet::new();
    let (mut open, mut seen) = (vec![layer.name.as_str()], BTreeSet::new());
    while let Some(name) = open.pop() {
        if let Some(layer) = pack.layers.iter().find(|layer| layer.name == name)
            && seen.insert(name)
        {
            reads.extend(layer.when.iter().flat_map(Condition::reads));
            open.extend(layer.requires.iter().map(|(name, _)| name.as_str()));
        }
    }
    with_their_own(reads, pack)
}

/// With all that decides about these answers themselves: a question that is not asked has no say, and what
/// it comes to then may be made of others. Which resources there are hangs on the tables of layers.
pub fn with_their_own(mut reads: BTreeSet<String>, pack: &Pack) -> BTreeSet<String> {
    loop {
        let mut more = BTreeSet::new();
        for key in &reads {
            if let Some(question) = pack.manifest.question(key) {
                more.extend(question.when.iter().flat_map(Condition::reads));
                for value in [&question.default, &question.otherwise].into_iter().flatten() {
                    if let Answer::Text(text) = value {
                        more.extend(variables_of(&pack.manifest.delimiters, text).unwrap_or_default());
                    }
                }
            }
            if OF_RESOURCES.contains(&key.as_str()) {
                let layers = pack.layers.iter().filter(|layer| layer.is_for_resources() || !layer.tables.is_empty());
                more.extend(layers.flat_map(|layer| layer.when.iter().flat_map(Condition::reads)));
            }
        }
        if more.is_subset(&reads) {
            return reads;
        }
        reads.extend(more);
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
            Decides::Claim(_, id) => {
                (format!("\"{id}\" is never claimed"), format!("\"{id}\" is claimed wherever its layer is in"))
            }
            Decides::Contribution(_) => {
                ("it is never contributed".to_owned(), "it is contributed wherever its layer is in".to_owned())
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
