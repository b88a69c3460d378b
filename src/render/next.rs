//! The steps after creating, for these answers: what is printed, and what templates see as `next`.

use serde::Serialize;
use tera::Context;

use crate::fault::{Fault, Faults};
use crate::pack::{Layer, NextStep, Pack};
use crate::template::render_text;

/// Commands that work when pasted, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NextSteps {
    /// In the new repository.
    pub steps: Vec<String>,
    /// In another terminal, while the last of `steps` runs.
    pub meanwhile: Vec<String>,
}

impl NextSteps {
    /// The steps of the layers, then those of the pack; a step that is declared twice stands once.
    pub fn new(pack: &Pack, layers: &[&Layer], context: &Context) -> Result<Self, Faults> {
        let next = &pack.manifest.next;
        let mut faults = Faults::default();
        let mut lines = |steps: &mut dyn Iterator<Item = &NextStep>| {
            let mut lines = Vec::new();
            for step in steps {
                match line(step, pack, context) {
                    Ok(Some(line)) if !lines.contains(&line) => lines.push(line),
                    Ok(_) => {}
                    Err(fault) => faults.push(fault),
                }
            }
            lines
        };
        let steps = lines(&mut layers.iter().flat_map(|layer| &layer.next).chain(&next.steps));
        let meanwhile = lines(&mut next.meanwhile.iter());
        faults.or(Self { steps, meanwhile })
    }
}

fn line(step: &NextStep, pack: &Pack, context: &Context) -> Result<Option<String>, Fault> {
    if !step.when.as_ref().map_or(Ok(true), |when| when.holds(context))? {
        return Ok(None);
    }
    let line = render_text(&pack.manifest.delimiters, &step.run, context);
    line.map(Some).map_err(|why| Fault::at(step.place.clone(), format!("a step of `next`: {why}")))
}
